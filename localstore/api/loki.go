package api

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// lokiVersion is the release whose API this is. Grafana decides by it what it
// may ask; it is not a claim to be that program.
const lokiVersion = "3.7.0"

// LogStore is what Loki's API reads beside queries; logstore.Store is one.
type LogStore interface {
	logql.Source
	Scan(ctx context.Context, sel logstore.Selection, visit func(*logstore.Record) error) error
	LabelNames(ctx context.Context, matchers []*labels.Matcher, from, to int64) ([]string, error)
	LabelValues(ctx context.Context, name string, matchers []*labels.Matcher, from, to int64) ([]string, error)
	Volumes(ctx context.Context, sel logstore.Selection, step int64, visit func(labels.Labels, logstore.Volume)) error
	Series(ctx context.Context, matchers []*labels.Matcher, from, to int64) ([]labels.Labels, error)
}

var _ LogStore = (*logstore.Store)(nil)

// Loki answers Loki's HTTP API below /loki/api/v1/ from a log store. Requests
// and answers have the shapes that Loki's documentation gives. Push is not
// here: it goes through the pipeline.
func Loki(store LogStore, engine *logql.Engine) http.Handler {
	return newLoki(store, engine, time.Now)
}

type loki struct {
	store  LogStore
	engine *logql.Engine
	now    func() time.Time
	tails  chan struct{} // one for each that runs
}

// answerer writes an answer or returns why there is none.
type answerer func(*http.Request) (answer, error)

func newLoki(store LogStore, engine *logql.Engine, now func() time.Time) http.Handler {
	l := &loki{store: store, engine: engine, now: now, tails: make(chan struct{}, maxTails)}
	mux := http.NewServeMux()
	for path, f := range map[string]answerer{
		"query":                        l.query,
		"query_range":                  l.queryRange,
		"labels":                       l.labelNames,
		"label":                        l.labelNames,
		"label/{name}/values":          l.labelValues,
		"series":                       l.series,
		"index/stats":                  l.indexStats,
		"index/volume":                 l.volume,
		"index/volume_range":           l.volumeRange,
		"detected_labels":              l.detectedLabels,
		"detected_fields":              l.detectedFields,
		"detected_field/{name}/values": l.detectedValues,
		"patterns":                     l.patterns,
		"format_query":                 l.formatQuery,
		"drilldown-limits":             l.drilldownLimits,
		"status/buildinfo":             l.buildInfo,
	} {
		h := compressed(serve(f))
		mux.Handle("GET /loki/api/v1/"+path, h)
		mux.Handle("POST /loki/api/v1/"+path, h)
	}
	mux.HandleFunc("GET /loki/api/v1/tail", l.tail)
	return mux
}

// serve turns what an answerer returns into a response.
func serve(f answerer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			writeLokiError(w, badRequest(err))
			return
		}
		a, err := f(r)
		if err != nil {
			writeLokiError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = w.Write(append(a, '\n')) // the client may be gone; nobody else would care
	})
}
