package localstoreextension

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/extensions/localstoreextension/internal/metadata"
	"github.com/weir-telemetry/weir/localstore"
)

var (
	_ localstore.Host                       = (*localStore)(nil)
	_ extensioncapabilities.PipelineWatcher = (*localStore)(nil)
)

type localStore struct {
	cfg       *Config
	set       extension.Settings
	log       *zap.Logger
	telemetry *metadata.TelemetryBuilder

	state    state
	mux      *http.ServeMux
	listener net.Listener
	server   *http.Server
	served   chan struct{} // closed when the server has ended

	// mu is held for reading by whoever uses the stores and for writing by
	// the one who opens or closes them: nothing is appended to a closed store.
	mu     sync.RWMutex
	rules  *ruleRunner // nil before Start
	stores *stores     // nil before Start has opened them and after Shutdown

	gauge gauge
}

func newLocalStore(set extension.Settings, cfg *Config) (*localStore, error) {
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &localStore{cfg: cfg, set: set, log: set.Logger, telemetry: tb, mux: http.NewServeMux()}, nil
}

// Start binds the listener, then opens the stores. It returns when both are
// open: the exporters and receivers that start afterwards may use them at once.
func (l *localStore) Start(ctx context.Context, host component.Host) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Shutdown(context.WithoutCancel(ctx)))
		}
	}()
	if err := l.listen(ctx, host); err != nil {
		return err
	}
	opened, err := l.open()
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.stores = opened
	l.mu.Unlock()
	if l.rules, err = newRuleRunner(opened.metrics, l.cfg.Rules, l.log); err != nil {
		return err
	}
	l.route(opened)
	return l.observe()
}

// Ready is called when every pipeline runs. From here on the listener answers,
// and rules see what the pipelines bring.
func (l *localStore) Ready() error {
	l.rules.start()
	l.state.setReady(true)
	return nil
}

// NotReady is called before the pipelines stop.
func (l *localStore) NotReady() error {
	l.state.setReady(false)
	return nil
}

// Shutdown ends the listener, so that nobody is being answered any more, and
// then closes the stores.
func (l *localStore) Shutdown(ctx context.Context) error {
	l.state.setReady(false)
	l.telemetry.Shutdown()
	var errs []error
	if l.server != nil {
		// Queries may run for minutes; a shutdown does not wait for them.
		grace, cancel := context.WithTimeout(ctx, 2*time.Second)
		if err := l.server.Shutdown(grace); err != nil {
			errs = append(errs, l.server.Close())
		}
		cancel()
		<-l.served
		l.server = nil
	} else if l.listener != nil {
		errs = append(errs, l.listener.Close())
	}
	l.listener = nil

	if l.rules != nil {
		l.rules.stop()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stores != nil {
		errs = append(errs, l.stores.close())
		l.stores = nil
	}
	return errors.Join(errs...)
}
