package inbox_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/ledger/inbox"
)

const data = "/data"

var (
	noon     = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	errFails = errors.New("fails")
)

func refusal(n int) ledger.Record {
	return ledger.Record{Kind: ledger.KindRefusal, PolicyDigest: [32]byte{byte(n)}, Body: fmt.Appendf(nil, "refusal %d", n)}
}

func taken(t *testing.T, m vfs.FS) []ledger.Record {
	t.Helper()
	var list []ledger.Record
	require.NoError(t, inbox.Take(m, data, func(r ledger.Record) error { list = append(list, r); return nil }))
	return list
}

func TestWhatIsPutIsTakenOnceInOrder(t *testing.T) {
	m := vfs.NewMem()
	require.Empty(t, taken(t, m), "there is no folder yet")
	var want []ledger.Record
	for n := range 3 {
		require.NoError(t, inbox.Put(m, data, refusal(n), noon.Add(time.Duration(n))))
		want = append(want, refusal(n))
	}
	var list []ledger.Record
	err := inbox.Take(m, data, func(r ledger.Record) error {
		if len(list) == 1 {
			return errFails
		}
		list = append(list, r)
		return nil
	})
	require.ErrorIs(t, err, errFails)
	require.Equal(t, want[:1], list)
	require.Equal(t, want[1:], taken(t, m), "what could not be recorded waits")
	require.Empty(t, taken(t, m))
}

// What was answered with success is there after a power cut at any step.
func TestWhatWasPutSurvivesAPowerCut(t *testing.T) {
	for _, after := range []bool{false, true} {
		for step := 0; ; step++ {
			m, n := vfs.NewMem(), 0
			m.Inject = vfs.FailAt(step, after, errFails, &n)
			err := inbox.Put(m, data, refusal(1), noon)
			whole := n <= step
			m.Inject = nil
			for seed := range uint64(8) {
				got := taken(t, m.CrashKeeping(rand.New(rand.NewPCG(seed, 7))))
				if err == nil {
					require.Equal(t, []ledger.Record{refusal(1)}, got, "step %d, after %v", step, after)
				}
			}
			if whole {
				require.NoError(t, err)
				break
			}
		}
	}
}

func TestOnlyDecisionsComeThisWayAndNotWithoutEnd(t *testing.T) {
	m := vfs.NewMem()
	for _, kind := range []ledger.Kind{ledger.KindReport, ledger.KindAcceptance, ledger.KindOutcome, ledger.KindRevocation, ledger.KindDrop, ledger.KindPrune, 0, 99} {
		require.Error(t, inbox.Put(m, data, ledger.Record{Kind: kind, Body: []byte("x")}, noon), kind)
	}
	require.Error(t, inbox.Put(m, data, ledger.Record{Kind: ledger.KindPolicy, Body: make([]byte, 3<<20)}, noon))
	for n := range 1000 {
		require.NoError(t, inbox.Put(m, data, refusal(n), noon.Add(time.Duration(n))))
	}
	require.ErrorContains(t, inbox.Put(m, data, refusal(1), noon), "start the edge")
}

// A file that somebody else wrote keeps nothing back.
func TestWhatCannotBeUnderstoodIsLeftAndSaid(t *testing.T) {
	m := vfs.NewMem()
	require.NoError(t, inbox.Put(m, data, refusal(1), noon))
	for name, text := range map[string]string{
		"0.json": "nonsense", "1.json": `{"kind":1,"policy":"00","body":""}`, "2.json": `{"kind":11,"policy":"00","body":""}`,
	} {
		require.NoError(t, vfs.WriteFileAtomic(m, filepath.Join(inbox.Folder(data), name), []byte(text), 0o644))
	}
	var list []ledger.Record
	err := inbox.Take(m, data, func(r ledger.Record) error { list = append(list, r); return nil })
	for _, name := range []string{"0.json", "1.json", "2.json"} {
		require.ErrorContains(t, err, name)
	}
	require.Equal(t, []ledger.Record{refusal(1)}, list)
}
