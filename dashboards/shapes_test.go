package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/api"
	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/metricstore"
)

// served is the local store of an edge or of a fleet, with the seed's samples
// ending now and some lines, as its listener serves it.
type served struct {
	url string
	now time.Time
}

func serve(t *testing.T, seed string) served {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", seed))
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := metricstore.Open(t.TempDir(), metricstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = metrics.Close() })
	now := time.Now().Truncate(time.Second)
	from := promqltest.LoadedStorage(t, string(data))
	defer from.Close()
	copySeries(t, from, metrics, now.Add(-time.Hour+10*time.Second))

	logs, err := logstore.Open(vfs.OS, t.TempDir(), logstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = logs.Close() })
	stream := logstore.Stream{Labels: labels.FromStrings("service_name", "frontend")}
	for i := range 60 {
		level := []string{"info", "error"}[i%2]
		stream.Entries = append(stream.Entries, logstore.Entry{
			Timestamp: now.Add(time.Duration(i-60) * 10 * time.Second).UnixNano(), Line: fmt.Sprintf("level=%s msg=\"order %d\"", level, i),
			Metadata: labels.FromStrings("detected_level", level),
		})
	}
	if _, err := logs.Append(t.Context(), []logstore.Stream{stream}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", api.Prometheus(metrics, api.PrometheusOptions{}))
	mux.Handle("/loki/", api.Loki(logs, logql.NewEngine(logs, logql.Options{})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return served{server.URL, now}
}

// copySeries moves the seed, which begins at the epoch, to begin at a time.
func copySeries(t *testing.T, from storage.Storage, to *metricstore.Store, begin time.Time) {
	t.Helper()
	q, err := from.Querier(0, time.Hour.Milliseconds())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	app := to.Appender(t.Context())
	n := 0
	for set := q.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+")); set.Next(); {
		ls, it := set.At().Labels(), set.At().Iterator(nil)
		for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
			at := begin.UnixMilli()
			if kind == chunkenc.ValFloat {
				ms, v := it.At()
				_, err = app.Append(0, ls, at+ms, v)
			} else {
				ms, h := it.AtFloatHistogram(nil)
				_, err = app.AppendHistogram(0, ls, at+ms, nil, h)
			}
			if err != nil {
				t.Fatalf("%s: %v", ls, err)
			}
			n++
		}
	}
	if err := app.Commit(); err != nil || n < 10_000 {
		t.Fatalf("%d samples: %v", n, err)
	}
}

// ask is one request; what is answered must be success and not empty.
func (s served) ask(method, at string, form url.Values) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else {
		at += "?" + form.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+at, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Status != "success" {
		return fmt.Errorf("%s: %.300s", res.Status, text)
	}
	var result struct{ Result []json.RawMessage }
	if strings.HasPrefix(string(answer.Data), "[") {
		err = json.Unmarshal(answer.Data, &result.Result)
	} else {
		err = json.Unmarshal(answer.Data, &result)
	}
	if err != nil || len(result.Result) == 0 {
		return fmt.Errorf("nothing is answered (%v)", err)
	}
	return nil
}

func (s served) seconds(before time.Duration) string {
	return strconv.FormatFloat(float64(s.now.Add(-before).UnixMilli())/1000, 'f', 3, 64)
}

func (s served) nanoseconds(before time.Duration) string {
	return strconv.FormatInt(s.now.Add(-before).UnixNano(), 10)
}

const shown = 15 * time.Minute

// prometheus asks as Grafana's data source does with httpMethod POST.
func (s served) prometheus(q target) error {
	if q.Instant {
		return s.ask("POST", "/api/v1/query", url.Values{"query": {fill(q.Expr)}, "time": {s.seconds(0)}})
	}
	return s.ask("POST", "/api/v1/query_range", url.Values{"query": {fill(q.Expr)}, "start": {s.seconds(shown)}, "end": {s.seconds(0)}, "step": {"15"}})
}

// loki asks as Grafana's data source does: times in nanoseconds, a step with its unit.
func (s served) loki(q target) error {
	form := url.Values{"query": {fill(q.Expr)}, "direction": {"backward"}, "limit": {"1000"}}
	if q.QueryType == "instant" {
		form.Set("time", s.nanoseconds(0))
		return s.ask("GET", "/loki/api/v1/query", form)
	}
	form.Set("start", s.nanoseconds(shown))
	form.Set("end", s.nanoseconds(0))
	form.Set("step", "2s")
	return s.ask("GET", "/loki/api/v1/query_range", form)
}

// Every query of every panel, every annotation and every variable, in the shapes of
// Grafana's requests, over the stores of an edge and of a fleet.
func TestEveryRequestOfGrafanaIsAnsweredByTheStores(t *testing.T) {
	stores := map[string]served{"customer": serve(t, "edge.load"), "fleet": serve(t, "fleet.load")}
	asked := 0
	forEach(t, func(t *testing.T, name string, b *board) {
		s := stores[path.Dir(name)]
		check := func(what string, err error) {
			if asked++; err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				if q.Datasource.Type == "loki" {
					check(p.Title+" "+q.RefID, s.loki(q))
				} else {
					check(p.Title+" "+q.RefID, s.prometheus(q))
				}
			}
		}
		for _, a := range b.Annotations.List {
			check("annotation "+a.Name, s.ask("POST", "/api/v1/query_range", url.Values{
				"query": {fill(a.Expr)}, "start": {s.seconds(shown)}, "end": {s.seconds(0)}, "step": {"60"}}))
		}
		for _, v := range b.Templating.List {
			if q, ok := v.Query.(map[string]any); ok {
				inner, _ := strings.CutPrefix(strings.TrimSuffix(q["query"].(string), ")"), "label_values(")
				metric, label, _ := strings.Cut(inner, ", ")
				check("variable "+v.Name, s.ask("GET", "/api/v1/label/"+label+"/values", url.Values{
					"match[]": {metric}, "start": {s.seconds(shown)}, "end": {s.seconds(0)}}))
			}
		}
	})
	if asked < 200 {
		t.Errorf("only %d requests", asked)
	}
}
