package vitalsconnector

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
)

// shared holds the instances that are in use. The collector makes a connector
// once for each pair of signals; the pairs of one configured connector have the
// same id and the same configuration, and get the same instance.
type shared struct {
	mu   sync.Mutex
	used map[key]*instance
}

type key struct {
	id  component.ID
	cfg *Config
}

// instance counts its holders: the last one to shut down stops the emitter,
// so that what the others still deliver is in the last emission.
type instance struct {
	*emitter
	holders int // guarded by shared.mu
	// handsOn says that there is a pair of logs to logs, and that it counts.
	// It is set while the pairs are made, before any is started.
	handsOn bool

	starting sync.Once
	startErr error
}

// holder is one pair's share of an instance.
type holder struct {
	*instance
	all      *shared
	key      key
	stopping sync.Once
	stopErr  error
}

// acquire makes the instance or shares it. All pairs emit to the same pipelines
// of metrics, so the consumer of the first that has one is as good as any.
func (s *shared) acquire(set connector.Settings, cfg *Config, next consumer.Metrics) (*holder, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{set.ID, cfg}
	i := s.used[k]
	if i == nil {
		e, err := newEmitter(set, cfg, next)
		if err != nil {
			return nil, err
		}
		i = &instance{emitter: e}
		if s.used == nil {
			s.used = map[key]*instance{}
		}
		s.used[k] = i
	}
	if i.next == nil {
		i.next = next
	}
	i.holders++
	return &holder{instance: i, all: s, key: k}, nil
}

// Start starts the emitter once.
func (h *holder) Start(_ context.Context, host component.Host) error {
	h.starting.Do(func() { h.startErr = h.start(host) })
	return h.startErr
}

// Shutdown gives the share back, once.
func (h *holder) Shutdown(ctx context.Context) error {
	h.stopping.Do(func() {
		h.all.mu.Lock()
		h.holders--
		last := h.holders == 0
		if last {
			delete(h.all.used, h.key)
		}
		h.all.mu.Unlock()
		if last {
			h.stopErr = h.stop(ctx)
		}
	})
	return h.stopErr
}

// Capabilities says that nothing is changed.
func (h *holder) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

var errStopped = errors.New("vitals: the last emission did not end in time")
