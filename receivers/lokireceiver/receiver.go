package lokireceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/receivers/lokireceiver/internal/metadata"
)

// handlers are what the receiver serves, by http.ServeMux's patterns.
func (r *lokiReceiver) handlers() map[string]http.Handler {
	return map[string]http.Handler{
		"POST " + lokipush.Path: r.handler(pushEndpoint),
		"POST " + otlpPath:      r.handler(otlpEndpoint),
	}
}

// mounter is what the receiver needs of a local store.
type mounter interface {
	Mount(pattern string, h http.Handler) error
}

type lokiReceiver struct {
	cfg       *Config
	set       receiver.Settings
	next      consumer.Logs
	obs       *receiverhelper.ObsReport
	telemetry *metadata.TelemetryBuilder
	slots     chan struct{} // a request holds one while it is in memory
	patience  time.Duration // how long a request waits for one

	server *http.Server
	addr   net.Addr
	served sync.WaitGroup

	mu       sync.Mutex
	stopping bool
	inFlight sync.WaitGroup // added to under mu, while not stopping
}

func newReceiver(set receiver.Settings, cfg *Config, next consumer.Logs) (*lokiReceiver, error) {
	r := &lokiReceiver{
		cfg: cfg, set: set, next: next,
		slots:    make(chan struct{}, cfg.MaxConcurrentRequests),
		patience: 5 * time.Second,
	}
	var err error
	if r.obs, err = receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	}); err != nil {
		return nil, err
	}
	r.telemetry, err = metadata.NewTelemetryBuilder(set.TelemetrySettings)
	return r, err
}

// Start mounts the handler or listens.
func (r *lokiReceiver) Start(ctx context.Context, host component.Host) error {
	if !r.cfg.HTTP.HasValue() {
		return r.mount(host)
	}
	mux := http.NewServeMux()
	for pattern, h := range r.handlers() {
		mux.Handle(pattern, h)
	}
	cfg := r.cfg.HTTP.Get()
	endpoint := cfg.NetAddr.Endpoint
	var err error
	if r.server, err = cfg.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings, mux); err != nil {
		return fmt.Errorf("serve Loki push on %s: %w", endpoint, err)
	}
	listener, err := cfg.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen on %s for Loki push: %w", endpoint, err)
	}
	r.addr = listener.Addr()
	r.set.Logger.Info("Loki push is served", zap.Stringer("address", r.addr))
	r.served.Go(func() {
		if err := r.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(
				fmt.Errorf("serve Loki push on %s: %w", endpoint, err)))
		}
	})
	return nil
}

func (r *lokiReceiver) mount(host component.Host) error {
	id := r.cfg.LocalStore
	found, ok := host.GetExtensions()[id]
	if !ok {
		return fmt.Errorf("extension %s does not run: configure it and name it in service::extensions", id)
	}
	store, ok := found.(mounter)
	if !ok {
		return fmt.Errorf("extension %s is no local store: name one of type local_store", id)
	}
	for pattern, h := range r.handlers() {
		if err := store.Mount(pattern, h); err != nil {
			return err
		}
	}
	return nil
}

// Shutdown refuses new requests and waits for those that are being served. A
// mounted handler outlives the receiver.
func (r *lokiReceiver) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	r.stopping = true
	r.mu.Unlock()
	var err error
	if r.server != nil {
		err = r.server.Shutdown(ctx)
		r.served.Wait()
	}
	ended := make(chan struct{})
	go func() {
		r.inFlight.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		err = errors.Join(err, errors.New("push requests did not end in time"))
	}
	r.telemetry.Shutdown()
	return err
}

// enter says whether a request may be served; if so, it ends with
// r.inFlight.Done.
func (r *lokiReceiver) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopping {
		return false
	}
	r.inFlight.Add(1)
	return true
}
