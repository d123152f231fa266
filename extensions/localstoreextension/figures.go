package localstoreextension

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/metricstore"
	"github.com/weir-telemetry/weir/localstore/rules"
)

// figures are both stores' statistics at one moment.
type figures struct {
	at      time.Time
	metrics metricstore.Stats
	logs    logstore.Stats
	rules   rules.Stats
	refused bool // the rule files as they are now
}

// metricsAge and logsAge are the ages of the oldest that is stored; zero if
// there is none.
func (f figures) metricsAge() time.Duration {
	if f.metrics.Oldest.IsZero() {
		return 0
	}
	return max(0, f.at.Sub(f.metrics.Oldest))
}

func (f figures) logsAge() time.Duration {
	if f.logs.OldestTimestamp == 0 {
		return 0
	}
	return max(0, f.at.Sub(time.Unix(0, f.logs.OldestTimestamp)))
}

// gauge takes the figures at most once a second: one collection of the own
// metrics asks for them in every callback.
type gauge struct {
	mu   sync.Mutex
	last figures
}

// figuresNow returns the figures; false if the stores are not open.
func (l *localStore) figuresNow() (figures, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.stores == nil {
		return figures{}, false
	}
	g := &l.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := time.Now(); now.Sub(g.last.at) > time.Second {
		g.last = figures{at: now, metrics: l.stores.metrics.Stats(), logs: l.stores.logs.Stats(), rules: l.rules.manager.Stats(), refused: l.rules.refused.Load()}
	}
	return g.last, true
}

var (
	ofMetrics = metric.WithAttributes(attribute.String("signal", "metrics"))
	ofLogs    = metric.WithAttributes(attribute.String("signal", "logs"))
)

// faults are the log store's, by kind.
func faults(s logstore.Stats) map[string]int64 {
	return map[string]int64{
		"frame_lost":      s.LostFrames,
		"write_cut_short": s.TornTails,
		"block_lost":      s.LostBlocks,
		"index_rebuilt":   s.LostIndexes,
		"flush_failed":    s.FlushFails,
		"merge_failed":    s.CompactionFails,
	}
}

// observe registers the own metrics that are read when they are collected.
func (l *localStore) observe() error {
	with := func(f func(o metric.Int64Observer, v figures)) metric.Int64Callback {
		return func(_ context.Context, o metric.Int64Observer) error {
			if v, ok := l.figuresNow(); ok {
				f(o, v)
			}
			return nil
		}
	}
	outcome := func(name string) metric.MeasurementOption {
		return metric.WithAttributes(attribute.String("outcome", name))
	}
	done, failed, missed := outcome("done"), outcome("failed"), outcome("missed")
	sent, dropped := outcome("sent"), outcome("dropped")
	tb := l.telemetry
	return errors.Join(
		tb.RegisterLocalStoreSeriesCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(v.metrics.Series) })),
		tb.RegisterLocalStoreStreamsCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(int64(v.logs.ActiveStreams)) })),
		tb.RegisterLocalStoreSamplesCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(v.metrics.Samples) })),
		tb.RegisterLocalStoreRecordsCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(v.logs.Accepted) })),
		tb.RegisterLocalStoreWalSyncFailuresCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(v.metrics.SyncFailures) })),
		tb.RegisterLocalStoreFaultsCallback(with(func(o metric.Int64Observer, v figures) {
			for kind, n := range faults(v.logs) {
				o.Observe(n, metric.WithAttributes(attribute.String("kind", kind)))
			}
		})),
		tb.RegisterLocalStoreRulesCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(v.rules.Rules) })),
		tb.RegisterLocalStoreRuleFilesRefusedCallback(with(func(o metric.Int64Observer, v figures) {
			var n int64
			if v.refused {
				n = 1
			}
			o.Observe(n)
		})),
		tb.RegisterLocalStoreRuleEvaluationsCallback(with(func(o metric.Int64Observer, v figures) {
			o.Observe(v.rules.Evaluations-v.rules.Failures, done)
			o.Observe(v.rules.Failures, failed)
			o.Observe(v.rules.Missed, missed)
		})),
		tb.RegisterLocalStoreAlertsCallback(with(func(o metric.Int64Observer, v figures) { o.Observe(v.rules.Firing) })),
		tb.RegisterLocalStoreAlertNotificationsCallback(with(func(o metric.Int64Observer, v figures) {
			o.Observe(v.rules.Sent, sent)
			o.Observe(v.rules.Dropped, dropped)
		})),
		tb.RegisterLocalStoreDiskCallback(with(func(o metric.Int64Observer, v figures) {
			o.Observe(v.metrics.DiskBytes, ofMetrics)
			o.Observe(v.logs.DiskBytes, ofLogs)
		})),
		tb.RegisterLocalStoreRetainedCallback(with(func(o metric.Int64Observer, v figures) {
			o.Observe(int64(v.metricsAge().Seconds()), ofMetrics)
			o.Observe(int64(v.logsAge().Seconds()), ofLogs)
		})),
	)
}
