package policyextension

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/extensions/policyextension/internal/metadata"
	"github.com/weir-telemetry/weir/internal/configuration"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

type policyExtension struct {
	cfg       *Config
	log       *zap.Logger
	telemetry *metadata.TelemetryBuilder
	now       func() time.Time

	install  install.Install
	decision atomic.Pointer[consent.Decision]
	watcher  watcher
	said     string // the last state that the log was told

	configuration atomic.Pointer[configuration.State] // nil before it is known

	stop context.CancelFunc
	done sync.WaitGroup
}

var _ consent.Source = (*policyExtension)(nil)

func newPolicy(set extension.Settings, cfg *Config) (*policyExtension, error) {
	rules, err := cfg.rules()
	if err != nil {
		return nil, err
	}
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	e := &policyExtension{
		cfg: cfg, log: set.Logger, telemetry: tb, now: time.Now,
		watcher: watcher{fsys: vfs.OS, data: cfg.Data, file: cfg.File, rules: rules},
	}
	e.decision.Store(&consent.Decision{State: consent.NoPolicy, Err: fmt.Errorf("the policy was not looked at yet")})
	return e, nil
}

// Start loads the install's identity and takes the first look.
func (e *policyExtension) Start(context.Context, component.Host) error {
	var err error
	if e.install, err = install.Load(vfs.OS, e.cfg.Data); err != nil {
		return err
	}
	if err := errors.Join(
		e.telemetry.RegisterPolicyStateCallback(e.observe),
		e.telemetry.RegisterPolicyRevisionCallback(e.observeRevision),
		e.telemetry.RegisterPolicyPendingCallback(e.observePending),
		e.telemetry.RegisterConfigurationCallback(e.observeConfiguration),
		e.telemetry.RegisterConfigurationChangesCallback(e.observeChanges),
	); err != nil {
		return err
	}
	e.look()
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	e.done.Go(func() { e.poll(ctx) })
	return nil
}

// Shutdown stops looking. The last decision stays.
func (e *policyExtension) Shutdown(context.Context) error {
	if e.stop != nil {
		e.stop()
		e.done.Wait()
	}
	e.telemetry.Shutdown()
	return nil
}

func (e *policyExtension) poll(ctx context.Context) {
	tick := time.NewTicker(e.cfg.PollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.look()
		}
	}
}

func (e *policyExtension) look() {
	d := e.watcher.look(e.now())
	e.decision.Store(&d)
	e.say(d)
}

// Decision implements consent.Source. An expiry needs no look at the files.
func (e *policyExtension) Decision() consent.Decision {
	return e.decision.Load().At(e.cfg.File, e.now())
}

// Install implements consent.Source.
func (e *policyExtension) Install() install.Install { return e.install }

// say logs a state that is not the one said last.
func (e *policyExtension) say(d consent.Decision) {
	key := string(d.State)
	if d.Policy != nil {
		key += " " + d.Policy.Digest.String()
	}
	if d.Err != nil {
		key += " " + d.Err.Error()
	}
	key += " " + d.Note
	if key == e.said {
		return
	}
	e.said = key
	if d.State != consent.Active {
		e.log.Warn("nothing leaves: "+d.Err.Error(), zap.String("state", string(d.State)))
		return
	}
	switch d.Right {
	case consent.RightMeet:
		e.log.Warn(d.Note)
	case consent.RightNarrowed, consent.RightSame:
		e.log.Info(d.Note)
	}
	p := d.Policy
	e.log.Info("what the policy names may leave",
		zap.String("state", string(d.State)),
		zap.String("right", string(d.Right)),
		zap.String("product", p.Product),
		zap.Int("revision", p.Revision),
		zap.Stringer("digest", p.Digest),
		zap.String("destination", p.Destination),
		zap.Duration("interval", p.Interval),
		zap.Int64("at_most_bits_a_day", int64(math.Ceil(policy.Budget(p).BitsPerDay))),
		zap.String("accepted_by", d.Acceptance.By))
}

// observePending says revision numbers and nothing else of what waits.
func (e *policyExtension) observePending(_ context.Context, o metric.Int64Observer) error {
	d := e.Decision()
	waits, inForce := d.Waiting(), 0
	if waits == nil {
		return nil
	}
	if d.State == consent.Active {
		inForce = d.Base.Revision
	}
	o.Observe(1, metric.WithAttributes(attribute.Int("in_force", inForce), attribute.Int("revision", waits.Revision)))
	return nil
}

func (e *policyExtension) observeRevision(_ context.Context, o metric.Int64Observer) error {
	if d := e.Decision(); d.State == consent.Active {
		o.Observe(int64(d.Policy.Revision))
	}
	return nil
}

func (e *policyExtension) observe(_ context.Context, o metric.Int64Observer) error {
	now := e.Decision().State
	for _, s := range consent.States {
		var v int64
		if s == now {
			v = 1
		}
		o.Observe(v, metric.WithAttributes(attribute.String("state", string(s))))
	}
	return nil
}
