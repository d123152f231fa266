package console

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"time"

	"github.com/weir-telemetry/weir/internal/configuration"
)

type aboutAnswer struct {
	Role    string    `json:"role"`
	Version string    `json:"version"`
	Commit  string    `json:"commit"`
	Started time.Time `json:"started"`
	Install string    `json:"install"`
	Data    string    `json:"data"`
	User    string    `json:"user"`
	May     Role      `json:"may"`
	Config  string    `json:"config"`
	// IntervalSeconds is how often the metrics get new points.
	IntervalSeconds float64  `json:"interval_seconds"`
	Pages           []string `json:"pages"`
}

func (a *api) about(r *http.Request) (any, error) {
	user, may := a.Who(r)
	out := aboutAnswer{
		Role: a.Kind, Version: a.Version, Commit: a.Commit, Started: a.Started.UTC(), Data: a.Data,
		User: user, May: may, IntervalSeconds: a.interval.Seconds(), Pages: []string{},
	}
	if a.Policy != nil {
		out.Install = a.Policy.Install().ID
		out.Pages = append(out.Pages, "policy")
	}
	if a.Ledger != "" {
		out.Pages = append(out.Pages, "ledger")
	}
	if a.Config != nil {
		var err error
		if out.Config, err = configuration.Text(a.Config()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type configurationAnswer struct {
	Since   *time.Time     `json:"since"`   // null: not noticed yet
	Changes []changeAnswer `json:"changes"` // newest first
}

type changeAnswer struct {
	configuration.Change
	Diff string `json:"diff"`
}

// configuration says what changed when, as far back as it is kept.
func (a *api) configuration(*http.Request) (any, error) {
	out := configurationAnswer{Changes: []changeAnswer{}}
	state, err := configuration.InForce(a.FS, a.Data)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.Since = &state.Since
	changes, err := configuration.Changes(a.FS, a.Data)
	for _, c := range changes {
		out.Changes = append(out.Changes, changeAnswer{Change: c, Diff: c.Diff})
	}
	return out, err
}

func (a *api) dashboard(r *http.Request) (any, error) {
	for _, b := range a.boards {
		if b.UID == r.PathValue("uid") {
			return json.RawMessage(b.Source), nil
		}
	}
	return nil, refuse(http.StatusNotFound, "there is no such dashboard here")
}
