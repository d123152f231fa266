package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"time"

	"github.com/weir-telemetry/weir/dashboards"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
)

// Role is what somebody may do.
type Role string

// The roles; each may what those before it may.
const (
	Viewer   Role = "viewer"   // look
	Reviewer Role = "reviewer" // refuse a revision
	Approver Role = "approver" // accept one
)

func (r Role) may(needed Role) bool {
	rank := map[Role]int{Viewer: 1, Reviewer: 2, Approver: 3}
	return rank[r] >= rank[needed]
}

// Options say what there is to show. Only FS, Kind and Who are needed.
type Options struct {
	FS      vfs.FS
	Kind    string // "edge" or "fleet"
	Data    string // the data folder
	Version string
	Commit  string
	Started time.Time
	Now     func() time.Time
	// Who says who asks, "" if nobody has to say, and what they may do.
	Who func(*http.Request) (string, Role)
	// Config is the configuration in force, as YAML; secrets are hidden here.
	Config func() map[string]any
	// Policy says what is in force; nil at a fleet.
	Policy consent.Source
	// Ledger is the folder of the ledger; "" at a fleet.
	Ledger string
	// Responsibilities is the file that says who answers for what; "": none.
	Responsibilities string
}

type api struct {
	Options
	boards   []dashboards.Dashboard
	interval time.Duration // how often the metrics get new points
	counter  counter
}

func newAPI(o Options, files fs.FS) (*api, error) {
	folder := map[string]string{"edge": "customer", "fleet": "fleet"}[o.Kind]
	metrics := map[string]string{"edge": "weir-metrics", "fleet": "weir-fleet"}[o.Kind]
	interval, err := dashboards.Interval(files, "dashboards/datasources/weir.yaml", metrics)
	if err != nil {
		return nil, err
	}
	boards, err := dashboards.Of(files, "dashboards/"+folder)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &api{Options: o, boards: boards, interval: interval, counter: counter{fsys: o.FS, dir: o.Ledger}}, nil
}

func (a *api) route(mux *http.ServeMux) {
	get := func(path string, h func(*http.Request) (any, error)) {
		mux.Handle("GET /weir/v1/"+path, answer(h))
	}
	get("about", a.about)
	get("dashboards", func(*http.Request) (any, error) { return a.boards, nil })
	get("dashboards/{uid}", a.dashboard)
	if a.Kind == "edge" {
		get("configuration", a.configuration)
		get("fault", a.fault)
		get("responsibilities", a.responsibilities)
	}
	if a.Ledger != "" {
		get("ledger", a.ledgerPage)
		get("ledger/{index}", a.ledgerRecord)
		get("sent", a.sent)
	}
	if a.Policy != nil {
		get("policy", a.policy)
		mux.Handle("POST /weir/v1/policy/accept", answer(a.accept))
		mux.Handle("POST /weir/v1/policy/refuse", answer(a.refuse))
	}
}

// failure is an error with its status. Its text is for the person at the page.
type failure struct {
	status int
	text   string
}

func (f *failure) Error() string { return f.text }

func refuse(status int, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// answer writes what h returns as JSON.
func answer(h func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		v, err := h(r)
		if err != nil {
			status = http.StatusInternalServerError
			var f *failure
			if errors.As(err, &f) {
				status = f.status
			}
			v = map[string]string{"error": err.Error()}
		}
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		if raw, ok := v.(json.RawMessage); ok {
			_, _ = w.Write(raw)
			return
		}
		_ = json.NewEncoder(w).Encode(v) // an error means that the client is gone
	})
}

const maxBody = 16 << 10

// read reads a request's JSON. The content type keeps other sites' plain forms
// out, also where a browser does not say where a request comes from.
func read(r *http.Request, v any) error {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "the request must be application/json")
	}
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return refuse(http.StatusBadRequest, "the request cannot be read as JSON of the fields it takes")
	}
	return nil
}
