package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// documented answers as Grafana's HTTP API is documented to: with our dashboards as
// the file provider sets them up, and with data sources over the seeds. It is no
// Grafana; it is there so that the questions asked of a real one are run, and fail
// where they should.
type documented struct {
	t       *testing.T
	boards  map[string]json.RawMessage     // by uid
	titles  map[string]string              // by uid
	sources map[string]storage.Queryable   // by uid
	types   map[string]string              // by uid of the data source
	change  func(path string, answer *any) // of a test that wants something to be wrong
}

func fakeGrafana(t *testing.T) (*documented, grafana) {
	d := &documented{t: t, boards: map[string]json.RawMessage{}, titles: map[string]string{}, sources: map[string]storage.Queryable{}}
	forEach(t, func(t *testing.T, name string, b *board) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d.boards[b.UID], d.titles[b.UID] = data, b.Title
	})
	for uid, seed := range map[string]string{"weir-metrics": "edge.load", "weir-fleet": "fleet.load"} {
		data, err := os.ReadFile(path.Join("testdata", seed))
		if err != nil {
			t.Fatal(err)
		}
		s := promqltest.LoadedStorage(t, string(data))
		t.Cleanup(func() { _ = s.Close() })
		d.sources[uid] = s
	}
	d.types = map[string]string{"weir-metrics": "prometheus", "weir-fleet": "prometheus", "weir-logs": "loki"}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	return d, grafana{server.URL, "a service account's"}
}

func (d *documented) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any
	status := http.StatusOK
	uid, ofBoard := strings.CutPrefix(r.URL.Path, "/api/dashboards/uid/")
	switch {
	case r.Header.Get("Authorization") != "Bearer a service account's" && r.URL.Path != "/api/health":
		status, answer = http.StatusUnauthorized, map[string]any{"message": "Unauthorized", "messageId": "auth.unauthorized", "statusCode": 401}
	case r.Method == "GET" && r.URL.Path == "/api/health":
		answer = map[string]any{"commit": "087143285", "database": "ok", "version": "11.6.0"}
	case r.Method == "GET" && r.URL.Path == "/api/search" && r.URL.Query().Get("tag") == "weir" && r.URL.Query().Get("type") == "dash-db":
		hits := []any{}
		for uid, title := range d.titles {
			hits = append(hits, map[string]any{"id": len(hits) + 1, "uid": uid, "title": title, "url": "/d/" + uid, "type": "dash-db", "tags": []string{"weir"}, "isStarred": false})
		}
		answer = hits
	case r.Method == "GET" && ofBoard && d.boards[uid] != nil:
		answer = map[string]any{"meta": map[string]any{"type": "db", "provisioned": true, "provisionedExternalId": uid + ".json", "canEdit": false}, "dashboard": d.boards[uid]}
	case r.Method == "POST" && r.URL.Path == "/api/ds/query":
		status, answer = d.query(r)
	default:
		status, answer = http.StatusNotFound, map[string]any{"message": "Not found"}
	}
	if d.change != nil {
		d.change(r.URL.Path, &answer)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

// query wants what the documentation asks for: a time, and of each query a
// letter, a data source, a resolution.
func (d *documented) query(r *http.Request) (int, any) {
	var body struct {
		From, To string
		Queries  []struct {
			RefID, Expr, QueryType    string
			Datasource                source
			IntervalMs, MaxDataPoints int
			Instant, Range            bool
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.From == "" || body.To == "" || len(body.Queries) == 0 {
		return http.StatusBadRequest, map[string]any{"message": "bad request data"}
	}
	results := map[string]any{}
	for _, q := range body.Queries {
		if q.RefID == "" || q.IntervalMs == 0 || q.MaxDataPoints == 0 || d.types[q.Datasource.UID] != q.Datasource.Type || q.Datasource.Type == "" {
			return http.StatusBadRequest, map[string]any{"message": "bad request data"}
		}
		fields, err := d.fields(q.Datasource, q.Expr)
		if err != nil {
			return http.StatusBadRequest, map[string]any{"results": map[string]any{q.RefID: map[string]any{"status": 400, "error": err.Error(), "errorSource": "downstream", "frames": []any{}}}}
		}
		frames := []any{map[string]any{"schema": map[string]any{"refId": q.RefID, "fields": fields}, "data": map[string]any{"values": []any{}}}}
		results[q.RefID] = map[string]any{"status": 200, "frames": frames}
	}
	return http.StatusOK, map[string]any{"results": results}
}

func (d *documented) fields(s source, expr string) ([]any, error) {
	fields := []any{}
	if s.Type == "loki" {
		if _, err := syntax.Parse(expr); err != nil {
			return nil, err
		}
		return append(fields, map[string]any{"name": "labels", "type": "other"}, map[string]any{"name": "Line", "type": "string"}), nil
	}
	engine := promqltest.NewTestEngineWithOpts(d.t, promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	q, err := engine.NewInstantQuery(context.Background(), d.sources[s.UID], nil, expr, time.Unix(0, 0).Add(time.Hour-10*time.Second))
	if err != nil {
		return nil, err
	}
	defer q.Close()
	result := q.Exec(context.Background())
	if result.Err != nil {
		return nil, result.Err
	}
	if v, err := result.Vector(); err != nil || len(v) == 0 {
		return fields, err
	}
	return append(fields, map[string]any{"name": "Time", "type": "time"}, map[string]any{"name": "Value", "type": "number"}), nil
}

func TestTheQuestionsForGrafanaAreThoseOfItsDocumentation(t *testing.T) {
	_, g := fakeGrafana(t)
	if version, err := g.health(); err != nil || version != "11.6.0" {
		t.Errorf("version %q: %v", version, err)
	}
	found, err := g.found()
	if err != nil || len(found) != 11 {
		t.Errorf("%d dashboards found: %v", len(found), err)
	}
	forEach(t, func(t *testing.T, _ string, b *board) {
		if err := g.has(b); err != nil {
			t.Error(err)
		}
		if err := g.answers(b); err != nil {
			t.Error(err)
		}
	})
}

// Each thing that can be wrong with a Grafana is found.
func TestWhatIsWrongWithAGrafanaIsFound(t *testing.T) {
	set := func(p, key string, value any) func(string, *any) {
		return func(at string, answer *any) {
			if m, ok := (*answer).(map[string]any); ok && strings.HasPrefix(at, p) {
				m[key] = value
			}
		}
	}
	all := func(g grafana) (errs []string) {
		add := func(err error) {
			if err != nil {
				errs = append(errs, err.Error())
			}
		}
		_, err := g.health()
		add(err)
		_, err = g.found()
		add(err)
		forEach(t, func(_ *testing.T, name string, b *board) {
			if name == "customer/host.json" {
				add(g.has(b))
				add(g.answers(b))
			}
		})
		return errs
	}
	for name, c := range map[string]struct {
		change func(string, *any)
		token  string
		says   string
	}{
		"its database is away":          {change: set("/api/health", "database", "failing"), says: `database is "failing"`},
		"it wants another token":        {token: "another", says: "401"},
		"somebody saved it by hand":     {change: set("/api/dashboards/", "meta", map[string]any{"provisioned": false}), says: "provisioned false"},
		"another dashboard has the uid": {change: set("/api/dashboards/", "dashboard", map[string]any{"title": "Mine"}), says: `"Mine" with 0 panels`},
		"a data source does not answer": {change: set("/api/ds/query", "results", map[string]any{"A": map[string]any{"error": "connection refused"}}), says: "connection refused"},
		"a data source knows nothing":   {change: set("/api/ds/query", "results", map[string]any{"A": map[string]any{"frames": []any{}}}), says: "no frame has a field"},
	} {
		t.Run(name, func(t *testing.T) {
			d, g := fakeGrafana(t)
			d.change = c.change
			if c.token != "" {
				g.token = c.token
			}
			if errs := fmt.Sprint(all(g)); !strings.Contains(errs, c.says) {
				t.Errorf("it says %.500s, not %q", errs, c.says)
			}
		})
	}
}
