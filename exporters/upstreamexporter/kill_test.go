package upstreamexporter

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// order is what a child process is told to do.
type order struct {
	Data, Destination string
	KillAt            int64         // the boundary at which it dies; 0: it does not
	Reports           int           // to be made
	Pause             time.Duration // between two
	Steps             string        // file for the number of boundaries that it passed
}

const childEnv = "WEIR_TEST_CHILD_ORDER"

// command starts this test binary as an edge.
func (o order) command(t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(o)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildEdge$", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	return cmd
}

// TestChildEdge is the edge that dies; by itself it does nothing.
func TestChildEdge(t *testing.T) {
	text := os.Getenv(childEnv)
	if text == "" {
		return
	}
	var o order
	require.NoError(t, json.Unmarshal([]byte(text), &o))
	r := &reaper{killAt: o.KillAt}
	e := newEdge(t, o.Data, o.Destination, func(u *upstream) { u.fsys, u.dial = killFS{vfs.OS, r}, r.dial })
	for range o.Reports {
		e.reports(int(e.book.Load().NextSequence()), 1)
		time.Sleep(o.Pause)
	}
	require.Eventually(t, func() bool { return e.book.Load().PendingCount() == 0 }, 30*time.Second, time.Millisecond)
	require.NoError(t, e.Shutdown(t.Context()))
	if o.Steps != "" {
		require.NoError(t, os.WriteFile(o.Steps, fmt.Append(nil, r.steps.Load()), 0o600))
	}
}

// settle lets the edge run to its end and holds what arrived against what is
// recorded: all of it, in order, nothing else, and what came twice is the same.
func settle(t *testing.T, o order, f *fleet) (recorded, received int) {
	t.Helper()
	f.says(nil)
	o.KillAt, o.Reports, o.Pause = 0, 1, 0
	out, err := o.command(t).CombinedOutput()
	require.NoError(t, err, string(out))
	index, all := map[string]int{}, [][]byte(nil)
	var acknowledged int
	for _, r := range records(t, vfs.OS, ledgerDir(o.Data)) {
		switch r.Kind {
		case ledger.KindReport:
			index[string(r.Body)], all = len(index)+1, append(all, r.Body)
			require.Equal(t, uint64(len(index)), r.Sequence)
		case ledger.KindOutcome:
			acknowledged++
		}
	}
	last := 0
	for i, b := range f.got() {
		n, ok := index[string(b)]
		require.True(t, ok, "request %d holds bytes that are not recorded", i)
		require.True(t, n == last || n == last+1, "request %d is report %d after report %d", i, n, last)
		last = n
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range f.pieces {
		require.True(t, isPrefixOfOne(b, all), "a piece of a request holds bytes that are not recorded")
	}
	require.Equal(t, len(index), last, "recorded reports that never arrived")
	require.Equal(t, len(index), acknowledged, "each has one outcome")
	v, err := ledger.Verify(vfs.OS, ledgerDir(o.Data), nil)
	require.NoError(t, err)
	require.Empty(t, v.Faults)
	return len(index), len(f.bodies)
}

// TestKillNineAtEveryBoundaryOfTheSend kills an edge at random boundaries, over
// and over on the same folder, and now and then the fleet takes a report and
// says nothing.
func TestKillNineAtEveryBoundaryOfTheSend(t *testing.T) {
	kills := 30
	if soak {
		kills = 500
	}
	f := newFleet(t)
	dir := t.TempDir()
	o := order{Data: filepath.Join(dir, "data"), Destination: f.URL, Reports: 3, Steps: filepath.Join(dir, "steps")}
	out, err := o.command(t).CombinedOutput()
	require.NoError(t, err, string(out))
	text, err := os.ReadFile(o.Steps)
	require.NoError(t, err)
	var steps int64
	_, err = fmt.Sscan(string(text), &steps)
	require.NoError(t, err)
	require.Greater(t, steps, int64(40), "boundaries")

	killed, cycles := 0, 0
	for ; killed < kills && cycles < 5*kills; cycles++ {
		answer := http.HandlerFunc(nil)
		if rand.N(5) == 0 {
			answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}
		f.says(answer)
		go func() { time.Sleep(30 * time.Millisecond); f.says(nil) }()
		o.KillAt = 1 + rand.N(steps+steps/4)
		out, err := o.command(t).CombinedOutput()
		if err != nil {
			require.Contains(t, err.Error(), "killed", string(out))
			killed++
		}
	}
	require.Equal(t, kills, killed, "in %d cycles", cycles)
	recorded, received := settle(t, o, f)
	require.GreaterOrEqual(t, recorded, kills/2)
	t.Logf("%d kills in %d cycles over %d boundaries: %d reports recorded, all arrived, %d of them twice; none lost, none unrecorded", killed, cycles, steps, recorded, received-recorded)
}
