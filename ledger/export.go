package ledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// An exported file carries records over an air gap. It begins with 16 bytes:
//
//	+----------+---------+------------+------+
//	| magic    | version | encryption | zero |
//	| WEIREXPT |    1    |  0 or 1    |      |
//	|   8 B    |   2 B   |    2 B     | 4 B  |
//	+----------+---------+------------+------+
//
// What follows is, with encryption 1, an age file (age-encryption.org/v1), and
// within it, or at once, one zstd stream of sections. Big endian:
//
//	+------+--------+---------+
//	| type | length | content |    V  the ledger's verifier key
//	| 1 B  |  4 B   |  len B  |    C  a checkpoint that covers all records
//	+------+--------+---------+    R  a record; from the first to the last without a gap
//	                               E  the end: a note signed with the ledger's key
//
// A record is a statement, as it is sent to a fleet, with the record's body
// behind it; the statement's checkpoint and previous receipt are left empty:
//
//	+--------+-----------+------+
//	| length | statement | body |
//	|  4 B   |   len B   |      |
//	+--------+-----------+------+
//
// The text of the end's note is four lines: "weir ledger export", the install,
// the first index and the one behind the last, and the SHA-256 of all sections
// before, in base64. So nobody who carries the file can take a record out.
//
// Rules for change: a reader refuses versions and sections that it does not know.
const (
	exportMagic   = "WEIREXPT"
	exportVersion = 1
	exportOrigin  = "weir ledger export\n"
	maxSection    = MaxBody + maxStatement + 4
)

// ExportOptions choose the records from From up to, not including, To. A To
// of 0 is the end of what the checkpoint covers. With Recipients the file is
// encrypted to them.
type ExportOptions struct {
	From, To   int64
	Recipients []age.Recipient
	// Progress, if set, is told now and then how many of how many records are done.
	Progress func(done, of int64)
}

// ErrNothing is returned by Export if there is no record to export.
var ErrNothing = errors.New("no record to export")

// Export writes records with their proofs into one file. It needs the
// ledger's signing key and takes no lock.
func Export(fsys vfs.FS, dir string, w io.Writer, o ExportOptions) (Summary, error) {
	b, err := OpenBook(fsys, dir)
	if err != nil {
		return Summary{}, err
	}
	key, err := vfs.ReadFile(fsys, filepath.Join(dir, signerFile))
	if err != nil {
		return Summary{}, fmt.Errorf("sign the export: %w", err)
	}
	signer, err := parseSigner(key)
	if err != nil { // the library's text may quote the key
		return Summary{}, errors.New("sign the export: signing key cannot be read")
	}
	if o.To == 0 || o.To > b.Checkpoint.Size {
		o.To = b.Checkpoint.Size
	}
	if o.From < 0 || o.From >= o.To {
		return Summary{}, ErrNothing
	}
	head := binary.BigEndian.AppendUint16([]byte(exportMagic), exportVersion)
	head = append(binary.BigEndian.AppendUint16(head, uint16(min(1, len(o.Recipients)))), 0, 0, 0, 0)
	if _, err := w.Write(head); err != nil {
		return Summary{}, err
	}
	closers := []io.Closer{}
	if len(o.Recipients) > 0 {
		enc, err := age.Encrypt(w, o.Recipients...)
		if err != nil {
			return Summary{}, fmt.Errorf("encrypt: %w", err)
		}
		w, closers = enc, append(closers, enc)
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(blockSize))
	if err != nil {
		return Summary{}, err
	}
	e := exporter{w: z, sum: sha256.New()}
	sum, err := e.export(b, signer, o)
	for _, c := range append([]io.Closer{z}, closers...) {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}
	return sum, err
}

type exporter struct {
	w   io.Writer
	sum hash.Hash
	buf []byte
}

func (e *exporter) section(kind byte, parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	e.buf = binary.BigEndian.AppendUint32(append(e.buf[:0], kind), uint32(n))
	for _, p := range parts {
		e.buf = append(e.buf, p...)
	}
	e.sum.Write(e.buf)
	_, err := e.w.Write(e.buf)
	return err
}

func (e *exporter) export(b *Book, signer note.Signer, o ExportOptions) (Summary, error) {
	s := Summary{Install: b.Checkpoint.Install, From: o.From, To: o.To, Checkpoint: b.Note}
	public, err := vfs.ReadFile(b.fsys, filepath.Join(b.dir, verifierFile))
	if err != nil {
		return s, err
	}
	s.Verifier = strings.TrimSuffix(string(public), "\n")
	if err := e.section('V', []byte(s.Verifier)); err != nil {
		return s, err
	}
	if err := e.section('C', b.Note); err != nil {
		return s, err
	}
	r, err := b.From(o.From)
	if err != nil {
		return s, err
	}
	stop := errors.New("stop")
	next := o.From
	err = r.Read(func(rec Record) error {
		if rec.Index != next {
			return fmt.Errorf("record %d was pruned: export from %d on", next, rec.Index)
		}
		st, err := b.State(rec)
		if err != nil {
			return err
		}
		st.Checkpoint = nil
		bytes := st.Encode()
		if err := e.section('R', binary.BigEndian.AppendUint32(nil, uint32(len(bytes))), bytes, rec.Body); err != nil {
			return err
		}
		s.count(&rec)
		if o.Progress != nil {
			o.Progress(next-o.From, o.To-o.From)
		}
		if next++; next == o.To {
			return stop
		}
		return nil
	})
	if err == nil {
		return s, fmt.Errorf("record %d: %w", next, ErrNoRecord)
	}
	if !errors.Is(err, stop) {
		return s, err
	}
	end, err := note.Sign(&note.Note{Text: exportEnd(s, e.sum.Sum(nil))}, signer)
	if err != nil {
		return s, err
	}
	return s, e.section('E', end)
}

// exportEnd is the text of the note at the end.
func exportEnd(s Summary, sum []byte) string {
	return exportOrigin + s.Install + "\n" + strconv.FormatInt(s.From, 10) + " " + strconv.FormatInt(s.To, 10) + "\n" + base64.StdEncoding.EncodeToString(sum) + "\n"
}

// Summary is what an exported file holds.
type Summary struct {
	Install    string `json:"install"`
	From       int64  `json:"from"`
	To         int64  `json:"to"` // behind the last
	Records    int64  `json:"records"`
	Reports    int64  `json:"reports"`
	Bytes      int64  `json:"bytes"`      // of the reports
	Pruned     int64  `json:"pruned"`     // reports whose bodies the ledger no longer has
	Verifier   string `json:"verifier"`   // the key that the file says is the ledger's
	Checkpoint []byte `json:"checkpoint"` // covers all records
}

func (s *Summary) count(r *Record) {
	s.Records++
	if r.Kind == KindReport {
		s.Reports++
		s.Bytes += int64(r.About().Size)
		if r.Removed != nil {
			s.Pruned++
		}
	}
}

// ErrExport is what is wrong with an exported file. It is returned wrapped.
var ErrExport = errors.New("exported file is not whole")

func exportFault(what string) error { return fmt.Errorf("%w: %s", ErrExport, what) }

// ErrEncrypted is returned by ReadExport for a file that it was given no key to.
var ErrEncrypted = errors.New("exported file is encrypted, and none of the given keys opens it")

// ReadExport reads an exported file and visits its records in order, each
// proven to be in the tree of the file's checkpoint, with the statement that
// proves it. Only when it returns nil it is sure that none was taken out.
//
// The key in the file is the file's own word. Who gets it must know from
// elsewhere that it is the install's: compare Summary.Verifier, or have
// Statement.Check do it.
func ReadExport(r io.Reader, ids []age.Identity, visit func(Record, Statement) error) (Summary, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:8]) != exportMagic {
		return Summary{}, exportFault("it is none")
	}
	if v, enc := binary.BigEndian.Uint16(head[8:]), binary.BigEndian.Uint16(head[10:]); v != exportVersion || enc > 1 || binary.BigEndian.Uint32(head[12:]) != 0 {
		return Summary{}, exportFault("it was written by a newer version of Weir")
	} else if enc == 1 {
		if len(ids) == 0 {
			return Summary{}, ErrEncrypted
		}
		var err error
		if r, err = age.Decrypt(r, ids...); err != nil {
			return Summary{}, ErrEncrypted
		}
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(blockSize), zstd.WithDecoderLowmem(true))
	if err != nil {
		return Summary{}, exportFault("it cannot be decompressed")
	}
	defer z.Close()
	i := importer{r: z, sum: sha256.New()}
	s, err := i.read(visit)
	if err != nil {
		return s, err
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(z, 1)); n > 0 || err != nil {
		return s, exportFault("there is more behind its end")
	}
	return s, nil
}

type importer struct {
	r    io.Reader
	sum  hash.Hash
	seen []byte // the sum before the section
	buf  []byte
	head Checkpoint
	key  note.Verifier
}

// section reads one; its content is valid until the next.
func (i *importer) section() (byte, []byte, error) {
	var h [5]byte
	i.seen = i.sum.Sum(i.seen[:0])
	if _, err := io.ReadFull(i.r, h[:]); err != nil {
		return 0, nil, exportFault("it ends too early, or was changed")
	}
	n := int(binary.BigEndian.Uint32(h[1:]))
	if n > maxSection {
		return 0, nil, exportFault("a section is too long")
	}
	// The length is a stranger's word: memory comes with the bytes.
	i.buf = i.buf[:0]
	for len(i.buf) < n {
		at := len(i.buf)
		i.buf = append(i.buf, make([]byte, min(n-at, 64<<10))...)
		if _, err := io.ReadFull(i.r, i.buf[at:]); err != nil {
			return 0, nil, exportFault("it ends too early, or was changed")
		}
	}
	i.sum.Write(h[:])
	i.sum.Write(i.buf)
	return h[0], i.buf, nil
}

func (i *importer) read(visit func(Record, Statement) error) (s Summary, err error) {
	kind, b, err := i.section()
	if err != nil {
		return s, err
	}
	s.Verifier = string(b)
	if i.key, err = note.NewVerifier(s.Verifier); kind != 'V' || err != nil {
		return s, exportFault("its key cannot be read")
	}
	if kind, b, err = i.section(); err != nil {
		return s, err
	}
	s.Checkpoint = append([]byte(nil), b...)
	if i.head, err = OpenCheckpoint(b, i.key); kind != 'C' || err != nil {
		return s, exportFault("its checkpoint is not signed by its key")
	}
	s.Install = i.head.Install
	for first := true; ; first = false {
		kind, b, err := i.section()
		if err != nil {
			return s, err
		}
		if kind == 'E' {
			return s, i.end(s, b)
		}
		rec, st, err := i.record(kind, b)
		if err != nil {
			return s, err
		}
		st.Checkpoint = s.Checkpoint
		if first {
			s.From, s.To = rec.Index, rec.Index
		}
		if rec.Index != s.To {
			return s, exportFault(fmt.Sprintf("record %d is missing", s.To))
		}
		s.To++
		s.count(&rec)
		if err := visit(rec, st); err != nil {
			return s, err
		}
	}
}

func (i *importer) record(kind byte, b []byte) (Record, Statement, error) {
	if kind != 'R' || len(b) < 4 || int64(binary.BigEndian.Uint32(b)) > int64(len(b)-4) {
		return Record{}, Statement{}, exportFault("a section cannot be read")
	}
	n := 4 + binary.BigEndian.Uint32(b)
	st, err := ParseStatement(b[4:n])
	if err != nil || st.Checkpoint != nil || st.Previous != nil {
		return Record{}, Statement{}, exportFault("a record cannot be read")
	}
	// The section's memory is used again for the next one.
	st.Header = append([]byte(nil), st.Header...)
	rec, err := decodeFrame(frame{header: st.Header, body: b[n:]}, encodingPruned)
	if err != nil || rec.Index != st.Index {
		return Record{}, Statement{}, exportFault("a record is not what its header says")
	}
	if tlog.CheckRecord(st.Inclusion, i.head.Size, i.head.Root, st.Index, tlog.RecordHash(st.Header)) != nil {
		return Record{}, Statement{}, exportFault(fmt.Sprintf("record %d is not in the tree that the checkpoint was signed over", st.Index))
	}
	return rec, st, nil
}

func (i *importer) end(s Summary, b []byte) error {
	n, err := openNote(b, i.key)
	if err != nil || s.Records == 0 || n.Text != exportEnd(s, i.seen) {
		return exportFault("its end is not signed for what it holds")
	}
	return nil
}
