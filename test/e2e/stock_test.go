package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// reportTo runs an edge under an accepted policy for a destination until done,
// and returns the bodies of the reports in its ledger.
func reportTo(t *testing.T, destination string, done func() error) [][]byte {
	t.Helper()
	policy := writePolicy(t, destination)
	e := newEdge(t, policy)
	if _, exit := e.run("policy", "accept", policy, "--by", "tester", "--reason", "stock endpoint"); exit != 0 {
		t.Fatalf("policy accept: exit %d", exit)
	}
	e.start()
	p := newProduct(t, e.otlp, "frontend", "1.4.2")
	p.serve(20, 5)
	p.shutdown()
	e.eventually("the destination has the reports", 30*time.Second, done)
	e.stop()
	return ledgerBodies(t, filepath.Join(e.data, "ledger"))
}

// A collector's own otlp receiver, as anybody has it, takes the reports. What
// it hands on is what the ledger holds.
func TestAStockCollectorTakesTheReports(t *testing.T) {
	address := freePort(t)
	f := otlpreceiver.NewFactory()
	cfg := f.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(map[string]any{
		"protocols": map[string]any{"http": map[string]any{"endpoint": address}},
	}).Unmarshal(cfg); err != nil {
		t.Fatal(err)
	}
	sink := &consumertest.MetricsSink{}
	r, err := f.CreateMetrics(t.Context(), receivertest.NewNopSettings(f.Type()), cfg, sink)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.(component.Component).Shutdown(context.Background()) }()

	recorded := reportTo(t, "http://"+address, func() error {
		if n := len(sink.AllMetrics()); n < 3 {
			return fmt.Errorf("%d reports", n)
		}
		return nil
	})
	for i, md := range sink.AllMetrics() {
		body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(body, recorded[i]) {
			t.Errorf("report %d arrived as another than the ledger holds", i+1)
		}
	}
}

// Prometheus' own OTLP handler, below its own path, stores them as series.
func TestPrometheusTakesTheReports(t *testing.T) {
	db, err := tsdb.Open(t.TempDir(), nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	handler := remote.NewOTLPWriteHandler(slog.New(slog.DiscardHandler), nil, db, func() config.Config {
		c := config.DefaultConfig
		c.OTLPConfig.PromoteResourceAttributes = []string{"weir.install.id"}
		return c
	}, remote.OTLPOptions{})
	var status []int
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/otlp/v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		status = append(status, rec.Code)
		w.WriteHeader(rec.Code)
	})
	s := httptest.NewServer(mux)
	defer s.Close()

	recorded := reportTo(t, s.URL+"/api/v1/otlp", func() error {
		if v, err := newest(db, "weir_service_requests_total", "http_response_status_class", "5xx", "service_name", "frontend"); err != nil || v != 5 {
			return fmt.Errorf("failed requests: %v, %w", v, err)
		}
		return nil
	})
	for i, code := range status {
		if code != http.StatusOK {
			t.Errorf("report %d of %d was answered %d", i+1, len(recorded), code)
		}
	}
	if v, err := newest(db, "weir_report_sequence"); err != nil || v < 3 {
		t.Errorf("sequence of the last report: %v, %v", v, err)
	}
}

// newest is the last sample of the one series that has a name, labels, and an
// install's id.
func newest(db *tsdb.DB, name string, pairs ...string) (float64, error) {
	q, err := db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return 0, err
	}
	defer q.Close()
	match := []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, "__name__", name), labels.MustNewMatcher(labels.MatchNotEqual, "weir_install_id", ""),
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		match = append(match, labels.MustNewMatcher(labels.MatchEqual, pairs[i], pairs[i+1]))
	}
	set := q.Select(context.Background(), false, nil, match...)
	v, n := 0.0, 0
	for ; set.Next(); n++ {
		for it := set.At().Iterator(nil); it.Next() == chunkenc.ValFloat; {
			_, v = it.At()
		}
	}
	if n != 1 {
		return 0, errors.Join(fmt.Errorf("%d series", n), set.Err())
	}
	return v, set.Err()
}
