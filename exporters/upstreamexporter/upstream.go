package upstreamexporter

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/exporters/upstreamexporter/internal/metadata"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// upstream is the exporter.
type upstream struct {
	cfg  *Config
	log  *zap.Logger
	tel  *metadata.TelemetryBuilder
	fsys vfs.FS
	now  func() time.Time
	dial dialFunc // nil: the host's network

	source  consent.Source
	force   *force
	client  *client
	member  *member
	install string
	plan    schedule
	meter   *gate.Meter
	started time.Time // of the host's own clock, which nobody sets

	mu       sync.Mutex                           // one report at a time; guards the four below
	broken   bool                                 // the ledger failed, and it was logged
	openedAt time.Time                            // last attempt to open the ledger
	warned   map[string]bool                      // reasons for refusal that were logged
	said     map[policy.Digest]consent.Acceptance // as the ledger was told

	listenEvery time.Duration
	heard       time.Time // listen's: when the folder of acceptances had last changed
	inbox       struct {
		sync.Mutex
		fault string // what the log was told
	}
	ears sync.WaitGroup

	book    atomic.Pointer[ledger.Ledger]
	refused struct {
		index int64
		times int
	} // the report that was refused last; the sender's
	untidy      bool         // the ledger could not be packed or pruned, and it was logged; the sender's
	dropping    bool         // the backlog is over its limit, and it was logged; the sender's
	lastSuccess atomic.Int64 // unix nanoseconds, 0: not yet
	wake        chan struct{}
	stop        context.CancelFunc
	done        chan struct{} // closed when the sender has ended
}

func newUpstream(cfg *Config, set exporter.Settings) (*upstream, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &upstream{
		cfg: cfg, log: set.Logger, tel: tel, fsys: vfs.OS, now: time.Now,
		warned: map[string]bool{}, said: map[policy.Digest]consent.Acceptance{}, listenEvery: listenEvery, wake: make(chan struct{}, 1),
	}, nil
}

// Capabilities says that reports are only read; the stamp goes on a copy.
func (u *upstream) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

// Start finds the policy, opens the ledger and starts the sender.
func (u *upstream) Start(_ context.Context, host component.Host) error {
	ext, ok := host.GetExtensions()[u.cfg.Policy]
	if !ok {
		return fmt.Errorf("policy: there is no extension %q; add it to service::extensions", u.cfg.Policy)
	}
	if u.source, ok = ext.(consent.Source); !ok {
		return fmt.Errorf("policy: extension %q does not decide on policies; name the policy extension", u.cfg.Policy)
	}
	u.install = u.source.Install().ID
	u.plan = newSchedule(u.cfg, u.install)
	u.force = &force{fsys: u.fsys, data: u.cfg.Data, source: u.source, now: u.now}
	var err error
	if u.client, err = newClient(u.cfg, u.dial); err != nil {
		return err
	}
	u.member = &member{
		fsys: u.fsys, data: u.cfg.Data, now: u.now, log: u.log, client: u.client,
		token: string(u.cfg.EnrollToken), install: u.install,
	}
	u.client.offer = u.member.offer
	if err := u.openLedger(); err != nil {
		return err
	}
	u.meter, u.started = u.recalled(), time.Now()
	if err := errors.Join(u.observe(), u.observeBudget()); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	u.stop, u.done = stop, make(chan struct{})
	go u.send(ctx)
	u.ears.Go(func() { u.listen(ctx) })
	return nil
}

func (u *upstream) ledgerDir() string { return ledgerDir(u.cfg.Data) }

func ledgerDir(data string) string { return filepath.Join(data, "ledger") }

func (u *upstream) openLedger() error {
	u.openedAt = u.now()
	l, err := ledger.Open(u.fsys, u.ledgerDir(), ledger.Options{Install: u.install, Now: u.now})
	if errors.Is(err, vfs.ErrLocked) {
		return fmt.Errorf("ledger folder %s is in use by another process; stop that one, or give this one a data folder of its own (WEIR_DATA)", u.ledgerDir())
	}
	if err != nil {
		return fmt.Errorf("ledger folder %s: %w", u.ledgerDir(), err)
	}
	u.book.Store(l)
	return nil
}

// observe registers what is asked for rather than counted.
func (u *upstream) observe() error {
	return errors.Join(
		u.tel.RegisterUpstreamPendingReportsCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(u.book.Load().PendingCount()))
			return nil
		}),
		u.tel.RegisterUpstreamHeldReportsCallback(func(_ context.Context, o metric.Int64Observer) error {
			may := u.force.may()
			o.Observe(int64(u.book.Load().Count(func(e ledger.Entry) bool { return !may(e) })))
			return nil
		}),
		u.tel.RegisterUpstreamLedgerRecordsCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(u.book.Load().Tree().N)
			return nil
		}),
		u.tel.RegisterUpstreamLedgerSequenceCallback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(int64(u.book.Load().NextSequence()) - 1)
			return nil
		}),
		u.tel.RegisterUpstreamLastSuccessTimeCallback(func(_ context.Context, o metric.Float64Observer) error {
			o.Observe(float64(u.lastSuccess.Load()) / 1e9)
			return nil
		}),
	)
}

// Shutdown ends the attempt that is under way, writes a checkpoint and gives
// the ledger back. What has no outcome is sent after the next start.
func (u *upstream) Shutdown(context.Context) error {
	if u.stop != nil {
		u.stop()
		<-u.done // its request ends with the context
		u.ears.Wait()
		u.stop = nil
	}
	u.tel.Shutdown()
	if u.client != nil {
		u.client.close()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if l := u.book.Load(); l != nil {
		return l.Close()
	}
	return nil
}
