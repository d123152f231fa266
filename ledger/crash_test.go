package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// run opens a ledger, appends recs until something fails, and closes it. It
// returns the acknowledged records.
func run(m *vfs.Mem, recs []ledger.Record) (acked []ledger.Record, err error) {
	l, err := ledger.Open(m, dir, options())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for _, r := range recs[l.Tree().N:] {
		got, err := l.Append(r)
		if err != nil {
			return acked, err
		}
		acked = append(acked, got)
	}
	return acked, nil
}

// every is the step through the operations of a history: all of them, and some
// under -short, which the race detector's run sets.
func every() int {
	if testing.Short() {
		return 11
	}
	return 1
}

// survived opens what a crash left and demands the law: every acknowledged
// record, in order and whole, then at most the one that was being appended.
// Then the rest of the history must fit behind it, and the whole verify.
func survived(t *testing.T, after *vfs.Mem, acked, all []ledger.Record, external []byte) {
	t.Helper()
	l, err := ledger.Open(after, dir, options())
	require.NoError(t, err)
	n := l.Tree().N
	require.GreaterOrEqual(t, n, int64(len(acked)))
	require.LessOrEqual(t, n, int64(len(acked))+1)
	got := readAll(t, after)
	require.Len(t, got, int(n))
	equalRecords(t, acked, got[:len(acked)])
	if int(n) > len(acked) {
		require.True(t, bytes.Equal(all[n-1].Body, got[n-1].Body))
	}
	require.NoError(t, l.Close())
	// What Open has shown must be on the disk, whatever the page cache says.
	after = after.Crash()
	equalRecords(t, got, readAll(t, after))
	_, err = run(after, all)
	require.NoError(t, err)
	v, err := ledger.Verify(after, dir, external)
	require.NoError(t, err)
	require.Empty(t, v.Faults)
	require.EqualValues(t, len(all), v.Records)
}

// TestAcknowledgedRecordsSurviveAnyFailure fails each operation of a history,
// before and after it took hold, and looks at three worlds: the process starts
// again on the same disk, the power was cut, and the power was cut after the
// disk had written some of what nobody had synced.
func TestAcknowledgedRecordsSurviveAnyFailure(t *testing.T) {
	all := history(18)
	total := 0
	count := vfs.NewMem()
	count.Inject = func(op vfs.Op) error {
		if !op.After {
			total++
		}
		return nil
	}
	_, err := run(count, all)
	require.NoError(t, err)
	require.Greater(t, total, 100)

	failures := []struct {
		name  string
		after bool
		err   error
	}{{"before", false, errors.New("i/o error")}, {"torn", false, vfs.ErrTorn}, {"after", true, errors.New("i/o error")}}
	for n := 0; n < total; n += every() {
		for _, f := range failures {
			name := fmt.Sprintf("operation %d %s", n, f.name)
			m := vfs.NewMem()
			ops := 0
			hit := false
			var op vfs.Op
			m.Inject = func(o vfs.Op) error {
				if o.After == f.after {
					ops++
					if ops == n+1 {
						hit, op = true, o
						return f.err
					}
				}
				return nil
			}
			acked, _ := run(m, all)
			m.Inject = nil
			if !hit {
				continue // fewer operations have an "after"
			}
			if f.err == vfs.ErrTorn && op.Kind != vfs.OpWrite {
				continue // only a write can be torn
			}
			external, err := vfs.ReadFile(m, filepath.Join(dir, "checkpoint"))
			if err != nil {
				external = nil
			}
			m.ZeroTails = true
			worlds := []*vfs.Mem{m.Crash()}
			for seed := range uint64(4) {
				worlds = append(worlds, m.CrashKeeping(rand.New(rand.NewPCG(uint64(n), seed))))
			}
			worlds = append(worlds, m)
			for i, w := range worlds {
				if !t.Run(fmt.Sprintf("%s %s %s world %d", name, op.Kind, filepath.Base(op.Name), i), func(t *testing.T) {
					survived(t, w, acked, all, external)
				}) {
					return
				}
			}
		}
	}
}

// TestAcknowledgedRecordsSurviveRepeatedCrashes crashes at a random operation,
// opens, goes on, and crashes again: also while it is recovering.
func TestAcknowledgedRecordsSurviveRepeatedCrashes(t *testing.T) {
	for seed := uint64(0); seed < 300; seed += uint64(every()) {
		r := rand.New(rand.NewPCG(seed, 7))
		all := history(24)
		m := vfs.NewMem()
		var acked []ledger.Record
		for len(acked) < len(all) {
			left := 1 + r.IntN(600)
			m.ZeroTails = r.IntN(2) == 0
			m.Inject = func(op vfs.Op) error {
				if left--; left < 0 { // the power is gone: nothing takes hold
					return errors.New("no power")
				}
				return nil
			}
			l, err := ledger.Open(m, dir, options())
			if err == nil {
				n := l.Tree().N
				require.GreaterOrEqual(t, n, int64(len(acked)), "seed %d", seed)
				require.LessOrEqual(t, n, int64(len(acked))+1, "seed %d", seed)
				left = 1 + r.IntN(200)
				for _, rec := range all[n:] {
					got, aerr := l.Append(rec)
					if aerr != nil {
						break
					}
					if int(n) > len(acked) { // the one whose acknowledgement was lost
						acked = append(acked, readAllQuiet(m)[len(acked)])
					}
					acked = append(acked, got)
				}
				if int(n) > len(acked) {
					acked = append(acked, readAllQuiet(m)[len(acked)])
				}
			} else {
				var f *ledger.Fault
				require.False(t, errors.As(err, &f), "seed %d: %v", seed, err)
			}
			m.Inject = nil
			if r.IntN(3) == 0 {
				m = m.Crash()
			} else {
				m = m.CrashKeeping(r)
			}
		}
		survived(t, m, acked, all, nil)
	}
}

func readAllQuiet(m *vfs.Mem) []ledger.Record {
	inject := m.Inject
	m.Inject = nil
	defer func() { m.Inject = inject }()
	var out []ledger.Record
	r, err := ledger.NewReader(m, dir, -1)
	if err == nil {
		_ = r.Read(func(rec ledger.Record) error {
			out = append(out, rec)
			return nil
		})
	}
	return out
}
