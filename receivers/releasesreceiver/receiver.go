package releasesreceiver

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/releases"
	"github.com/weir-telemetry/weir/receivers/releasesreceiver/internal/metadata"
)

type releasesReceiver struct {
	cfg  *Config
	log  *zap.Logger
	tel  *metadata.TelemetryBuilder
	next consumer.Metrics
	now  func() time.Time

	stop context.CancelFunc
	done sync.WaitGroup

	// Only Start and then the loop touch these.
	catalogues []*releases.Catalogue
	said       string // the fault said last, "" when all is well
	installs   []registry.Install
	listed     time.Time
}

func newReceiver(set receiver.Settings, cfg *Config, next consumer.Metrics) (*releasesReceiver, error) {
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &releasesReceiver{cfg: cfg, log: set.Logger, tel: tel, next: next, now: time.Now, stop: func() {}}, nil
}

func (r *releasesReceiver) Start(context.Context, component.Host) error {
	if r.cfg.off() {
		return nil
	}
	all, err := r.cfg.read()
	if err != nil {
		return err
	}
	r.catalogues = all
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.done.Go(func() {
		tick := time.NewTicker(r.cfg.Interval)
		defer tick.Stop()
		for {
			r.send(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.look()
			}
		}
	})
	return nil
}

func (r *releasesReceiver) Shutdown(context.Context) error {
	r.stop()
	r.done.Wait()
	r.tel.Shutdown()
	return nil
}

// look reads the files again. A fault is said once.
func (r *releasesReceiver) look() {
	all, err := r.cfg.read()
	switch {
	case err == nil:
		r.catalogues, r.said = all, ""
	case err.Error() != r.said:
		r.said = err.Error()
		r.log.Error("the release catalogue has a fault, the one from before goes on", zap.Error(err))
	}
}

// send passes the catalogues on. What the pipeline does not take now comes
// again with the next interval.
func (r *releasesReceiver) send(ctx context.Context) {
	var refused, known int64
	if r.said != "" {
		refused = 1
	}
	for _, c := range r.catalogues {
		known += int64(len(c.Releases))
		if err := r.next.ConsumeMetrics(ctx, c.Metrics(r.now())); err != nil && ctx.Err() == nil {
			r.log.Warn("the release catalogue was not taken by the pipeline")
		}
	}
	if now := r.now(); now.Sub(r.listed) >= installsEvery {
		list, err := r.cfg.installs()
		if err != nil {
			r.log.Warn("not all enrolled installs could be read", zap.Error(err))
		}
		r.installs, r.listed = list, now
	}
	if len(r.installs) > 0 {
		if err := r.next.ConsumeMetrics(ctx, installMetrics(r.installs, r.now())); err != nil && ctx.Err() == nil {
			r.log.Warn("the list of installs was not taken by the pipeline")
		}
	}
	r.tel.ReleasesFilesRefused.Record(ctx, refused)
	r.tel.ReleasesKnown.Record(ctx, known)
}
