// Package api answers the HTTP interfaces that Grafana's built-in data sources
// speak: Prometheus' from a metric store, with Prometheus' own handlers, and
// Loki's from a log store.
//
// Both only read. There is no authentication, no limit on bodies and no
// readiness here; whoever mounts a handler brings them.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"sort"
	"strconv"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"
	v1 "github.com/prometheus/prometheus/web/api/v1"

	"github.com/weir-telemetry/weir/localstore/metricstore"
	"github.com/weir-telemetry/weir/localstore/promengine"
)

// prometheusVersion is the release whose API and query language these are: the
// module's v0.310.0. Grafana decides by it what it may ask.
const prometheusVersion = "3.10.0"

// PrometheusOptions are the choices of the one who serves a metric store. The
// zero value means Prometheus' defaults.
type PrometheusOptions struct {
	Timeout     time.Duration     // of one query; 2 minutes
	MaxSamples  int               // of one query in memory; 50 million
	Concurrency int               // queries at a time; 20
	Revision    string            // in status/buildinfo: who built this
	Logger      *slog.Logger      // nil discards
	Rules       v1.RulesRetriever // what /rules and /alerts show; nil: there are none
}

// prometheusRoutes are all that is served. What is not here does not exist:
// above all remote read and status/config, which advisories against Prometheus
// before 0.311.3 concern, every way to write or delete, and the pages about
// scraping, which is not done here.
var prometheusRoutes = []string{
	"GET /api/v1/query", "POST /api/v1/query",
	"GET /api/v1/query_range", "POST /api/v1/query_range",
	"GET /api/v1/query_exemplars", "POST /api/v1/query_exemplars",
	"GET /api/v1/format_query", "POST /api/v1/format_query",
	"GET /api/v1/parse_query", "POST /api/v1/parse_query",
	"GET /api/v1/labels", "POST /api/v1/labels",
	"GET /api/v1/label/{name}/values",
	"GET /api/v1/series", "POST /api/v1/series",
	"GET /api/v1/rules", "GET /api/v1/alerts",
	"GET /api/v1/status/buildinfo",
	"GET /api/v1/status/runtimeinfo",
	"GET /api/v1/status/tsdb",
}

// Prometheus answers Prometheus' HTTP API, under /api/v1/, from a metric
// store, with Prometheus' own handlers and engine.
func Prometheus(ms *metricstore.Store, o PrometheusOptions) http.Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rules == nil {
		o.Rules = noRules{}
	}
	started := time.Now()
	// The engine and the handlers register their metrics here, apart from the
	// process' default registry and from the TSDB's.
	registry := prometheus.NewRegistry()
	engine := promengine.New(promengine.Options{
		Timeout: o.Timeout, MaxSamples: o.MaxSamples, Concurrency: o.Concurrency, Logger: o.Logger, Registry: registry,
	})

	served := v1.NewAPI(
		engine, ms,
		nil, nil, // no appenders: nothing is written through this API
		ms,
		func(context.Context) v1.ScrapePoolsRetriever { return nil },
		func(context.Context) v1.TargetRetriever { return nil },
		func(context.Context) v1.AlertmanagerRetriever { return nil },
		func() config.Config { return config.DefaultConfig },
		nil, // flags
		v1.GlobalURLOptions{},
		func(f http.HandlerFunc) http.HandlerFunc { return f },
		tsdbStatus{ms}, ms.Dir(),
		false, // no admin
		o.Logger,
		func(context.Context) v1.RulesRetriever { return o.Rules },
		0, 0, 0, // remote read's limits; it is not routed
		false,                    // not an agent
		regexp.MustCompile(`^$`), // no other origin
		func() (v1.RuntimeInfo, error) { return runtimeInfo(ms, started), nil },
		&v1.PrometheusVersion{
			Version: prometheusVersion, Revision: o.Revision, Branch: "weir", GoVersion: runtime.Version(),
		},
		nil, nil, // notifications
		prometheus.Gatherers{ms, registry}, registry,
		nil,        // statistics of a query as Prometheus renders them
		false, nil, // no remote write
		false, false, false, // no OTLP here: the collector's receiver takes it
		false, 5*time.Minute, false, false,
		nil, nil,
		// The description of endpoints that are not served stays unrendered.
		v1.OpenAPIOptions{IncludePaths: []string{"/none"}},
	)
	router := route.New().WithPrefix("/api/v1")
	served.Register(router)

	mux := http.NewServeMux()
	for _, pattern := range prometheusRoutes {
		mux.Handle(pattern, router)
	}
	mux.HandleFunc("GET /api/v1/metadata", func(w http.ResponseWriter, r *http.Request) { serveMetadata(w, r, ms) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		respond(w, http.StatusNotFound, map[string]any{"status": "error", "errorType": "not_found", "error": "this endpoint is not served here"})
	})
	return mux
}

func respond(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// An error means that the client is gone.
	_ = json.NewEncoder(w).Encode(body)
}

// serveMetadata is /api/v1/metadata out of what the store has learned from the
// samples. Prometheus' own handler asks scrape targets.
func serveMetadata(w http.ResponseWriter, r *http.Request, ms *metricstore.Store) {
	limit := -1
	for _, name := range []string{"limit", "limit_per_metric"} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			respond(w, http.StatusBadRequest, map[string]any{"status": "error", "errorType": "bad_data", "error": name + " must be a number"})
			return
		}
		if name == "limit" { // there is one entry a metric
			limit = n
		}
	}
	known := ms.Metadata()
	names := make([]string, 0, len(known))
	if metric := r.FormValue("metric"); metric == "" {
		for name := range known {
			names = append(names, name)
		}
		sort.Strings(names)
	} else if _, ok := known[metric]; ok {
		names = append(names, metric)
	}
	if limit >= 0 && len(names) > limit {
		names = names[:limit]
	}
	data := make(map[string][]metadata.Metadata, len(names))
	for _, name := range names {
		data[name] = []metadata.Metadata{known[name]}
	}
	respond(w, http.StatusOK, map[string]any{"status": "success", "data": data})
}

func runtimeInfo(ms *metricstore.Store, started time.Time) v1.RuntimeInfo {
	return v1.RuntimeInfo{
		StartTime:           started.UTC(),
		ServerTime:          time.Now().UTC(),
		LastConfigTime:      started.UTC(),
		ReloadConfigSuccess: true,
		GoroutineCount:      runtime.NumGoroutine(),
		GOMAXPROCS:          runtime.GOMAXPROCS(0),
		StorageRetention:    ms.Retention().String(),
	}
}

// noRules: alerts and recording rules are empty, and validly so.
type noRules struct{}

func (noRules) RuleGroups() []*rules.Group           { return nil }
func (noRules) AlertingRules() []*rules.AlertingRule { return nil }

// tsdbStatus is what status/tsdb asks. The rest of the interface is the admin
// API's.
type tsdbStatus struct{ ms *metricstore.Store }

var errNoAdmin = errors.New("the admin interface is not served")

func (t tsdbStatus) Stats(label string, limit int) (*tsdb.Stats, error) {
	return t.ms.HeadStats(label, limit)
}

func (t tsdbStatus) BlockMetas() ([]tsdb.BlockMeta, error) { return t.ms.BlockMetas() }

func (t tsdbStatus) WALReplayStatus() (tsdb.WALReplayStatus, error) {
	r := t.ms.ReplayStatus()
	return tsdb.WALReplayStatus{Min: r.Min, Max: r.Max, Current: r.Current}, nil
}

func (tsdbStatus) CleanTombstones() error                                         { return errNoAdmin }
func (tsdbStatus) Delete(context.Context, int64, int64, ...*labels.Matcher) error { return errNoAdmin }
func (tsdbStatus) Snapshot(string, bool) error                                    { return errNoAdmin }
