package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const (
	dir     = "/data/ledger"
	install = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// options make small segments and rare checkpoints, so that a short history
// meets every transition. Each call is a clock and a key of its own.
func options() ledger.Options {
	now := start
	return ledger.Options{
		Install: install,
		Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		},
		Rand:               rand.NewChaCha8([32]byte{1}),
		SegmentBytes:       1200,
		CheckpointRecords:  3,
		CheckpointInterval: time.Hour,
	}
}

func open(t *testing.T, fsys vfs.FS) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(fsys, dir, options())
	require.NoError(t, err)
	return l
}

var policySource = []byte("version: 1\n")

func policyDigest() [32]byte { return ledger.LedgerDigest(policySource) }

// history is what the tests append: a policy, its acceptance, then reports of
// differing sizes, each third one followed by the outcome of the oldest.
func history(n int) []ledger.Record {
	d := policyDigest()
	recs := []ledger.Record{
		{Kind: ledger.KindPolicy, PolicyDigest: d, Body: policySource},
		{Kind: ledger.KindAcceptance, PolicyDigest: d, Body: []byte(`{"by":"reviewer"}`)},
	}
	var pending []ledger.Record
	for seq := uint64(1); len(recs) < n; seq++ {
		body := bytes.Repeat([]byte{byte(seq)}, int(seq*37%400))
		r := ledger.Record{Kind: ledger.KindReport, Sequence: seq, PolicyDigest: d, Destination: "https://fleet.example", Body: body}
		r.Index = int64(len(recs))
		recs, pending = append(recs, r), append(pending, r)
		if seq%3 != 0 && len(recs) < n {
			o := ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}
			if seq%7 == 0 {
				o = ledger.Outcome{Result: ledger.Refused, Status: "4xx"}
			}
			recs, pending = append(recs, o.Record(&pending[0])), pending[1:]
		}
	}
	for i := range recs {
		recs[i].Index = int64(i)
	}
	return recs
}

func fill(t *testing.T, l *ledger.Ledger, recs []ledger.Record) []ledger.Record {
	t.Helper()
	var out []ledger.Record
	for _, r := range recs {
		got, err := l.Append(r)
		require.NoError(t, err)
		out = append(out, got)
	}
	return out
}

func readAll(t *testing.T, fsys vfs.FS) []ledger.Record {
	t.Helper()
	r, err := ledger.NewReader(fsys, dir, -1)
	require.NoError(t, err)
	var out []ledger.Record
	require.NoError(t, r.Read(func(rec ledger.Record) error {
		out = append(out, rec)
		return nil
	}))
	return out
}

func TestWhatIsAppendedIsReadBack(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	want := fill(t, l, history(40))
	for i, r := range want {
		require.EqualValues(t, i, r.Index)
		require.False(t, r.Time.IsZero())
	}
	equalRecords(t, want, readAll(t, m))
	pending := l.Pending()
	require.NoError(t, l.Close())

	l = open(t, m)
	defer l.Close()
	equalRecords(t, want, readAll(t, m))
	assert.Equal(t, pending, l.Pending(), "the queue survives a restart")
	assert.NotEmpty(t, pending)
	assert.Equal(t, len(pending), l.PendingCount())
	assert.True(t, l.Accepted(policyDigest()))
	assert.True(t, l.HasPolicy(policyDigest()))
	assert.False(t, l.Accepted([32]byte{1}))
	segs, err := m.ReadDir(dir)
	require.NoError(t, err)
	assert.Greater(t, len(segs), 8, "the history fills several segments")
}

func equalRecords(t *testing.T, want, got []ledger.Record) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		w, g := want[i], got[i]
		require.True(t, bytes.Equal(w.Body, g.Body), "body of record %d", i)
		w.Body, g.Body = nil, nil
		require.Equal(t, w, g)
	}
}

func TestReportsLeaveTheQueueWithAnOutcomeOnly(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	recs := fill(t, l, history(3)[:3])
	report := recs[2]
	all := func(ledger.Entry) bool { return true }
	got, ok, err := l.Oldest(all)
	require.NoError(t, err)
	require.True(t, ok)
	equalRecords(t, []ledger.Record{report}, []ledger.Record{got})
	_, ok, err = l.Oldest(func(e ledger.Entry) bool { return e.PolicyDigest != policyDigest() })
	assert.NoError(t, err)
	assert.False(t, ok)

	done := ledger.Outcome{Result: ledger.Refused, Status: "4xx"}.Record(&report)
	_, err = l.Append(done)
	require.NoError(t, err)
	_, ok, err = l.Oldest(all)
	assert.NoError(t, err)
	assert.False(t, ok)
	_, err = l.Append(done)
	assert.Error(t, err, "an outcome is final")
	assert.NoError(t, l.Err(), "a refused record does no harm")
	require.NoError(t, l.Close())
	_, err = l.Append(done)
	assert.ErrorIs(t, err, ledger.ErrClosed)
}

func TestSequencesAreContiguous(t *testing.T) {
	l := open(t, vfs.NewMem())
	defer l.Close()
	r := ledger.Record{Kind: ledger.KindReport}
	for _, seq := range []uint64{0, 2} {
		r.Sequence = seq
		_, err := l.Append(r)
		assert.Error(t, err)
	}
	assert.EqualValues(t, 1, l.NextSequence())
	r.Sequence = 1
	_, err := l.Append(r)
	assert.NoError(t, err)
	assert.EqualValues(t, 2, l.NextSequence())
}

func TestOneProcessPerFolder(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	_, err := ledger.Open(m, dir, options())
	assert.ErrorIs(t, err, vfs.ErrLocked)
	require.NoError(t, l.Close())
	require.NoError(t, open(t, m).Close())
}

func TestALedgerBelongsToOneInstall(t *testing.T) {
	m := vfs.NewMem()
	require.NoError(t, open(t, m).Close())
	o := options()
	o.Install = "another"
	_, err := ledger.Open(m, dir, o)
	var f *ledger.Fault
	require.ErrorAs(t, err, &f)
	assert.Contains(t, err.Error(), "another install")
}

// TestProofs has tlog check what an auditor would be given.
func TestProofs(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	var trees []tlog.Tree
	trees = append(trees, l.Tree())
	var recs []ledger.Record
	for _, r := range history(23) {
		got, err := l.Append(r)
		require.NoError(t, err)
		recs, trees = append(recs, got), append(trees, l.Tree())
	}
	require.NoError(t, l.Close())
	l = open(t, m)
	defer l.Close()
	head := l.Tree()
	require.Equal(t, trees[23], head)
	for i, r := range recs {
		p, err := l.ProveRecord(head.N, int64(i))
		require.NoError(t, err)
		require.NoError(t, tlog.CheckRecord(p, head.N, head.Hash, int64(i), ledger.Leaf(r)))
		r.Body = append(r.Body, 'x')
		require.Error(t, tlog.CheckRecord(p, head.N, head.Hash, int64(i), ledger.Leaf(r)))
		old := trees[i+1]
		tp, err := l.ProveTree(head.N, old.N)
		require.NoError(t, err)
		require.NoError(t, tlog.CheckTree(tp, head.N, head.Hash, old.N, old.Hash))
	}
}

func TestCheckpointSpeaksForTheWholeLedger(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	fill(t, l, history(7))
	root := l.Tree()
	require.NoError(t, l.Close())
	v, err := ledger.LoadVerifier(m, dir)
	require.NoError(t, err)
	msg, err := vfs.ReadFile(m, filepath.Join(dir, "checkpoint"))
	require.NoError(t, err)
	c, err := ledger.OpenCheckpoint(msg, v)
	require.NoError(t, err)
	assert.Equal(t, ledger.Checkpoint{Install: install, Size: 7, Root: root.Hash}, c)
	assert.Contains(t, string(msg), "weir ledger "+install+"\n7\n")
	for i := range msg {
		bad := bytes.Clone(msg)
		bad[i] ^= 1
		_, err := ledger.OpenCheckpoint(bad, v)
		require.Error(t, err, "byte %d flipped", i)
	}
	info, err := m.Stat(filepath.Join(dir, "signer.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestAReaderFollowsAGrowingLedger(t *testing.T) {
	m := vfs.NewMem()
	_, err := ledger.NewReader(m, dir, -1)
	require.ErrorIs(t, err, ledger.ErrNone)
	l := open(t, m)
	defer l.Close()
	want := history(30)
	r, err := ledger.NewReader(m, dir, -1)
	require.NoError(t, err)
	for i, rec := range want {
		_, err := l.Append(rec)
		require.NoError(t, err)
		if i%4 == 3 { // four at a time, across segments
			var seen []int64
			require.NoError(t, r.Read(func(rec ledger.Record) error {
				seen = append(seen, rec.Index)
				return nil
			}))
			j := int64(i)
			require.Equal(t, []int64{j - 3, j - 2, j - 1, j}, seen)
		}
	}
	for n := range int64(35) {
		r, err := ledger.NewReader(m, dir, n)
		require.NoError(t, err)
		var got []int64
		require.NoError(t, r.Read(func(rec ledger.Record) error {
			got = append(got, rec.Index)
			return nil
		}))
		require.Len(t, got, int(min(n, 30)))
		if n > 0 {
			require.EqualValues(t, 29, got[len(got)-1])
		}
	}
}

func TestAFailedWriteEndsAllAppends(t *testing.T) {
	for _, kind := range []vfs.OpKind{vfs.OpWrite, vfs.OpSync} {
		for _, cause := range []error{errors.New("i/o error"), vfs.ErrTorn} {
			t.Run(fmt.Sprint(kind, cause), func(t *testing.T) {
				m := vfs.NewMem()
				l := open(t, m)
				recs := history(4)
				fill(t, l, recs[:2])
				m.Inject = func(op vfs.Op) error {
					if op.Kind == kind && !op.After {
						return cause
					}
					return nil
				}
				_, err := l.Append(recs[2])
				require.ErrorIs(t, err, cause)
				m.Inject = nil
				_, err = l.Append(recs[2])
				require.ErrorIs(t, err, ledger.ErrFailed)
				require.ErrorIs(t, l.Err(), ledger.ErrFailed)
				require.NoError(t, l.Close())
				l = open(t, m)
				defer l.Close()
				if l.NextSequence() == 1 {
					_, err = l.Append(recs[2])
					require.NoError(t, err)
				}
				require.EqualValues(t, 3, l.Tree().N)
			})
		}
	}
}
