package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Verification is what Verify found.
type Verification struct {
	Install string `json:"install"`
	Records int64  `json:"records"` // whole ones
	Reports int64  `json:"reports"`
	Pending int64  `json:"pending"` // reports without an outcome
	Bytes   int64  `json:"bytes"`   // of all reports' bodies
	Root    string `json:"root"`    // of all records, empty if they do not make a tree
	Signed  int64  `json:"signed"`  // records that the ledger's checkpoint covers
	// What its age has removed, by rule and recorded as such.
	PrunedRecords int64 `json:"pruned_records"` // only their hashes are left
	PrunedBodies  int64 `json:"pruned_bodies"`  // reports of which the headers are left
	Dropped       int64 `json:"dropped"`        // reports given up for the backlog's limit
	Receipts      int64 `json:"receipts"`       // outcomes with a checkpoint that a fleet countersigned
	// Incomplete says that the last segment ends within a record that no
	// checkpoint covers: one that is just being written, or whose writing a
	// crash interrupted. It was never acknowledged, and is no fault.
	Incomplete bool     `json:"incomplete"`
	Faults     []*Fault `json:"faults"`
}

// OK says that nothing is wrong.
func (v *Verification) OK() bool { return len(v.Faults) == 0 }

// Verify checks everything in a ledger that can be checked without trusting
// it: frames and checksums, indexes, sequences, hashes, that the records are
// those which the checkpoint was signed over, that every report has an
// earlier acceptance of its policy and at most one outcome, later, that what
// is missing was pruned by a rule and the ledger says so, and that receipts are
// for what the ledger was then.
//
// External, if not nil, is a signed checkpoint of this ledger that was kept
// elsewhere; with it Verify also finds that records it covers were cut off or
// replaced together with the ledger's own checkpoint.
//
// Verify takes no lock and may run while records are appended. It goes on
// after a fault as far as it can; the error is about not being able to read at
// all, ErrNone if there is no ledger.
func Verify(fsys vfs.FS, dir string, external []byte) (*Verification, error) {
	for tries := 0; ; tries++ {
		v, err := verify(fsys, dir, external)
		// A segment may be pruned between being listed and being read.
		if err == nil || tries == 2 || !errors.Is(err, fs.ErrNotExist) {
			return v, err
		}
	}
}

func verify(fsys vfs.FS, dir string, external []byte) (*Verification, error) {
	firsts, err := segments(fsys, dir)
	var f *Fault
	if err != nil && !errors.As(err, &f) {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrNone
		}
		return nil, err
	}
	if _, serr := fsys.Stat(filepath.Join(dir, checkpointFile)); errors.Is(serr, fs.ErrNotExist) && err == nil && len(firsts) == 0 {
		return nil, ErrNone
	}
	v := &verifier{fsys: fsys, dir: dir, result: &Verification{}, queue: newQueue()}
	v.keys(external)
	// The checkpoint was read before the segments are listed: what it covers
	// must be there, what has come since may be.
	firsts, err = segments(fsys, dir)
	switch {
	case errors.As(err, &f):
		v.add(f)
		return v.result, nil
	case err != nil:
		return nil, err
	}
	if v.hashes, err = newHashChecker(fsys, dir, v.own.Size); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	defer v.hashes.Close()
	if len(firsts) > 0 && firsts[0] > 0 {
		if err := v.begin(firsts[0]); err != nil {
			return nil, err
		}
	}
	for i, first := range firsts {
		if err := v.segment(first, i == len(firsts)-1); err != nil {
			return nil, err
		}
	}
	v.end()
	return v.result, nil
}

// verifier is the state of one Verify.
type verifier struct {
	fsys   vfs.FS
	dir    string
	result *Verification
	key    note.Verifier // nil: it cannot be read

	own, external         Checkpoint
	ownOK, externalOK     bool
	hashes                *hashChecker
	behind                []tlog.Hash // those that the file does not hold
	hashesBroken          bool        // one fault is enough: all that follow differ too
	next                  int64
	tree                  frontier
	broken                bool       // records are missing: tree is not the ledger's
	lost                  [][2]int64 // their indexes, from and to
	gap                   bool       // reports may be among them, so a sequence may be ahead
	abandoned             bool       // the rest of the last segment could not be read
	queue                 queue
	rules                 rules
	newest                time.Time // in this segment
	segmentFile           string
	segmentEnd, lastFirst int64
}

func (v *verifier) add(f *Fault) { v.result.Faults = append(v.result.Faults, f) }

func (v *verifier) fault(off int64, format string, args ...any) {
	v.add(&Fault{File: v.segmentFile, Offset: off, Index: v.next, What: fmt.Sprintf(format, args...)})
}

// lose says that no record before index to can be read. What follows from
// that is not reported as a fault of its own.
func (v *verifier) lose(to int64) {
	v.broken = true
	if to > v.next {
		v.lost, v.gap = append(v.lost, [2]int64{v.next, to}), true
	}
	v.next = to
}

func (v *verifier) isLost(index int64) bool {
	for _, r := range v.lost {
		if r[0] <= index && index < r[1] {
			return true
		}
	}
	return false
}

// keys reads the verifier key and the checkpoints.
func (v *verifier) keys(external []byte) {
	bad := func(file, what string) {
		v.add(&Fault{File: file, Index: -1, What: what})
	}
	key, err := LoadVerifier(v.fsys, v.dir)
	if err != nil {
		bad(filepath.Join(v.dir, verifierFile), "verifier key is missing or cannot be read")
		return
	}
	v.key = key
	v.signerMatches(key)
	name := filepath.Join(v.dir, checkpointFile)
	msg, err := vfs.ReadFile(v.fsys, name)
	if err == nil {
		v.own, err = OpenCheckpoint(msg, key)
	}
	if v.ownOK = err == nil; v.ownOK {
		v.result.Install, v.result.Signed = v.own.Install, v.own.Size
	} else if errors.Is(err, fs.ErrNotExist) {
		bad(name, "checkpoint is missing")
	} else {
		bad(name, err.Error())
	}
	if external == nil {
		return
	}
	if v.external, err = OpenCheckpoint(external, key); err != nil {
		bad(name, "the checkpoint held elsewhere does not fit this ledger: "+err.Error())
		return
	}
	v.externalOK = true
	if v.ownOK && v.own.Size < v.external.Size {
		bad(name, fmt.Sprintf("checkpoint covers %d records, the one held elsewhere %d", v.own.Size, v.external.Size))
	}
}

// signerMatches checks the signing key, if it may be read. A ledger that was
// copied for a review has none.
func (v *verifier) signerMatches(key note.Verifier) {
	name := filepath.Join(v.dir, signerFile)
	b, err := vfs.ReadFile(v.fsys, name)
	if err != nil {
		return
	}
	if signer, err := parseSigner(b); err != nil || signer.Name() != key.Name() || signer.KeyHash() != key.KeyHash() {
		v.add(&Fault{File: name, Index: -1, What: "signing key is not that of the verifier key"})
	}
}

// segment checks one segment and all records in it.
func (v *verifier) segment(first int64, last bool) error {
	s, err := openSegment(v.fsys, v.dir, first)
	v.segmentFile, v.lastFirst = filepath.Join(v.dir, segmentName(first)), first
	if err != nil {
		var f *Fault
		if !errors.As(err, &f) {
			return err
		}
		v.add(&Fault{File: f.File, Offset: f.Offset, Index: f.Index, What: f.What})
		v.broken, v.abandoned = true, true
		return nil
	}
	defer s.file.Close()
	if first != v.next {
		if !v.abandoned || first < v.next {
			v.fault(0, "segment begins at record %d, expected %d", first, v.next)
		}
		v.lose(first)
	}
	v.abandoned = false
	if !v.broken && !v.fits(&s.header) {
		v.fault(0, "segment header does not fit the records before it")
	}
	if last && s.packed != nil {
		v.fault(0, "segment was finished, and the one behind it is missing")
	}
	v.newest = time.Time{}
	off := s.header.size()
	for {
		v.segmentEnd = off
		f, err := readFrame(&s.win, off)
		var fe *frameError
		switch {
		case errors.Is(err, io.EOF):
			v.segmentEnds(s, first, off)
			return nil
		case errors.Is(err, errTorn):
			if last && v.next >= v.own.Size {
				v.result.Incomplete = true
				return nil
			}
			v.fault(off, "record is incomplete")
			v.broken, v.abandoned = true, true
			return nil
		case errors.As(err, &fe):
			v.fault(off, "%s", fe.what)
			v.broken = true
			if fe.next == 0 {
				v.abandoned = true // where the next one begins is not known
				return nil
			}
			v.lose(v.next + 1)
			off = fe.next
			continue
		case err != nil:
			return err
		}
		v.record(f, s.header.encoding, first, off)
		off = f.next
	}
}

// record checks one record whose frame is whole.
func (v *verifier) record(f frame, encoding uint16, segment, off int64) {
	r, err := decodeFrame(f, encoding)
	if err != nil && !errors.Is(err, errBody) {
		v.fault(off, "%v", err)
		v.lose(v.next + 1)
		return
	}
	if err != nil {
		v.fault(off, "%v", err)
		if h, err := decodeHeader(f.header); err == nil {
			r = h.Record
		}
	}
	if r.Index != v.next {
		v.fault(off, "record has index %d", r.Index)
		v.lose(r.Index)
	}
	v.result.Records++
	if r.Time.After(v.newest) {
		v.newest = r.Time
	}
	if r.Removed != nil {
		v.result.PrunedBodies++
		v.rules.cutHere = true
	}
	v.meaning(&r, off)
	v.queue.apply(&r, r.About().Size, segment, off)
	v.leaf(tlog.RecordHash(f.header), off)
	v.next++
}

// meaning checks what the record says against the records before it.
func (v *verifier) meaning(r *Record, off int64) {
	switch r.Kind {
	case KindReport:
		v.result.Reports++
		v.result.Bytes += int64(r.About().Size)
		if want := v.queue.last + 1; r.Sequence < want || r.Sequence > want && !v.gap {
			v.fault(off, "report has sequence %d, expected %d", r.Sequence, want)
		}
		v.gap = false
		if _, ok := v.queue.accepted[r.PolicyDigest]; !ok {
			v.fault(off, "report's policy has no earlier acceptance")
		}
	case KindPolicy:
		if digest(r.Body) != r.PolicyDigest {
			v.fault(off, "policy is not the one its digest is of")
		}
	case KindOutcome:
		o, err := ParseOutcome(r.Body)
		if err != nil {
			v.fault(off, "%v", err)
			return
		}
		v.receipt(o.Receipt, off)
		if i, ok := v.queue.find(o.Report); !ok && (v.isLost(o.Report) || o.Report < v.rules.began) {
			return
		} else if !ok {
			v.fault(off, "outcome is for record %d, which is no earlier report without one", o.Report)
		} else if v.queue.pending[i].Sequence != r.Sequence {
			v.fault(off, "outcome has sequence %d, its report %d", r.Sequence, v.queue.pending[i].Sequence)
		}
	case KindDrop:
		v.drop(r, off)
	case KindPrune:
		v.prune(r, off)
	}
}

// leaf adds a record to the tree and compares the tree with what is signed.
func (v *verifier) leaf(h tlog.Hash, off int64) {
	if v.broken {
		return
	}
	missing, err := v.hashes.check(v.tree.add(h))
	v.behind = append(v.behind, missing...)
	if err != nil && !v.hashesBroken {
		v.hashesBroken = true
		var f *Fault
		if errors.As(err, &f) {
			v.add(&Fault{File: f.File, Offset: f.Offset, Index: v.next, What: f.What})
		} else {
			v.add(&Fault{File: v.hashes.name, Index: v.next, What: "hashes cannot be read"})
		}
	}
	v.compare(off)
}

func (v *verifier) compare(off int64) {
	if v.ownOK && v.tree.size == v.own.Size && v.tree.root() != v.own.Root {
		v.fault(off, "the records up to here are not those that the ledger's checkpoint was signed over")
	}
	if v.externalOK && v.tree.size == v.external.Size && v.tree.root() != v.external.Root {
		v.fault(off, "the records up to here are not those that the checkpoint held elsewhere was signed over")
	}
}

// end checks what only the end of the records shows.
func (v *verifier) end() {
	if v.tree.size == 0 && !v.broken {
		v.compare(0)
	}
	if v.segmentFile == "" {
		v.segmentFile = v.dir
	}
	if v.ownOK && v.next < v.own.Size {
		v.fault(v.segmentEnd, "records are missing, the ledger's checkpoint covers %d", v.own.Size)
	}
	if v.externalOK && v.next < v.external.Size {
		v.fault(v.segmentEnd, "records are missing, the checkpoint held elsewhere covers %d", v.external.Size)
	}
	if v.ownOK && v.own.Size < v.lastFirst {
		v.add(&Fault{File: filepath.Join(v.dir, checkpointFile), Index: -1, What: fmt.Sprintf("checkpoint covers %d records, but the last segment was begun at %d", v.own.Size, v.lastFirst)})
	}
	if v.ownOK && v.hashes.present < v.hashes.limit {
		v.add(&Fault{File: v.hashes.name, Offset: v.hashes.present * tlog.HashSize, Index: -1, What: fmt.Sprintf("file holds %d of the %d hashes that the checkpoint covers", v.hashes.present, v.hashes.limit)})
	}
	if !v.broken {
		v.result.Root = v.tree.root().String()
	}
	v.rulesEnd()
	v.result.Pending = int64(len(v.queue.pending))
}
