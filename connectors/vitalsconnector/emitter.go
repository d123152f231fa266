package vitalsconnector

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/connectors/vitalsconnector/internal/metadata"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/vitals"
)

// processStart is as near to the process's start as a package can be. The
// configuration may be loaded anew without the process starting again.
var processStart = time.Now()

// emitter adds up and, each interval, says what it has.
type emitter struct {
	cfg       *Config
	vitals    *vitals.Vitals
	around    surroundings
	next      consumer.Metrics
	log       *zap.Logger
	telemetry *metadata.TelemetryBuilder
	now       func() time.Time
	ticks     func(time.Duration) (<-chan time.Time, func())

	cancel  context.CancelFunc // nil until started
	running sync.WaitGroup
	failing bool // only the goroutine that emits looks at it

	memory memory
	faults *faults
}

func newEmitter(set connector.Settings, cfg *Config, next consumer.Metrics) (*emitter, error) {
	e := &emitter{cfg: cfg, around: look(), next: next, log: set.Logger, now: time.Now, ticks: ticker}
	e.memory.files = vfs.OS
	e.vitals = vitals.New(vitals.Options{
		MaxServices:  cfg.MaxServices,
		OwnWithin:    cfg.OwnMetricsWithin,
		Start:        e.now(),
		ProcessStart: processStart,
	})
	var err error
	if e.telemetry, err = metadata.NewTelemetryBuilder(set.TelemetrySettings); err != nil {
		return nil, err
	}
	e.faults = newFaults(set, cfg, e.telemetry)
	err = e.telemetry.RegisterVitalsLimitedCallback(func(_ context.Context, o metric.Int64Observer) error {
		l := e.vitals.Limited()
		for bound, n := range map[string]uint64{
			"services": l.Services, "versions": l.Versions, "routes": l.Routes,
			"error_types": l.ErrorTypes, "systems": l.Systems, "durations": l.Durations,
		} {
			o.Observe(int64(n), metric.WithAttributes(attribute.String("bound", bound)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func ticker(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(d)
	return t.C, t.Stop
}

func (e *emitter) start(host component.Host) error {
	if e.next == nil {
		return errors.New("vitals emits to no pipeline of metrics: name it among the receivers of one")
	}
	e.restore()
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	e.faults.start(ctx, host, &e.running)
	ticks, stop := e.ticks(e.cfg.Interval)
	e.running.Go(func() {
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks:
				e.vitals.Beat()
				e.emit(ctx)
				e.keep(ctx, keepEvery)
			}
		}
	})
	return nil
}

// emit sends one emission. One that is refused is not sent again: the next one
// says the same and more.
func (e *emitter) emit(ctx context.Context) {
	now := e.now()
	md := e.vitals.Metrics(now)
	e.around.say(md, now)
	e.faults.say(md, now)
	err := e.next.ConsumeMetrics(ctx, md)
	e.faults.emitted(err)
	if err != nil {
		e.telemetry.VitalsEmitFailures.Add(context.WithoutCancel(ctx), 1)
	}
	// Said once, without the text, which is another component's and may hold
	// anything.
	if err != nil && !e.failing {
		e.log.Warn("vitals were not taken by a pipeline of metrics; the next emission will say the same and more")
	}
	e.failing = err != nil
}

// stop ends the intervals, and emits what was counted since the last one.
func (e *emitter) stop(ctx context.Context) error {
	defer e.telemetry.Shutdown()
	if e.cancel == nil {
		return nil
	}
	e.cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.running.Wait()
		e.emit(ctx)
		e.keep(ctx, 0)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}

type logsToMetrics struct{ *holder }

// ConsumeLogs counts a batch, unless it is counted where it is handed on.
func (c *logsToMetrics) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	if !c.handsOn {
		c.vitals.Logs(ld, c.now())
	}
	return nil
}

type logsToLogs struct {
	*holder
	next consumer.Logs
}

// ConsumeLogs hands a batch on and counts it once it is taken.
func (c *logsToLogs) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	return c.vitals.LogsTaken(ld, c.now(), func() error { return c.next.ConsumeLogs(ctx, ld) })
}

type tracesToMetrics struct{ *holder }

// ConsumeTraces counts a batch.
func (c *tracesToMetrics) ConsumeTraces(_ context.Context, td ptrace.Traces) error {
	c.vitals.Traces(td, c.now())
	return nil
}

type metricsToMetrics struct{ *holder }

// ConsumeMetrics takes note of names.
func (c *metricsToMetrics) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	c.vitals.OwnMetrics(md, c.now())
	return nil
}
