package rules

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"

	"github.com/weir-telemetry/weir/localstore/promengine"
)

// DefaultInterval is how often a group is evaluated that does not say so.
const DefaultInterval = time.Minute

// Store is what rules read and where their results go.
type Store interface {
	storage.Queryable
	storage.Appendable
}

// Options are the choices of the one who evaluates rules.
type Options struct {
	// Interval is that of groups without one; zero is DefaultInterval.
	Interval time.Duration
	// Alertmanagers are base addresses, such as http://127.0.0.1:9093. None:
	// alerts are evaluated and shown, and sent nowhere.
	Alertmanagers []string
	// ExternalURL is where people find this store's Prometheus API; alerts
	// link to it. May be empty.
	ExternalURL string
}

// Manager evaluates the rules that were applied last, from Start to Stop.
type Manager struct {
	interval time.Duration
	external string
	manager  *promrules.Manager
	notifier *sender // nil: alerts are sent nowhere
	registry *prometheus.Registry
	cancel   context.CancelFunc
	ended    chan struct{}

	mu      sync.Mutex // held by Apply, Start and Stop
	loader  loader
	started bool
	stopped bool
}

// New makes a manager without rules.
func New(store Store, o Options) (*Manager, error) {
	if o.Interval <= 0 {
		o.Interval = DefaultInterval
	}
	external, err := url.Parse(o.ExternalURL)
	if err != nil {
		return nil, errors.New("external URL: not an address; write it such as http://127.0.0.1:7171")
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := &Manager{
		interval: o.Interval,
		external: strings.TrimSuffix(o.ExternalURL, "/"),
		registry: prometheus.NewRegistry(),
		cancel:   cancel,
		ended:    make(chan struct{}),
	}
	notify := func(context.Context, string, ...*promrules.Alert) {}
	if len(o.Alertmanagers) > 0 {
		if m.notifier, err = newSender(o.Alertmanagers, m.registry); err != nil {
			cancel()
			return nil, err
		}
		notify = promrules.SendAlerts(m.notifier.manager, m.external)
	}
	engine := promengine.New(promengine.Options{Concurrency: 2, Registry: m.registry})
	m.manager = promrules.NewManager(&promrules.ManagerOptions{
		Context:         ctx,
		ExternalURL:     external,
		Queryable:       store,
		Appendable:      store,
		QueryFunc:       promrules.EngineQueryFunc(engine, store),
		NotifyFunc:      notify,
		GroupLoader:     &m.loader,
		Logger:          slog.New(slog.DiscardHandler), // its lines quote series
		Registerer:      m.registry,
		OutageTolerance: time.Hour,
		ForGracePeriod:  10 * time.Minute,
		ResendDelay:     time.Minute,
	})
	return m, nil
}

// Apply replaces the rules. Groups that did not change keep their state.
func (m *Manager) Apply(set *Set) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loader.set = set
	if err := m.manager.Update(m.interval, set.names, labels.EmptyLabels(), m.external, nil); err != nil {
		return fmt.Errorf("apply rules: %w", err)
	}
	return nil
}

// Start begins to evaluate.
func (m *Manager) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.started || m.stopped {
		return
	}
	m.started = true
	go func() {
		defer close(m.ended)
		m.manager.Run()
	}()
	if m.notifier != nil {
		m.notifier.start()
	}
}

// Stop ends the evaluation and waits for what runs. Further calls do nothing.
func (m *Manager) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	m.stopped = true
	m.cancel() // a query that runs is not waited out
	if !m.started {
		// Groups wait to be told to begin before they can be told to end.
		m.started = true
		go func() { defer close(m.ended); m.manager.Run() }()
	}
	m.manager.Stop()
	<-m.ended
	if m.notifier != nil {
		m.notifier.stop()
	}
}

// RuleGroups and AlertingRules are what /api/v1/rules and /api/v1/alerts show.
func (m *Manager) RuleGroups() []*promrules.Group           { return m.manager.RuleGroups() }
func (m *Manager) AlertingRules() []*promrules.AlertingRule { return m.manager.AlertingRules() }
