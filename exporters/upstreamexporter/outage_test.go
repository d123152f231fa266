package upstreamexporter

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// bubble is an edge and its destination on a clock, a network and a disk of
// their own: months take seconds.
type bubble struct {
	*edge
	conns   chan net.Conn
	closing sync.Once
	up      atomic.Bool
	skew    atomic.Int64 // what the edge's wall clock is wrong by

	mu     sync.Mutex
	bodies [][]byte
	times  []time.Time
}

const bubbleDestination = "http://127.0.0.1:4318"

func newBubble(t *testing.T, interval time.Duration) *bubble {
	t.Helper()
	b := &bubble{conns: make(chan net.Conn)}
	b.edge = prepareEdge(t, "/data", bubbleDestination)
	text := bytes.ReplaceAll(b.policy.Source, []byte("interval: 60s"), []byte("interval: "+interval.String()))
	var err error
	b.policy, err = policy.Parse("allowlist.yaml", text)
	require.NoError(t, err)
	b.source.set(active(b.policy))
	def := createDefaultConfig().(*Config)
	b.cfg.Retry, b.cfg.Backlog, b.cfg.Timeout = def.Retry, def.Backlog, def.Timeout
	b.fsys, b.now = vfs.NewMem(), func() time.Time { return time.Now().Add(time.Duration(b.skew.Load())) }
	b.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		if !b.up.Load() {
			return nil, errors.New("connection refused")
		}
		near, far := net.Pipe()
		select {
		case b.conns <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	b.up.Store(true)
	server := &http.Server{Handler: http.HandlerFunc(b.serve)}
	go func() { _ = server.Serve(b) }()
	require.NoError(t, b.start())
	t.Cleanup(func() {
		_ = b.Shutdown(context.Background())
		server.Close()
	})
	return b
}

// Accept, Close and Addr make the destination's listener.
func (b *bubble) Accept() (net.Conn, error) {
	c, ok := <-b.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (b *bubble) Close() error {
	b.closing.Do(func() { close(b.conns) }) // the edge, which dials, is shut down before
	return nil
}
func (b *bubble) Addr() net.Addr { return &net.TCPAddr{} }

func (b *bubble) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !b.up.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies, b.times = append(b.bodies, body), append(b.times, time.Now())
}

func (b *bubble) got() (bodies [][]byte, times []time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([][]byte(nil), b.bodies...), append([]time.Time(nil), b.times...)
}

// pass makes the reports of so much time, each on the grid of the edge's clock.
func (b *bubble) pass(d time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		now := b.now()
		time.Sleep(now.Truncate(b.policy.Interval).Add(b.policy.Interval).Sub(now))
		md := report(b.policy, 1)
		p := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
		p.SetTimestamp(pcommon.NewTimestampFromTime(b.now()))
		p.SetStartTimestamp(pcommon.NewTimestampFromTime(b.now().Add(-b.policy.Interval)))
		before := time.Now()
		require.NoError(b.t, b.ConsumeMetrics(b.t.Context(), md))
		require.Equal(b.t, before, time.Now(), "whoever hands over a report never waits")
	}
}

func (b *bubble) drained(within time.Duration) time.Duration {
	b.t.Helper()
	begun := time.Now()
	for b.book.Load().PendingCount() > 0 {
		require.Less(b.t, time.Since(begun), within, "still %d reports", b.book.Load().PendingCount())
		time.Sleep(time.Second)
	}
	return time.Since(begun)
}

func outcomes(t *testing.T, recs []ledger.Record) map[ledger.Result]int {
	t.Helper()
	n := map[ledger.Result]int{}
	for _, r := range recs {
		if r.Kind == ledger.KindOutcome {
			o, err := ledger.ParseOutcome(r.Body)
			require.NoError(t, err)
			n[o.Result]++
		}
	}
	return n
}

// TestOutagesOfADayAndOfThirtyLoseNothing, and afterwards everything arrives in
// order, once, under the cap.
func TestOutagesOfADayAndOfThirtyLoseNothing(t *testing.T) {
	month := 20 * time.Minute
	if soak {
		month = time.Minute
	}
	for _, c := range []struct{ away, interval time.Duration }{
		{24 * time.Hour, time.Minute}, {30*24*time.Hour - time.Hour, month},
	} {
		t.Run(c.away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, c.interval)
				b.pass(10 * c.interval)
				b.up.Store(false)
				b.client.close()
				b.pass(c.away)
				require.NotZero(t, b.book.Load().PendingCount())
				b.up.Store(true)
				back := time.Now()
				took := b.drained(c.away)
				bodies, times := b.got()
				require.Equal(t, b.recorded(), bodies, "all, in order, once, byte for byte")
				assert.Equal(t, map[ledger.Result]int{ledger.Acknowledged: len(bodies)}, outcomes(t, b.records()))
				assert.Len(t, b.logs.FilterMessageSnippet("could not be delivered").All(), 1, "an outage is said once")

				bytesSent, first := 0, time.Time{}
				for i, at := range times {
					if at.After(back) {
						if first.IsZero() {
							first = at
						}
						bytesSent += len(bodies[i]) + requestOverhead
					}
				}
				assert.LessOrEqual(t, first.Sub(back), b.cfg.Retry.Max)
				rate := float64(bytesSent) / (took - first.Sub(back)).Seconds()
				assert.Less(t, rate, 1.02*float64(b.cfg.Backlog.BytesPerSecond))
				t.Logf("%d reports in %v after the first, which came %v after the return, at %.0f B/s", len(bodies), took-first.Sub(back), first.Sub(back), rate)
				require.NoError(t, b.Shutdown(t.Context()))
				b.verify()
			})
		})
	}
}

// TestWhatIsOverTheLimitIsDroppedOldestFirstAndRecorded.
func TestWhatIsOverTheLimitIsDroppedOldestFirstAndRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 30*time.Minute)
		b.up.Store(false)
		const kept, more = 30 * 24 * 2, 24 * 2
		b.pass((kept + more) * 30 * time.Minute)
		time.Sleep(2 * b.cfg.Retry.Max) // it is looked at between two attempts
		assert.Equal(t, kept, b.book.Load().PendingCount())
		b.up.Store(true)
		b.drained(30 * 24 * time.Hour)
		bodies, _ := b.got()
		recorded := b.recorded()
		require.Len(t, recorded, kept+more)
		require.Equal(t, recorded[more:], bodies)
		assert.Equal(t, map[ledger.Result]int{ledger.Acknowledged: kept}, outcomes(t, b.records()))
		next := uint64(1)
		for _, r := range b.records() {
			if r.Kind == ledger.KindDrop {
				d, err := ledger.ParseDrop(r.Body)
				require.NoError(t, err)
				require.Equal(t, next, d.First, "oldest first, none left out")
				next = d.Last + 1
			}
		}
		require.EqualValues(t, more+1, next, "the ledger says which")
		assert.EqualValues(t, more, b.counter("weir_upstream_reports", "outcome", "dropped"))
		assert.Len(t, b.logs.FilterMessageSnippet("over its limit").All(), 1)
		require.NoError(t, b.Shutdown(t.Context()))
		b.verify()
	})
}

// TestAClockThatJumpsAYearCostsNothing: not while reports wait, not after. What
// is recorded then carries the time that the clock showed.
func TestAClockThatJumpsAYearCostsNothing(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, jumps := range map[string][]time.Duration{
		"on": {year}, "back": {-year}, "on and back": {year, -year}, "back and on": {-year, year},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, time.Minute)
				b.pass(10 * time.Minute)
				b.up.Store(false)
				b.client.close()
				b.pass(time.Hour)
				for _, j := range jumps {
					b.skew.Add(int64(j))
					b.pass(time.Hour)
				}
				b.up.Store(true)
				b.drained(3 * time.Hour)
				b.pass(time.Hour) // and goes on as ever
				time.Sleep(2 * time.Minute)
				bodies, _ := b.got()
				require.Equal(t, b.recorded(), bodies)
				assert.Equal(t, map[ledger.Result]int{ledger.Acknowledged: len(bodies)}, outcomes(t, b.records()))
				require.NoError(t, b.Shutdown(t.Context()))
				b.verify()
			})
		})
	}
}

// TestReportsLeaveAtTheInstallsPlaceWhenTheyAreNotLate.
func TestReportsLeaveAtTheInstallsPlaceWhenTheyAreNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Minute)
		b.plan.share = 3 << 62 // three quarters
		b.pass(20 * time.Minute)
		time.Sleep(time.Minute)
		_, times := b.got()
		require.Len(t, times, 20)
		for _, at := range times {
			assert.Equal(t, 45*time.Second, at.Sub(at.Truncate(time.Minute)))
		}
	})
}

// TestAPolicyThatIsWithdrawnWhileAReportWaitsForItsPlaceHoldsIt.
func TestAPolicyThatIsWithdrawnWhileAReportWaitsForItsPlaceHoldsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, time.Minute)
		b.plan.share = 3 << 62
		b.pass(time.Minute)
		b.source.setState(consent.Unaccepted)
		time.Sleep(time.Hour)
		bodies, _ := b.got()
		assert.Empty(t, bodies)
		b.source.setState(consent.Active)
		time.Sleep(2 * time.Second)
		bodies, _ = b.got()
		assert.Len(t, bodies, 1)
	})
}
