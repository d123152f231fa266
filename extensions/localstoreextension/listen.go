package localstoreextension

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/internal/version"
	"github.com/weir-telemetry/weir/localstore/api"
	"github.com/weir-telemetry/weir/localstore/logql"
)

// listen binds the address and begins to answer, at first with 503.
func (l *localStore) listen(ctx context.Context, host component.Host) error {
	addr := l.cfg.HTTP.NetAddr.Endpoint
	ln, err := l.cfg.HTTP.ToListener(ctx)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("address %s is in use: stop what listens there, or choose another one (local_store::http::endpoint, WEIR_LISTEN)", addr)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("address %s may not be listened on by this user: choose a port above 1023 (local_store::http::endpoint, WEIR_LISTEN)", addr)
	case err != nil:
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	l.listener = ln
	server, err := l.cfg.HTTP.ToServer(ctx, host.GetExtensions(), l.set.TelemetrySettings, l)
	if err != nil {
		return fmt.Errorf("serve on %s: %w", addr, err)
	}
	l.server, l.served = server, make(chan struct{})
	go func() {
		defer close(l.served)
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve on %s: %w", addr, err)))
		}
	}()
	l.log.Info("query APIs are served", zap.Stringer("address", ln.Addr()))
	return nil
}

// route adds what the stores answer.
func (l *localStore) route(s *stores) {
	l.mux.Handle("/api/v1/", api.Prometheus(s.metrics, api.PrometheusOptions{
		Revision: "weir-" + version.Version,
		Rules:    l.rules.manager,
	}))
	l.mux.Handle("/loki/api/v1/", api.Loki(s.logs, logql.NewEngine(s.logs, l.cfg.Logs.Query.options())))
}

// Mount implements localstore.Host.
func (l *localStore) Mount(pattern string, h http.Handler) (err error) {
	defer func() {
		// ServeMux has no other way to say that a pattern is wrong or taken.
		if r := recover(); r != nil {
			err = fmt.Errorf("mount %q: the pattern is malformed or already taken", pattern)
		}
	}()
	// What is mounted may change something, unlike our own endpoints, so no
	// other site's page may post to it.
	l.mux.Handle(pattern, http.NewCrossOriginProtection().Handler(h))
	return nil
}

// ServeHTTP decides whether a request is for us and whether we can answer yet,
// and leaves the rest to the mux.
func (l *localStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !l.cfg.HTTP.Auth.HasValue() && !l.isOurs(r.Host) {
		http.Error(w, "this name is not known here: use localhost, an IP address, or the name in http::endpoint", http.StatusMisdirectedRequest)
		return
	}
	ready, why := l.state.now()
	switch r.URL.Path {
	case "/-/healthy":
		answer(w, http.StatusOK, "healthy")
	case "/ready", "/-/ready":
		if ready {
			answer(w, http.StatusOK, "ready")
		} else {
			answer(w, http.StatusServiceUnavailable, why)
		}
	default:
		if !ready {
			w.Header().Set("Retry-After", "2")
			answer(w, http.StatusServiceUnavailable, why)
			return
		}
		l.mux.ServeHTTP(w, r)
	}
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	// An error means that the client is gone.
	_, _ = io.WriteString(w, text+"\n")
}

// isOurs: a listener on loopback is out of reach for other machines but not
// for pages in this machine's browsers. A page from evil.example may have its
// name resolved to 127.0.0.1 and then read every answer as its own. Such a
// request carries that name; an address or localhost cannot be faked so.
func (l *localStore) isOurs(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "localhost" || net.ParseIP(trimBrackets(host)) != nil {
		return true
	}
	own, _, err := net.SplitHostPort(l.cfg.HTTP.NetAddr.Endpoint)
	return err != nil || own == host // err: a Unix socket, where any name will do
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
