package console

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/dashboards"
	"github.com/weir-telemetry/weir/internal/configuration"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/ledger/inbox"
	"github.com/weir-telemetry/weir/redaction/consent"
)

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// source is the policy extension's part: it looks at the files anew each time.
type source struct{ data, file string }

func (s source) Decision() consent.Decision { return consent.Resolve(vfs.OS, s.data, s.file, noon) }
func (source) Install() install.Install {
	return install.Install{ID: "6f9619ff-8b86-4d01-b42d-00c04fc964ff"}
}

const samplePolicy = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
  - name: requests
    why: to see an incident early
    owner: support@acme.example
    category: error_rate
    kind: sum
    unit: "1"
    value: {min: 0, max: 1000, step: 1}
`

type fixture struct {
	source
	server *httptest.Server
	people string
	user   string
	role   Role
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	dir := t.TempDir()
	f := &fixture{source: source{data: dir, file: filepath.Join(dir, "allowlist.yaml")}, people: filepath.Join(dir, "people.yaml"), role: Approver}
	require.NoError(t, os.WriteFile(f.file, []byte(samplePolicy), 0o600))
	h, err := Handler(Options{
		FS: vfs.OS, Kind: "edge", Data: dir, Version: "1.2.3", Started: noon, Now: func() time.Time { return noon },
		Who:    func(*http.Request) (string, Role) { return f.user, f.role },
		Policy: f.source,
		Ledger: filepath.Join(dir, "ledger"), Responsibilities: f.people,
		Config: func() map[string]any {
			return map[string]any{"exporters": map[string]any{"loki": map[string]any{
				"endpoint": "https://me:hunter2@logs.example/push", "headers": map[string]any{"X-Scope": "tenant-7"},
				"password": "hunter2", "token_file": "/etc/token", "timeout": "5s", "clients": []any{"http://a:hunter2@b"},
			}}}
		},
	})
	require.NoError(t, err)
	f.server = httptest.NewServer(h)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fixture) do(t *testing.T, method, path, body string, into any) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.server.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if into != nil {
		require.NoError(t, json.Unmarshal(content, into), "%s", content)
	}
	return resp
}

func TestThePagesMayReachNothingButWhereTheyCameFrom(t *testing.T) {
	f := newFixture(t)
	for path, kind := range map[string]string{"/": "text/html", "/console.js": "text/javascript", "/console.css": "text/css"} {
		resp := f.do(t, "GET", path, "", nil)
		require.Equal(t, 200, resp.StatusCode, path)
		require.Contains(t, resp.Header.Get("Content-Type"), kind)
		csp := resp.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"} {
			require.Contains(t, csp, part)
		}
		require.NotContains(t, csp, "unsafe")
		require.NotContains(t, csp, "*")
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	}
	require.Equal(t, 405, f.do(t, "POST", "/console.js", "{}", nil).StatusCode)
	require.Equal(t, 404, f.do(t, "GET", "/weir/v1/nothing", "", nil).StatusCode)
}

func TestTheScriptIsSmallAndLoadsNothingFromElsewhere(t *testing.T) {
	for name, limit := range map[string]int{"console.js": 250_000, "console.css": 40_000, "index.html": 2_000} {
		content, err := os.ReadFile(filepath.Join("dist", name))
		require.NoError(t, err)
		require.Less(t, len(content), limit, name)
		for _, no := range []string{"//cdn", "fonts.googleapis", "@import", "eval(", "new Function"} {
			require.NotContains(t, string(content), no, name)
		}
	}
}

func TestWhatIsPackedIsWhatWasBuilt(t *testing.T) {
	files, err := assets()
	require.NoError(t, err)
	want := map[string]string{}
	for pattern, folder := range map[string]string{"dist/*": "", "../dashboards/customer/*.json": "dashboards/customer/", "../dashboards/fleet/*.json": "dashboards/fleet/", "../dashboards/provisioning/datasources/*.yaml": "dashboards/datasources/"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			want[folder+filepath.Base(name)] = name
		}
	}
	n := 0
	require.NoError(t, fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		require.Contains(t, want, path)
		got, err := fs.ReadFile(files, path)
		require.NoError(t, err)
		on, err := os.ReadFile(want[path])
		require.NoError(t, err)
		require.Equal(t, string(on), string(got), "%s is not the one that was built: run 'make dashboards console'", path)
		return nil
	}))
	require.Len(t, want, n)
}

// Whatever is shown was sent by somebody: no page makes elements of text.
func TestNoPageMakesElementsOfText(t *testing.T) {
	n := 0
	require.NoError(t, filepath.WalkDir("src", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		content, err := os.ReadFile(path)
		for _, no := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "dangerouslySetInnerHTML", "document.write", "srcdoc"} {
			require.NotContains(t, string(content), no, path)
		}
		return err
	}))
	require.Greater(t, n, 30)
}

func TestWhatLooksLikeASecretIsHidden(t *testing.T) {
	f := newFixture(t)
	var about aboutAnswer
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/about", "", &about).StatusCode)
	for _, no := range []string{"hunter2", "tenant-7", "/etc/token"} {
		require.NotContains(t, about.Config, no)
	}
	require.Contains(t, about.Config, "timeout: 5s")
	require.Contains(t, about.Config, "logs.example/push")
	require.Equal(t, []string{"policy", "ledger"}, about.Pages)
	require.Equal(t, Approver, about.May)
}

// The console asks in the steps that Grafana would: of the same file.
func TestTheIntervalIsThatOfTheProvisionedDataSource(t *testing.T) {
	for kind, want := range map[string]float64{"edge": 10, "fleet": 60} {
		h, err := Handler(Options{FS: vfs.OS, Kind: kind, Who: func(*http.Request) (string, Role) { return "", Viewer }})
		require.NoError(t, err)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/weir/v1/about", nil))
		var about aboutAnswer
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &about))
		require.Equal(t, want, about.IntervalSeconds)
	}
	files, err := assets()
	require.NoError(t, err)
	_, err = dashboards.Interval(files, "dashboards/datasources/weir.yaml", "weir-logs")
	require.ErrorContains(t, err, "no timeInterval")
}

func TestDashboardsAreTheFilesThatGrafanaGets(t *testing.T) {
	f := newFixture(t)
	var list []struct{ UID, Title string }
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/dashboards", "", &list).StatusCode)
	require.NotEmpty(t, list)
	require.Equal(t, "weir-customer-overview", list[0].UID)
	var d struct {
		Title  string
		Panels []any
	}
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/dashboards/"+list[0].UID, "", &d).StatusCode)
	require.Equal(t, list[0].Title, d.Title)
	require.NotEmpty(t, d.Panels)
	require.Equal(t, 404, f.do(t, "GET", "/weir/v1/dashboards/none", "", nil).StatusCode)
}

func TestOnlyAnApproverAcceptsAndOnlyWhatWaits(t *testing.T) {
	f := newFixture(t)
	var p policyAnswer
	f.do(t, "GET", "/weir/v1/policy", "", &p)
	require.Equal(t, consent.Unaccepted, p.State)
	require.NotNil(t, p.Pending)
	require.Nil(t, p.InForce)
	body := func(digest, by, reason string) string {
		b, err := json.Marshal(map[string]string{"digest": digest, "by": by, "reason": reason})
		require.NoError(t, err)
		return string(b)
	}
	digest := p.Pending.Revision.Digest.String()
	post := func(b string) (int, string) {
		var e struct{ Error string }
		resp := f.do(t, "POST", "/weir/v1/policy/accept", b, &e)
		return resp.StatusCode, e.Error
	}
	for _, role := range []Role{Viewer, Reviewer, ""} {
		f.role = role
		code, _ := post(body(digest, "Ada", "reviewed"))
		require.Equal(t, 403, code, role)
	}
	f.role = Approver
	code, text := post(body(digest, " ", "reviewed"))
	require.Equal(t, 400, code)
	require.Contains(t, text, "who decides")
	code, _ = post(body(strings.Repeat("0", 64), "Ada", "reviewed"))
	require.Equal(t, 409, code, "another revision than the one that waits")
	code, _ = post(`{"digest": 5}`)
	require.Equal(t, 400, code)
	require.Equal(t, consent.Unaccepted, f.Decision().State, "nothing above accepted anything")

	f.user = "grace"
	code, _ = post(body(digest, "somebody else", "reviewed"))
	require.Equal(t, 200, code)
	d := f.Decision()
	require.Equal(t, consent.Active, d.State)
	require.Equal(t, "grace", d.Acceptance.By, "who signed in is who accepts")
	f.do(t, "GET", "/weir/v1/policy", "", &p)
	require.Equal(t, "reviewed", p.Accepted.Reason)
	require.Len(t, p.InForce.Signals, 1)

	// A revision that widens shows what it would change.
	wider := strings.NewReplacer("revision: 1", "revision: 2", "max: 1000", "max: 2000").Replace(samplePolicy)
	require.NoError(t, os.WriteFile(f.file, []byte(wider), 0o600))
	p = policyAnswer{}
	f.do(t, "GET", "/weir/v1/policy", "", &p)
	require.Equal(t, consent.Active, p.State)
	require.Equal(t, 2, p.Pending.Revision.Revision)
	require.NotEmpty(t, p.Pending.Changes)
}

// A refusal lets nothing out, so it takes less than an acceptance; it is put
// down for the ledger before it holds, and an approver may decide otherwise.
func TestAReviewerRefusesAndThatIsRecorded(t *testing.T) {
	f := newFixture(t)
	digest := f.Decision().Policy.Digest.String()
	post := func(verb string) int {
		body := `{"digest": "` + digest + `", "by": "Rosa", "reason": "too much"}`
		return f.do(t, "POST", "/weir/v1/policy/"+verb, body, nil).StatusCode
	}
	waits := func() []ledger.Record {
		var list []ledger.Record
		require.NoError(t, inbox.Take(vfs.OS, f.data, func(r ledger.Record) error { list = append(list, r); return nil }))
		return list
	}
	f.role = Viewer
	require.Equal(t, 403, post("refuse"))
	require.Empty(t, waits())
	f.role = Reviewer
	require.Equal(t, 200, post("refuse"))
	list := waits()
	require.Len(t, list, 2)
	require.Equal(t, samplePolicy, string(list[0].Body))
	require.Equal(t, ledger.KindRefusal, list[1].Kind)
	require.Contains(t, string(list[1].Body), `"by":"Rosa","reason":"too much","at":"2027-03-01T12:00:00Z"`)
	var p policyAnswer
	f.do(t, "GET", "/weir/v1/policy", "", &p)
	require.Equal(t, &saidAnswer{By: "Rosa", Reason: "too much", At: noon}, p.Pending.Refused)
	require.Equal(t, consent.Unaccepted, p.State)
	require.Equal(t, 200, post("refuse"), "said twice is said once")
	require.Empty(t, waits())

	f.role = Approver
	require.Equal(t, 200, post("accept"))
	require.Equal(t, consent.Active, f.Decision().State)
	require.Equal(t, 409, post("refuse"), "what is in force is taken back, not refused")
}

func TestWhatChangedInTheConfigurationIsShown(t *testing.T) {
	f := newFixture(t)
	var got configurationAnswer
	require.Equal(t, 200, f.do(t, "GET", "/weir/v1/configuration", "", &got).StatusCode)
	require.Nil(t, got.Since)
	require.NotNil(t, got.Changes)
	for i, timeout := range []string{"30s", "5s"} {
		_, err := configuration.Notice(vfs.OS, f.data, []byte("key"), map[string]any{"timeout": timeout, "token": "hunter2"}, noon.Add(time.Duration(i)*time.Hour), func(configuration.Change) error { return nil })
		require.NoError(t, err)
	}
	resp := f.do(t, "GET", "/weir/v1/configuration", "", &got)
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, noon.Add(time.Hour), *got.Since)
	require.Len(t, got.Changes, 1)
	require.Equal(t, "@@ -1,2 +1,2 @@\n-timeout: 30s\n+timeout: 5s\n token: (hidden)\n", got.Changes[0].Diff)
	require.Len(t, got.Changes[0].After, 16)
}

func TestAFormOfAnotherSiteDecidesNothing(t *testing.T) {
	f := newFixture(t)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
		for _, verb := range []string{"accept", "refuse"} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", f.server.URL+"/weir/v1/policy/"+verb, strings.NewReader(`{}`))
			require.NoError(t, err)
			req.Header.Set("Content-Type", kind)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			require.Equal(t, 415, resp.StatusCode)
		}
	}
}
