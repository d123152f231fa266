package consoleextension

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/console"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/redaction/consent"
)

// store is a local store that serves what is mounted.
type store struct {
	component.StartFunc
	component.ShutdownFunc
	*http.ServeMux
}

func (store) ConsumeMetrics(context.Context, pmetric.Metrics) error { return nil }
func (store) ConsumeLogs(context.Context, plog.Logs) error          { return nil }
func (s store) Mount(pattern string, h http.Handler) error {
	s.Handle(pattern, h)
	return nil
}

type policies struct {
	component.StartFunc
	component.ShutdownFunc
}

func (policies) Decision() consent.Decision {
	return consent.Decision{State: consent.NoPolicy, Err: consent.ErrNotAccepted}
}
func (policies) Install() install.Install { return install.Install{ID: "an install"} }

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func start(t *testing.T, cfg *Config, h host) (*consoleExtension, error) {
	t.Helper()
	c, err := NewFactory().Create(t.Context(), extensiontest.NewNopSettings(NewFactory().Type()), cfg)
	require.NoError(t, err)
	ext := c.(*consoleExtension)
	t.Cleanup(func() { require.NoError(t, ext.Shutdown(context.Background())) })
	return ext, ext.Start(t.Context(), h)
}

func TestThePagesAreServedOnTheStoresListener(t *testing.T) {
	for _, role := range []string{edge, fleet} {
		cfg := createDefaultConfig().(*Config)
		cfg.Role = role
		s := store{ServeMux: http.NewServeMux()}
		ext, err := start(t, cfg, host{cfg.LocalStore: s, cfg.Policy: policies{}})
		require.NoError(t, err)
		require.NoError(t, ext.NotifyConfig(t.Context(), confmap.NewFromStringMap(map[string]any{"key": "value of it", "other": "seen"})))
		for path, want := range map[string]string{"/": "console.js", "/weir/v1/about": `"role":"` + role + `"`, "/weir/v1/dashboards": "weir-"} {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
			require.Equal(t, 200, w.Code, path)
			require.Contains(t, w.Body.String(), want)
			require.NotContains(t, w.Body.String(), "value of it")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/weir/v1/policy", nil))
		require.Equal(t, map[string]int{edge: 200, fleet: 404}[role], w.Code, "only an edge has a policy of its own")
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	_, err := start(t, cfg, host{cfg.Policy: policies{}})
	require.ErrorContains(t, err, "console::local_store")
	_, err = start(t, cfg, host{cfg.LocalStore: store{ServeMux: http.NewServeMux()}})
	require.ErrorContains(t, err, "console::policy")
	err = (&Config{Role: "both", Approvers: []string{""}}).Validate()
	for _, part := range []string{`"both"`, "data", "a name is empty"} {
		require.ErrorContains(t, err, part)
	}
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
}

type auth map[string]any

func (a auth) GetAttribute(name string) any { return a[name] }
func (a auth) GetAttributeNames() []string  { return nil }

func TestNamesHaveTheirRolesAndOthersMayLook(t *testing.T) {
	c := newConsole(extensiontest.NewNopSettings(NewFactory().Type()), &Config{Reviewers: []string{"rosa"}, Approvers: []string{"ada"}})
	for name, want := range map[string]console.Role{"ada": console.Approver, "rosa": console.Reviewer, "eve": console.Viewer, "": console.Viewer} {
		ctx := client.NewContext(t.Context(), client.Info{Auth: auth{"username": name}})
		got, role := c.who(httptest.NewRequestWithContext(ctx, "GET", "/", strings.NewReader("")))
		require.Equal(t, name, got)
		require.Equal(t, want, role)
	}
	_, role := c.who(httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	require.Equal(t, console.Approver, role, "nobody has to sign in on loopback")
}
