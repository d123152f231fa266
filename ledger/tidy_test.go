package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const day = 24 * time.Hour

// aging options have a clock on which each append is days after the last, and
// keep bodies and records for a time that a short history exceeds.
func aging(after int) ledger.Options {
	o := options()
	now := start.Add(time.Duration(after) * 2 * day)
	o.Now = func() time.Time {
		now = now.Add(2 * day)
		return now
	}
	o.KeepBodies, o.KeepRecords = 40*day, 120*day
	return o
}

// live appends reports, each with its outcome, and before a report whatever
// the ledger has no more of its policy.
func live(l *ledger.Ledger, reports int) (acked []ledger.Record, err error) {
	return liveTo(l, reports, "https://fleet.example")
}

func liveTo(l *ledger.Ledger, reports int, destination string) (acked []ledger.Record, err error) {
	add := func(r ledger.Record) (ledger.Record, error) {
		r.PolicyDigest = policyDigest()
		got, err := l.Append(r)
		if err == nil {
			acked = append(acked, got)
		}
		return got, err
	}
	for range reports {
		if !l.HasPolicy(policyDigest()) {
			if _, err := add(ledger.Record{Kind: ledger.KindPolicy, Body: policySource}); err != nil {
				return acked, err
			}
		}
		if !l.Accepted(policyDigest()) {
			if _, err := add(ledger.Record{Kind: ledger.KindAcceptance, Body: []byte(`{"by":"reviewer"}`)}); err != nil {
				return acked, err
			}
		}
		seq := l.NextSequence()
		r, err := add(ledger.Record{Kind: ledger.KindReport, Sequence: seq, Destination: destination, Body: bytes.Repeat([]byte{byte(seq)}, int(1+seq*37%400))})
		if err != nil {
			return acked, err
		}
		if _, err := add(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&r)); err != nil {
			return acked, err
		}
	}
	return acked, nil
}

func openAging(t *testing.T, m *vfs.Mem) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(m, dir, aging(0))
	require.NoError(t, err)
	return l
}

// encodings of the segments, oldest first.
func encodings(t *testing.T, s stored) (out []uint16) {
	t.Helper()
	for _, name := range s.names(".seg") {
		_, plain, e := ledger.Unpack(s[name])
		require.NotEmpty(t, plain)
		out = append(out, e)
	}
	return out
}

func TestFinishedSegmentsArePacked(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	want := fill(t, l, history(60))
	require.NoError(t, l.TidyErr())
	equalRecords(t, want, readAll(t, m))
	for _, e := range l.Pending() {
		got, ok, err := l.Oldest(func(x ledger.Entry) bool { return x.Index == e.Index })
		require.NoError(t, err)
		require.True(t, ok)
		equalRecords(t, want[e.Index:e.Index+1], []ledger.Record{got})
	}
	require.NoError(t, l.Close())
	got := encodings(t, store(t, m))
	require.Greater(t, len(got), 5)
	for i, e := range got {
		assert.Equal(t, i < len(got)-1, e == 1, "all but the last")
	}
}

// TestPruningKeepsTheProofs removes bodies and then segments, and has tlog
// prove records that are gone against the tree of today.
func TestPruningKeepsTheProofs(t *testing.T) {
	m := vfs.NewMem()
	l := openAging(t, m)
	want, err := live(l, 120)
	require.NoError(t, err)
	require.NoError(t, l.TidyErr())
	s := store(t, m)
	got := encodings(t, s)
	require.Contains(t, got, uint16(2), "some have no bodies")
	require.Contains(t, got, uint16(1), "some have them")
	began := first(s.names(".seg")[0])
	require.Greater(t, began, int64(50), "and some are gone")

	head := l.Tree()
	for _, r := range want {
		p, err := l.ProveRecord(head.N, r.Index)
		require.NoError(t, err)
		require.NoError(t, tlog.CheckRecord(p, head.N, head.Hash, r.Index, ledger.Leaf(r)))
	}
	for n := int64(1); n <= head.N; n += 7 {
		_, err := l.ProveTree(head.N, n)
		require.NoError(t, err)
	}

	byIndex := map[int64]ledger.Record{}
	for _, r := range want {
		byIndex[r.Index] = r
	}
	bare, whole, prunes := 0, 0, 0
	for _, r := range readAll(t, m) {
		switch w, ok := byIndex[r.Index]; {
		case !ok:
			require.Equal(t, ledger.KindPrune, r.Kind)
			prunes++
		case r.Removed != nil:
			require.Equal(t, ledger.KindReport, r.Kind)
			require.Nil(t, r.Body)
			require.Equal(t, w.About(), r.About())
			require.Equal(t, ledger.Leaf(w), ledger.Leaf(r))
			bare++
		default:
			equalRecords(t, []ledger.Record{w}, []ledger.Record{r})
			whole++
		}
	}
	assert.Greater(t, bare, 5)
	assert.Greater(t, whole, 10)
	assert.Greater(t, prunes, 5)

	v, err := ledger.Verify(m, dir, nil)
	require.NoError(t, err)
	assert.Empty(t, v.Faults)
	assert.Equal(t, began, v.PrunedRecords)
	assert.EqualValues(t, bare, v.PrunedBodies)
	assert.Equal(t, head.Hash.String(), v.Root)
	require.NoError(t, l.Close())

	l, err = ledger.Open(m, dir, aging(400))
	require.NoError(t, err)
	assert.Equal(t, head, l.Tree())
	require.NoError(t, l.Close())
}

// TestWhatIsMissingMustHaveBeenPruned: the same ledgers without the reason.
func TestWhatIsMissingMustHaveBeenPruned(t *testing.T) {
	m := vfs.NewMem()
	l := openAging(t, m)
	_, err := live(l, 120)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	whole := store(t, m)
	segs := whole.names(".seg")
	for name, c := range map[string]struct {
		change func(s stored)
		want   string
	}{
		"one more segment": {
			func(s stored) { delete(s, segs[0]) }, "no prune record is for that",
		},
		"bodies before their time": {
			func(s stored) {
				for i, e := range encodings(t, whole) {
					if e != 1 {
						continue
					}
					cutBodies(s, segs[i])
				}
			}, "reports' bodies are missing",
		},
		"the hashes of what is gone": {
			func(s stored) { s["hashes"][40] ^= 1 }, "stored hash is not that of the records",
		},
		"a leaf of what is gone": {
			func(s stored) { s["hashes"][0] ^= 1 }, "stored hash is not that of the records",
		},
		"the state that is gone on from": {
			func(s stored) {
				b := s[segs[0]]
				b[24]++ // the sequence before
				ledger.FixHeader(b)
			}, "report has sequence",
		},
		"an acceptance in that state": {
			func(s stored) {
				n, plain, e := ledger.Unpack(s[segs[0]])
				b := append(bytes.Clone(plain[:n-4]), 0, 0, 0, 0)
				b[48+16+4]++ // the policy's digest
				copy(plain, b)
				ledger.FixHeader(plain)
				s[segs[0]] = ledger.Repack(n, plain, e)
			}, "no prune record is for that",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := whole.clone()
			c.change(s)
			v, err := ledger.Verify(s.mem(t), dir, nil)
			require.NoError(t, err)
			var all []string
			for _, f := range v.Faults {
				all = append(all, f.What)
			}
			assert.Contains(t, strings.Join(all, "\n"), c.want)
		})
	}
}

// TestAClockThatJumpsAheadCostsLittle: a year ahead for half an hour.
func TestAClockThatJumpsAheadCostsLittle(t *testing.T) {
	m := vfs.NewMem()
	o := options()
	now := start
	o.Now = func() time.Time { return now }
	l, err := ledger.Open(m, dir, o)
	require.NoError(t, err)
	defer l.Close()
	for range 20 {
		now = now.Add(day)
		_, err := live(l, 3)
		require.NoError(t, err)
	}
	now = now.Add(500 * day)
	for range 30 {
		now = now.Add(time.Minute)
		_, err := live(l, 1)
		require.NoError(t, err)
	}
	now = now.Add(-500 * day)
	_, err = live(l, 5)
	require.NoError(t, err)
	cut := 0
	for _, e := range encodings(t, store(t, m)) {
		if e == 2 {
			cut++
		}
	}
	assert.Equal(t, 1, cut)
	v, err := ledger.Verify(m, dir, nil)
	require.NoError(t, err)
	assert.Empty(t, v.Faults)
}

// TestNothingThatWaitsIsPruned, however old it is.
func TestNothingThatWaitsIsPruned(t *testing.T) {
	m := vfs.NewMem()
	l := openAging(t, m)
	defer l.Close()
	_, err := live(l, 1)
	require.NoError(t, err)
	waits, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: 2, PolicyDigest: policyDigest(), Body: []byte("waits")})
	require.NoError(t, err)
	_, err = live(l, 100)
	require.NoError(t, err)
	got, ok, err := l.Oldest(func(ledger.Entry) bool { return true })
	require.NoError(t, err)
	require.True(t, ok)
	equalRecords(t, []ledger.Record{waits}, []ledger.Record{got})
	d, err := l.DropOldest(1)
	require.NoError(t, err)
	assert.Equal(t, ledger.Drop{From: waits.Index, To: waits.Index, Count: 1, Bytes: 5, First: 2, Last: 2}, d)
	_, err = live(l, 60)
	require.NoError(t, err)
	require.NoError(t, l.TidyErr())
	assert.NotEqual(t, "00000000000000000000.seg", store(t, m).names(".seg")[0])
	v, err := ledger.Verify(m, dir, nil)
	require.NoError(t, err)
	assert.Empty(t, v.Faults)
}

// prunedRun is run with a ledger that ages.
func prunedRun(m *vfs.Mem, after, reports int) (acked []ledger.Record, err error) {
	l, err := ledger.Open(m, dir, aging(after))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	acked, err = live(l, reports)
	return acked, errors.Join(err, l.TidyErr())
}

// TestPruningSurvivesAnyFailure fails each operation of a history in which
// segments are packed, lose their bodies, and go.
func TestPruningSurvivesAnyFailure(t *testing.T) {
	before := vfs.NewMem()
	earlier, err := prunedRun(before, 0, 14)
	require.NoError(t, err)
	base := store(t, before)
	kept, err := vfs.ReadFile(before, filepath.Join(dir, "checkpoint"))
	require.NoError(t, err)
	const reports = 8
	total := 0
	count := base.mem(t)
	count.Inject = func(op vfs.Op) error {
		if !op.After && !reading(op) {
			total++
		}
		return nil
	}
	_, err = prunedRun(count, 47, reports)
	require.NoError(t, err)
	was, is := encodings(t, base), encodings(t, store(t, count))
	require.NotEqual(t, base.names(".seg")[0], store(t, count).names(".seg")[0], "a segment goes")
	require.NotEqual(t, was, is)
	require.Greater(t, total, 100)

	for _, f := range []struct {
		name  string
		after bool
		err   error
	}{{"before", false, errors.New("i/o error")}, {"torn", false, vfs.ErrTorn}, {"after", true, errors.New("i/o error")}} {
		for n := 0; n < total; n += every() {
			m := base.mem(t)
			ops := 0
			var op vfs.Op
			m.Inject = func(o vfs.Op) error {
				if o.After == f.after && !reading(o) {
					if ops++; ops == n+1 {
						op = o
						return f.err
					}
				}
				return nil
			}
			acked, _ := prunedRun(m, 47, reports)
			m.Inject = nil
			if f.err == vfs.ErrTorn && op.Kind != vfs.OpWrite {
				continue // only a write can be torn
			}
			m.ZeroTails = true
			all := append(append([]ledger.Record(nil), earlier...), acked...)
			worlds := []*vfs.Mem{m.CrashKeeping(rand.New(rand.NewPCG(uint64(n), 1)))}
			switch op.Kind {
			case vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpTruncate, vfs.OpRename, vfs.OpRemove, vfs.OpSyncDir:
				worlds = append(worlds, m.Crash(), m)
			}
			for i, w := range worlds {
				name := fmt.Sprintf("operation %d %s %s %s world %d", n, f.name, op.Kind, filepath.Base(op.Name), i)
				_, err := prunedRun(w, 75, 3)
				require.NoError(t, err, name)
				w = w.Crash()
				v, err := ledger.Verify(w, dir, kept)
				require.NoError(t, err, name)
				require.Empty(t, v.Faults, name)
				prunedSurvived(t, w, all, name)
			}
		}
	}
}

// reading leaves nothing behind; failing one read is like failing the next write.
func reading(op vfs.Op) bool { return op.Kind == vfs.OpRead || op.Kind == vfs.OpStat }

// prunedSurvived: every record that was acknowledged is there, or lies before
// the first segment; what is there is whole but for bodies of reports.
func prunedSurvived(t *testing.T, m *vfs.Mem, acked []ledger.Record, name string) {
	t.Helper()
	got := map[int64]ledger.Record{}
	began := int64(-1)
	for _, r := range readAll(t, m) {
		if began < 0 {
			began = r.Index
		}
		got[r.Index] = r
	}
	for _, w := range acked {
		g, ok := got[w.Index]
		if !ok {
			require.Less(t, w.Index, began, name)
			continue
		}
		if ledger.Leaf(g) != ledger.Leaf(w) || g.Removed == nil && !bytes.Equal(g.Body, w.Body) {
			require.Fail(t, "another record", "%s: %d", name, w.Index)
		}
	}
}

// TestOpeningReadsTheTail counts the segments that opening a long ledger opens.
func TestOpeningReadsTheTail(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	_, err := live(l, 400)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	head := l.Tree()
	segments := len(store(t, m).names(".seg"))
	require.Greater(t, segments, 80)
	opened := map[string]bool{}
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpOpen && !op.After && strings.HasSuffix(op.Name, ".seg") {
			opened[op.Name] = true
		}
		return nil
	}
	l = open(t, m)
	m.Inject = nil
	assert.Equal(t, head, l.Tree())
	assert.LessOrEqual(t, len(opened), 2)
	require.NoError(t, l.Close())

	// Without the stored hashes it reads everything and writes them anew.
	s := store(t, m)
	hashes := bytes.Clone(s["hashes"])
	delete(s, "hashes")
	m = s.mem(t)
	l = open(t, m)
	assert.Equal(t, head, l.Tree())
	require.NoError(t, l.Close())
	assert.Equal(t, hashes, store(t, m)["hashes"])
}

// TestWhatWasSentCannotBeCutOff: between the frames, in the folder alone.
func TestWhatWasSentCannotBeCutOff(t *testing.T) {
	o := options()
	o.CheckpointRecords, o.SegmentBytes = 1000, 1<<20
	m := vfs.NewMem()
	l, err := ledger.Open(m, dir, o)
	require.NoError(t, err)
	for range 30 {
		_, err := live(l, 1)
		require.NoError(t, err)
		r, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), PolicyDigest: policyDigest(), Body: []byte("x")})
		require.NoError(t, err)
		_, ok, err := l.Oldest(func(ledger.Entry) bool { return true })
		require.NoError(t, err)
		require.True(t, ok)
		s := store(t, m) // as it is when the report is on its way
		name := s.names(".seg")[0]
		f := frames(s[name])
		for cut := range f {
			c := s.clone()
			c[name] = c[name][:f[cut][0]]
			v, err := ledger.Verify(c.mem(t), dir, nil)
			require.NoError(t, err)
			require.NotEmpty(t, v.Faults, "%d of %d", cut, len(f))
			_, err = ledger.Open(c.mem(t), dir, o)
			require.Error(t, err)
		}
		_, err = l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&r))
		require.NoError(t, err)
	}
	require.NoError(t, l.Close())
}

func TestTheOldestAreDroppedInOneRecord(t *testing.T) {
	m := vfs.NewMem()
	l := open(t, m)
	fill(t, l, history(40))
	p := l.Pending()
	require.Greater(t, len(p), 5)
	d, err := l.DropOldest(4)
	require.NoError(t, err)
	assert.Equal(t, 4, d.Count)
	assert.Equal(t, p[0].Sequence, d.First)
	assert.Equal(t, p[3].Sequence, d.Last)
	assert.Equal(t, p[4:], l.Pending())
	late := ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&ledger.Record{Index: p[0].Index, Sequence: p[0].Sequence})
	_, err = l.Append(late)
	assert.ErrorIs(t, err, ledger.ErrNotPending)
	_, err = l.Append(ledger.Record{Kind: ledger.KindDrop, Body: []byte(`{"from":0,"to":9,"count":1}`)})
	assert.Error(t, err, "the ledger alone says what it drops")
	none, err := l.DropOldest(0)
	require.NoError(t, err)
	assert.Zero(t, none)
	require.NoError(t, l.Close())
	l = open(t, m)
	assert.Equal(t, p[4:], l.Pending(), "and a restart knows")
	all, err := l.DropOldest(1000)
	require.NoError(t, err)
	assert.Equal(t, len(p)-4, all.Count)
	assert.Zero(t, l.PendingCount())
	require.NoError(t, l.Close())
	v, err := ledger.Verify(m, dir, nil)
	require.NoError(t, err)
	assert.Empty(t, v.Faults)
	assert.EqualValues(t, len(p), v.Dropped)
}

// TestSyncsAReportCosts: five where one report comes at a time (record, three
// for the checkpoint, outcome), and little more than one each in a backlog.
func TestSyncsAReportCosts(t *testing.T) {
	o := options()
	o.SegmentBytes, o.CheckpointRecords = 8<<20, 64
	m := vfs.NewMem()
	l, err := ledger.Open(m, dir, o)
	require.NoError(t, err)
	defer l.Close()
	syncs := 0
	m.Inject = func(op vfs.Op) error {
		if !op.After && (op.Kind == vfs.OpSync || op.Kind == vfs.OpSyncDir) {
			syncs++
		}
		return nil
	}
	report := func() {
		_, err := l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: l.NextSequence(), Body: []byte("x")})
		require.NoError(t, err)
	}
	send := func() {
		r, ok, err := l.Oldest(func(ledger.Entry) bool { return true })
		require.NoError(t, err)
		require.True(t, ok)
		_, err = l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&r))
		require.NoError(t, err)
	}
	report()
	send() // the first one also makes the hashes file
	syncs = 0
	for range 10 {
		report()
		send()
	}
	assert.Equal(t, 10*5, syncs)
	syncs = 0
	for range 640 {
		report()
	}
	for range 640 {
		send()
	}
	assert.LessOrEqual(t, syncs, 2*640*11/10)
}

// TestBodiesMayNotGoBeforeTheirTime, whatever the ledger says.
func TestBodiesMayNotGoBeforeTheirTime(t *testing.T) {
	for days, want := range map[string]int{"10": 0, "400": 1} {
		m := vfs.NewMem()
		l := open(t, m)
		_, err := live(l, 12)
		require.NoError(t, err)
		body := []byte(`{"what":"bodies","before":7,"days":` + days + `}`)
		_, err = ledger.AppendAnything(l, ledger.Record{Kind: ledger.KindPrune, Time: start.Add(20 * day), Body: body})
		require.NoError(t, err)
		require.NoError(t, l.Close())
		s := store(t, m)
		name := s.names(".seg")[0]
		require.LessOrEqual(t, first(s.names(".seg")[1]), int64(7))
		cutBodies(s, name)
		v, err := ledger.Verify(s.mem(t), dir, nil)
		require.NoError(t, err)
		assert.Len(t, v.Faults, want, days)
	}
}

// cutBodies takes the bodies out of a packed segment.
func cutBodies(s stored, name string) {
	n, plain, _ := ledger.Unpack(s[name])
	recs, _, _, _ := ledger.ReadFrames(plain[n:])
	b := plain[:n:n]
	b[11] = 2
	for _, r := range recs {
		if r.Kind == ledger.KindReport {
			about := r.About()
			r.Body, r.Removed = nil, &about
		}
		b = ledger.AppendFrame(b, r)
	}
	s[name] = ledger.Repack(ledger.FixHeader(b), b, 2)
}

// TestAReceiptForAnotherHistoryIsAFault.
func TestAReceiptForAnotherHistoryIsAFault(t *testing.T) {
	signer, _ := fleetKey(t, "fleet.example", 9)
	for name, body := range map[string]string{"": "the same", "are not those that the receipt was given for": "another"} {
		e, other := newEdge(t, options()), newEdge(t, options())
		r := e.report(t, []byte("the same"))
		receipt, err := ledger.Countersign(other.state(t, other.report(t, []byte(body))).Checkpoint, signer)
		require.NoError(t, err)
		_ = e.state(t, r)
		if name != "" {
			_, err = e.l.Append(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: string(receipt)}.Record(&r))
			require.ErrorIs(t, err, ledger.RefusedReceipt)
		}
		_, err = ledger.AppendAnything(e.l, ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx", Receipt: string(receipt)}.Record(&r))
		require.NoError(t, err)
		require.NoError(t, e.l.Close())
		v, err := ledger.Verify(e.fs, dir, nil)
		require.NoError(t, err)
		var all []string
		for _, f := range v.Faults {
			all = append(all, f.What)
		}
		assert.EqualValues(t, 1, v.Receipts)
		assert.Contains(t, strings.Join(all, "\n"), name)
		assert.Equal(t, name == "", !strings.Contains(strings.Join(all, "\n"), "receipt"))
	}
}
