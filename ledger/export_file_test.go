package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// exported is a ledger and the file that its records are carried in.
func exported(t testing.TB, o ledger.ExportOptions) (*vfs.Mem, []byte, ledger.Summary) {
	t.Helper()
	m := vfs.NewMem()
	l, err := ledger.Open(m, dir, options())
	require.NoError(t, err)
	for _, r := range history(30) {
		_, err := l.Append(r)
		require.NoError(t, err)
	}
	require.NoError(t, l.Close())
	var b bytes.Buffer
	s, err := ledger.Export(m, dir, &b, o)
	require.NoError(t, err)
	return m, b.Bytes(), s
}

func readExport(b []byte, ids ...age.Identity) (out []ledger.Record, statements []ledger.Statement, s ledger.Summary, err error) {
	s, err = ledger.ReadExport(bytes.NewReader(b), ids, func(r ledger.Record, st ledger.Statement) error {
		out, statements = append(out, r), append(statements, st)
		return nil
	})
	return out, statements, s, err
}

func TestWhatIsExportedIsReadBackAndProven(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	stranger, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	for name, o := range map[string]ledger.ExportOptions{
		"all": {}, "some": {From: 3, To: 20}, "encrypted": {From: 5, Recipients: []age.Recipient{id.Recipient()}},
	} {
		t.Run(name, func(t *testing.T) {
			m, b, s := exported(t, o)
			all := readAll(t, m)
			to := o.To
			if to == 0 {
				to = int64(len(all))
			}
			if o.Recipients != nil {
				assert.NotContains(t, string(b), "weir", "nothing is readable but that it is an export")
				_, _, _, err := readExport(b)
				assert.ErrorIs(t, err, ledger.ErrEncrypted)
				_, _, _, err = readExport(b, stranger)
				assert.ErrorIs(t, err, ledger.ErrEncrypted)
			}
			got, statements, read, err := readExport(b, id)
			require.NoError(t, err)
			equalRecords(t, all[o.From:to], got)
			assert.Equal(t, s, read)
			assert.Equal(t, to-o.From, read.Records)
			key, err := ledger.LoadVerifier(m, dir)
			require.NoError(t, err)
			for i, st := range statements {
				if got[i].Kind == ledger.KindReport {
					require.NoError(t, st.Check(got[i].Body, install, key, nil))
				}
			}
		})
	}
}

func TestNothingCanBeTakenOutOfAnExport(t *testing.T) {
	m, whole, _ := exported(t, ledger.ExportOptions{From: 26})
	refused := func(b []byte, what string) {
		t.Helper()
		_, _, _, err := readExport(b)
		require.ErrorIs(t, err, ledger.ErrExport, what)
	}
	honest, _, _, err := readExport(whole)
	require.NoError(t, err)
	for n := 0; n < len(whole); n += 3 {
		refused(whole[:n], "cut off")
		bad := bytes.Clone(whole)
		bad[n] ^= 0x10
		if got, _, _, err := readExport(bad); err == nil {
			equalRecords(t, honest, got) // zstd says the same in several ways
		}
	}
	refused(append(bytes.Clone(whole), 0), "something behind")

	// The same with the sections in the clear and compressed again.
	z, err := zstd.NewReader(bytes.NewReader(whole[16:]))
	require.NoError(t, err)
	defer z.Close()
	plain, err := io.ReadAll(z)
	require.NoError(t, err)
	pack := func(sections ...[]byte) []byte {
		var b bytes.Buffer
		b.Write(whole[:16])
		z, err := zstd.NewWriter(&b)
		require.NoError(t, err)
		for _, s := range sections {
			_, err = z.Write(s)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	var sections [][]byte
	for rest := plain; len(rest) > 0; {
		n := 5 + int(rest[1])<<24 + int(rest[2])<<16 + int(rest[3])<<8 + int(rest[4])
		sections, rest = append(sections, rest[:n]), rest[n:]
	}
	_, _, _, err = readExport(pack(sections...))
	require.NoError(t, err)
	for i := range sections {
		without := append(append([][]byte{}, sections[:i]...), sections[i+1:]...)
		refused(pack(without...), "without a section")
		twice := append(append(append([][]byte{}, sections[:i]...), sections[i]), sections[i:]...)
		refused(pack(twice...), "with one twice")
	}
	for i := 0; i < len(plain); i += 3 {
		bad := bytes.Clone(plain)
		bad[i] ^= 1
		_, _, _, err := readExport(pack(bad))
		require.Error(t, err, "byte %d", i)
	}

	var b bytes.Buffer
	_, err = ledger.Export(m, dir, &b, ledger.ExportOptions{From: 99})
	assert.ErrorIs(t, err, ledger.ErrNothing)
	_, err = ledger.Export(vfs.NewMem(), dir, &b, ledger.ExportOptions{})
	assert.ErrorIs(t, err, ledger.ErrNone)
}

func TestAnExportOfAPrunedLedger(t *testing.T) {
	m := vfs.NewMem()
	l := openAging(t, m)
	_, err := live(l, 120)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	var b bytes.Buffer
	_, err = ledger.Export(m, dir, &b, ledger.ExportOptions{})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "pruned: export from")
	b.Reset()
	s, err := ledger.Export(m, dir, &b, ledger.ExportOptions{From: first(store(t, m).names(".seg")[0])})
	require.NoError(t, err)
	assert.Positive(t, s.Pruned)
	got, _, read, err := readExport(b.Bytes())
	require.NoError(t, err)
	assert.Equal(t, s, read)
	assert.Len(t, got, int(s.Records))
}

func TestReconcile(t *testing.T) {
	signer, fleet := fleetKey(t, "fleet.example", 9)
	other, _ := fleetKey(t, "fleet.example", 8)
	e := newEdge(t, options())
	var held []ledger.Held
	hold := func(r ledger.Record, checkpoint []byte) {
		about := r.About()
		held = append(held, ledger.Held{Sequence: r.Sequence, Index: r.Index, SHA256: hex(about.SHA256[:]), Checkpoint: checkpoint})
	}
	for n := range 12 {
		r := e.report(t, []byte{byte(n)})
		e.deliver(t, r, signer, fleet)
		hold(r, e.l.LastReceipt())
	}
	waiting := e.report(t, []byte("answer lost"))
	receipt, err := ledger.Countersign(e.state(t, waiting).Checkpoint, signer)
	require.NoError(t, err)
	hold(waiting, receipt)
	refused := e.report(t, []byte("refused"))
	_, err = e.l.Append(ledger.Outcome{Result: ledger.Refused, Status: "4xx"}.Record(&refused))
	require.NoError(t, err)
	unproven := e.report(t, []byte("to a stock collector"))
	_, err = e.l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&unproven))
	require.NoError(t, err)
	e.report(t, []byte("pending"))
	require.NoError(t, e.l.Close())

	check := func(held []ledger.Held) *ledger.Reconciliation {
		t.Helper()
		r, err := ledger.Reconcile(e.fs, dir, held, fleet)
		require.NoError(t, err)
		return r
	}
	got := check(held)
	assert.Empty(t, got.Differences)
	assert.Equal(t, []int64{16, 13, 12, 1, 1, 1, 1}, []int64{got.Reports, got.Receipts, got.Agree, got.Waiting, got.Pending, got.Unproven, got.Refused})
	assert.Empty(t, check(append(held, held[3])).Differences, "a receipt that came twice")

	with := func(change func(h *ledger.Held)) []ledger.Held {
		c := append([]ledger.Held(nil), held...)
		change(&c[5])
		return c
	}
	forged, err := ledger.Countersign(e.stateOf(t, 5), other)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		held []ledger.Held
		side string
		want string
	}{
		"omitted by the fleet": {append(append([]ledger.Held(nil), held[:5]...), held[6:]...), ledger.SideFleet, "gave a receipt for"},
		"extra at the fleet":   {append(append([]ledger.Held(nil), held...), ledger.Held{Sequence: 99, Index: 22, SHA256: "00", Checkpoint: held[11].Checkpoint}), ledger.SideEdge, "not in the ledger"},
		"other bytes":          {with(func(h *ledger.Held) { h.SHA256 = strings.Repeat("0", 64) }), ledger.SideEdge, "other bytes"},
		"another place":        {with(func(h *ledger.Held) { h.Index-- }), ledger.SideEdge, "as record"},
		"not the fleet's key":  {with(func(h *ledger.Held) { h.Checkpoint = forged }), ledger.SideFleet, "not signed by the fleet's key"},
		"not the ledger's key": {with(func(h *ledger.Held) { h.Checkpoint = otherLedgersReceipt(t, signer) }), ledger.SideFleet, "not signed by this ledger's key"},
		"an earlier receipt":   {with(func(h *ledger.Held) { h.Checkpoint = held[0].Checkpoint }), ledger.SideFleet, "not the report's"},
		"refused, and taken": {append(append([]ledger.Held(nil), held...), ledger.Held{Sequence: refused.Sequence, Index: refused.Index, SHA256: sumOf(refused), Checkpoint: lateReceipt(t, e.fs, signer)}),
			ledger.SideEdge, "the ledger says refused"},
	} {
		t.Run(name, func(t *testing.T) {
			got := check(c.held)
			require.NotEmpty(t, got.Differences)
			assert.False(t, got.OK())
			found := false
			for _, d := range got.Differences {
				found = found || d.Side == c.side && strings.Contains(d.What, c.want)
			}
			assert.True(t, found, "%+v", got.Differences)
		})
	}

	// A ledger that was put back, or that forked, against what the fleet has.
	short := newEdge(t, options())
	for n := range 3 {
		short.report(t, []byte{byte(n)})
	}
	require.NoError(t, short.l.Close())
	r, err := ledger.Reconcile(short.fs, dir, held, fleet)
	require.NoError(t, err)
	assert.Contains(t, whats(r), "records then and has 3 now")
	fork := newEdge(t, options())
	for range 40 {
		fork.report(t, []byte("another history"))
	}
	require.NoError(t, fork.l.Close())
	r, err = ledger.Reconcile(fork.fs, dir, held, fleet)
	require.NoError(t, err)
	assert.Contains(t, whats(r), "are not those that it signed then")
}

func whats(r *ledger.Reconciliation) string {
	var all []string
	for _, d := range r.Differences {
		all = append(all, d.What)
	}
	return strings.Join(all, "\n")
}

// FuzzExport: whatever is in the file, it is refused with a reason or whole.
func FuzzExport(f *testing.F) {
	_, whole, _ := exported(f, ledger.ExportOptions{From: 20})
	f.Add(whole)
	f.Add(whole[:len(whole)-9])
	f.Add(whole[:16])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, s, err := readExport(b)
		if err != nil && !errors.Is(err, ledger.ErrExport) && !errors.Is(err, ledger.ErrEncrypted) {
			t.Fatal(err)
		}
		if err == nil && s.To != 30 {
			t.Fatal("another export is believed")
		}
	})
}

func hex(b []byte) string { return fmt.Sprintf("%x", b) }

func sumOf(r ledger.Record) string {
	about := r.About()
	return hex(about.SHA256[:])
}

// stateOf is a checkpoint of the closed ledger that covers a record.
func (e *edge) stateOf(t *testing.T, index int64) []byte {
	t.Helper()
	b, err := ledger.OpenBook(e.fs, dir)
	require.NoError(t, err)
	r, err := b.Record(index)
	require.NoError(t, err)
	s, err := b.State(r)
	require.NoError(t, err)
	return s.Checkpoint
}

// lateReceipt countersigns the ledger as it is now.
func lateReceipt(t *testing.T, m *vfs.Mem, signer note.Signer) []byte {
	t.Helper()
	b, err := ledger.OpenBook(m, dir)
	require.NoError(t, err)
	receipt, err := ledger.Countersign(b.Note, signer)
	require.NoError(t, err)
	return receipt
}
