package localstoreextension

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/basicauthextension"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configauth"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensionauth"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/extensions/consoleextension"
	"github.com/weir-telemetry/weir/receivers/lokireceiver"
)

// refusing is an authenticator that lets nobody in.
type refusing struct {
	component.StartFunc
	component.ShutdownFunc
}

func (refusing) Authenticate(ctx context.Context, _ map[string][]string) (context.Context, error) {
	return ctx, errors.New("nobody")
}

var _ extensionauth.Server = refusing{}

// doors are what the listener serves, each with a request that is answered well.
var doors = []struct {
	name, method, path, media, body string
	code                            int
}{
	{"LogQL", "GET", "/loki/api/v1/query_range?query=%7Bservice_name%3D%22shop%22%7D", "", "", 200},
	{"LogQL's labels", "GET", "/loki/api/v1/labels", "", "", 200},
	{"push", "POST", "/loki/api/v1/push", "application/json", `{"streams":[{"stream":{"service_name":"shop"},"values":[["%d","paid"]]}]}`, 204},
	{"OTLP", "POST", "/otlp/v1/logs", "application/json", `{"resourceLogs":[]}`, 200},
	{"tail", "GET", "/loki/api/v1/tail?query=%7Bservice_name%3D%22shop%22%7D", "", "", 101},
	{"PromQL", "GET", "/api/v1/query?query=up", "", "", 200},
	{"labels of metrics", "GET", "/api/v1/labels", "", "", 200},
	{"the console's API", "GET", "/weir/v1/about", "", "", 200},
	{"readiness", "GET", "/ready", "", "", 200},
}

// Nothing behind the listener answers whom the authenticator refuses, whoever
// has mounted it; whom it lets in gets the answer.
func TestNobodyIsAnsweredWhomTheAuthenticatorRefuses(t *testing.T) {
	f := basicauthextension.NewFactory()
	cfg := f.CreateDefaultConfig().(*basicauthextension.Config)
	cfg.Htpasswd = &basicauthextension.HtpasswdSettings{Inline: "reader:right"}
	basic, err := f.Create(t.Context(), extensiontest.NewNopSettings(f.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, basic.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, basic.Shutdown(context.Background())) })

	refused := func(int) int { return http.StatusUnauthorized }
	for _, c := range []struct {
		name           string
		auth           component.Component
		user, password string
		want           func(code int) int
	}{
		{"nobody is let in", refusing{}, "reader", "right", refused},
		{"no password", basic, "", "", refused},
		{"a wrong password", basic, "reader", "wrong", refused},
		{"the right password", basic, "reader", "right", func(code int) int { return code }},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := component.MustNewID("authenticator")
			cfg := testConfig(t)
			cfg.HTTP.Auth = configoptional.Some(confighttp.AuthConfig{Config: configauth.Config{AuthenticatorID: id}})
			l := newStore(t, nop(), cfg)
			h := host{id: c.auth, component.MustNewID("local_store"): l}
			require.NoError(t, l.Start(t.Context(), h))
			t.Cleanup(func() { require.NoError(t, l.Shutdown(context.Background())) })
			p := &pipeline{t: t, host: h, next: consumertest.NewNop(), log: zap.NewNop()}
			p.start(lokireceiver.NewFactory(), map[string]any{"local_store": "local_store"})
			pages := consoleextension.NewFactory()
			pagesConfig := pages.CreateDefaultConfig().(*consoleextension.Config)
			pagesConfig.Role, pagesConfig.Data = "fleet", cfg.Data
			console, err := pages.Create(t.Context(), extensiontest.NewNopSettings(pages.Type()), pagesConfig)
			require.NoError(t, err)
			require.NoError(t, console.Start(t.Context(), h))
			require.NoError(t, l.Ready())
			for _, d := range doors {
				body := d.body
				if d.name == "push" {
					body = fmt.Sprintf(body, time.Now().UnixNano())
				}
				req, err := http.NewRequestWithContext(t.Context(), d.method, l.url()+d.path, bytes.NewReader([]byte(body)))
				require.NoError(t, err)
				if d.media != "" {
					req.Header.Set("Content-Type", d.media)
				}
				if d.code == http.StatusSwitchingProtocols {
					for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
						req.Header.Set(k, v)
					}
				}
				if c.user != "" {
					req.SetBasicAuth(c.user, c.password)
				}
				resp, err := http.DefaultTransport.RoundTrip(req)
				require.NoError(t, err, d.name)
				var text []byte
				if resp.StatusCode != http.StatusSwitchingProtocols {
					text, err = io.ReadAll(resp.Body)
					require.NoError(t, err, d.name)
				}
				resp.Body.Close()
				require.Equal(t, c.want(d.code), resp.StatusCode, "%s: %s", d.name, text)
			}
		})
	}
}
