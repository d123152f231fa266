// Package promengine makes the PromQL engine that evaluates queries and rules,
// with Prometheus' own defaults. Those who ask and those who evaluate rules have
// an engine each: a heavy dashboard must not keep an alert from being
// evaluated.
package promengine

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
)

// Options are the choices of the one who queries. The zero value means
// Prometheus' defaults.
type Options struct {
	Timeout     time.Duration // of one query; 2 minutes
	MaxSamples  int           // of one query in memory; 50 million
	Concurrency int           // queries at a time; 20
	Logger      *slog.Logger  // nil discards
	Registry    prometheus.Registerer
}

// New makes an engine.
func New(o Options) *promql.Engine {
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.MaxSamples <= 0 {
		o.MaxSamples = 50_000_000
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return promql.NewEngine(promql.EngineOpts{
		Logger:               o.Logger,
		Reg:                  o.Registry,
		MaxSamples:           o.MaxSamples,
		Timeout:              o.Timeout,
		ActiveQueryTracker:   make(slots, o.Concurrency),
		LookbackDelta:        5 * time.Minute,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 {
			return time.Duration(config.DefaultGlobalConfig.EvaluationInterval).Milliseconds()
		},
	})
}

// slots bounds how many queries run at a time. Prometheus' own tracker also
// writes the queries to a file.
type slots chan struct{}

func (s slots) GetMaxConcurrent() int { return cap(s) }

func (s slots) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case s <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s slots) Delete(int)   { <-s }
func (s slots) Close() error { return nil }
