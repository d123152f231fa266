package allowlistprocessor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/processors/allowlistprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/table"
)

type allowlist struct {
	cfg       *Config
	log       *zap.Logger
	telemetry *metadata.TelemetryBuilder
	next      consumer.Metrics
	now       func() time.Time
	source    consent.Source

	// current is what ConsumeMetrics observes into; nil: nothing is in force.
	// Only turn stores it.
	current atomic.Pointer[current]
	// last is the newest table ever made: where the counters are.
	last     atomic.Pointer[table.Table]
	lastSlot int64 // of turn alone: the interval whose end was handled last

	reports atomic.Int64
	errors  [failures]atomic.Int64

	stop context.CancelFunc
	done sync.WaitGroup
}

func newAllowlist(set processor.Settings, cfg *Config, next consumer.Metrics) (*allowlist, error) {
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &allowlist{cfg: cfg, log: set.Logger, telemetry: tb, next: next, now: time.Now}, nil
}

// Capabilities: the input is only read.
func (a *allowlist) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// Start finds the policy and begins to report.
func (a *allowlist) Start(_ context.Context, host component.Host) error {
	ext, ok := host.GetExtensions()[a.cfg.Policy]
	if !ok {
		return fmt.Errorf("extension %s is not there: add it to 'extensions' and to 'service::extensions'", a.cfg.Policy)
	}
	if a.source, ok = ext.(consent.Source); !ok {
		return fmt.Errorf("extension %s knows no policy: set 'policy' to an extension of type policy", a.cfg.Policy)
	}
	if err := a.register(); err != nil {
		return err
	}
	a.refresh(a.now())
	ctx, cancel := context.WithCancel(context.Background())
	a.stop = cancel
	a.done.Go(func() { a.run(ctx) })
	return nil
}

// Shutdown sends nothing: the interval is not over.
func (a *allowlist) Shutdown(context.Context) error {
	if a.stop != nil {
		a.stop()
		a.done.Wait()
	}
	a.current.Store(nil)
	a.telemetry.Shutdown()
	return nil
}

// ConsumeMetrics reads the batch. It never goes on from here.
func (a *allowlist) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	if c := a.current.Load(); c != nil && c.table != nil {
		c.table.Observe(md)
	}
	return nil
}

func (a *allowlist) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			a.turn(ctx, a.now())
			timer.Reset(a.current.Load().wait(a.now()))
		}
	}
}

// turn is one round: notice what may leave now, and report if an interval has
// ended. A round that comes late reports once, whatever it missed.
func (a *allowlist) turn(ctx context.Context, now time.Time) {
	before := a.current.Load()
	c := a.refresh(now)
	if c == nil || c != before {
		return
	}
	s := slot(now, c.interval)
	if s == a.lastSlot {
		return
	}
	if s < a.lastSlot {
		// An interval is not reported twice; wait for the clock to catch up.
		if s < a.lastSlot-1 {
			a.errors[clock].Add(1)
		}
		// A clock that was set back further was wrong before: begin anew, as a
		// restart would. Counts begin at zero at a time that says so.
		if time.Duration(a.lastSlot-s)*c.interval > tooFarBack {
			a.current.Store(nil)
			a.refresh(now)
		}
		return
	}
	a.lastSlot = s
	if f := a.report(ctx, c, now); f != none {
		a.errors[f].Add(1)
		return
	}
	a.reports.Add(1)
}

// tooFarBack is how far a clock may go back and be waited for.
const tooFarBack = time.Hour

// refresh follows the decision, and returns what is in force.
func (a *allowlist) refresh(now time.Time) *current {
	before := a.current.Load()
	c, err := successor(before, a.source.Decision(), a.source.Install(), a.cfg.Identity, now, a.last.Load())
	if c == before {
		return c
	}
	if err != nil {
		a.log.Error("nothing leaves: " + err.Error())
	}
	if c != nil {
		a.lastSlot = slot(now, c.interval)
		if c.table != nil {
			a.last.Store(c.table)
		}
	}
	a.current.Store(c)
	return c
}

func (a *allowlist) report(ctx context.Context, c *current, now time.Time) failure {
	if c.table == nil {
		return c.failure
	}
	md, err := c.table.Report(now)
	if err != nil {
		return clock
	}
	if err := a.next.ConsumeMetrics(ctx, md); err != nil {
		return next
	}
	return none
}

// register lets own telemetry read the counters when it is asked for them; the
// points themselves pay nothing.
func (a *allowlist) register() error {
	counters := func() table.Counters {
		if t := a.last.Load(); t != nil {
			return t.Counters()
		}
		return table.Counters{}
	}
	reason := func(s string) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(attribute.String("reason", s)))
	}
	observe := func(read func() int64) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(read())
			return nil
		}
	}
	for _, err := range []error{
		a.telemetry.RegisterAllowlistObservedPointsCallback(observe(func() int64 { return int64(counters().Observed) })),
		a.telemetry.RegisterAllowlistKeptPointsCallback(observe(func() int64 { return int64(counters().Kept) })),
		a.telemetry.RegisterAllowlistReportsCallback(observe(a.reports.Load)),
		a.telemetry.RegisterAllowlistDroppedPointsCallback(func(_ context.Context, o metric.Int64Observer) error {
			dropped := counters().Dropped
			for _, r := range table.Reasons() {
				o.Observe(int64(dropped[r]), reason(r.String()))
			}
			return nil
		}),
		a.telemetry.RegisterAllowlistReportErrorsCallback(func(_ context.Context, o metric.Int64Observer) error {
			for f := none + 1; f < failures; f++ {
				o.Observe(a.errors[f].Load(), reason(failureNames[f]))
			}
			return nil
		}),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}
