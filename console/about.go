package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"go.yaml.in/yaml/v3"
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
	Pages   []string  `json:"pages"`
}

func (a *api) about(r *http.Request) (any, error) {
	user, may := a.Who(r)
	out := aboutAnswer{
		Role: a.Kind, Version: a.Version, Commit: a.Commit, Started: a.Started.UTC(), Data: a.Data,
		User: user, May: may, Pages: []string{},
	}
	if a.Policy != nil {
		out.Install = a.Policy.Install().ID
		out.Pages = append(out.Pages, "policy")
	}
	if a.Ledger != "" {
		out.Pages = append(out.Pages, "ledger")
	}
	if a.Config != nil {
		text, err := yaml.Marshal(hidden(a.Config()))
		if err != nil {
			return nil, err
		}
		out.Config = string(text)
	}
	return out, nil
}

func (a *api) dashboard(r *http.Request) (any, error) {
	for _, b := range a.boards {
		if b.UID == r.PathValue("uid") {
			return json.RawMessage(b.Source), nil
		}
	}
	return nil, refuse(http.StatusNotFound, "there is no such dashboard here")
}

// secret are the keys whose values nobody should read over a shoulder. It
// hides too much rather than too little.
var secret = regexp.MustCompile(`(?i)pass|secret|token|credential|auth|api_?key|private|_pem$|^key$|headers|inline|cookie`)

const hiddenText = "(hidden)"

// hidden is a copy of a configuration without what looks like a secret: the
// values of keys that sound like one, and passwords in URLs.
func hidden(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if secret.MatchString(k) && scalar(e) {
				out[k] = hiddenText
				continue
			}
			if secret.MatchString(k) {
				out[k] = allHidden(e)
				continue
			}
			out[k] = hidden(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = hidden(e)
		}
		return out
	case string:
		if u, err := url.Parse(v); err == nil && u.User != nil {
			u.User = url.User("hidden")
			return u.String()
		}
		return v
	default:
		return v
	}
}

// scalar: a number or a yes and no is no secret, and an empty value hides
// nothing.
func scalar(v any) bool {
	s, ok := v.(string)
	return ok && s != ""
}

// allHidden hides every text under a key that sounds like a secret.
func allHidden(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = allHidden(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = allHidden(e)
		}
		return out
	case string:
		if v == "" {
			return v
		}
		return hiddenText
	default:
		return v
	}
}
