// Package fleetreceiver is the `fleet` receiver: the one door through which
// installs reach their vendor.
//
// It serves three paths over TLS 1.3 and answers 404 to every other spelling:
//
//	POST /v1/metrics      a report, from an install with a certificate
//	POST /weir/v1/enroll  a token for a certificate
//	POST /weir/v1/renew   a certificate for a younger one, even an expired one
//
// Who sends is decided by fleet/admission, for each request, and put into the
// context as client.Info, where the `gate` processor holds the report against
// it. What a report may hold is for the gate alone. If a report comes with a
// true statement about its sender's ledger, the answer carries the receipt, and
// the receipt goes down the logs pipeline first; the two are stored before the
// answer, or the answer is "try again".
//
// It is both a metrics and a logs receiver with one server. It remembers nothing:
// any number of them over one state folder are one fleet. Bodies, headers,
// connections and the memory of requests in flight are bounded, and of one
// install there is one request at a time.
package fleetreceiver

//go:generate mdatagen metadata.yaml

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"

	"github.com/weir-telemetry/weir/receivers/fleetreceiver/internal/metadata"
)

// NewFactory returns the factory of the receiver.
func NewFactory() receiver.Factory {
	s := &shared{byConfig: map[*Config]*fleetReceiver{}}
	return receiver.NewFactory(metadata.Type, createDefaultConfig,
		receiver.WithMetrics(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Metrics) (receiver.Metrics, error) {
			r, err := s.get(set, cfg.(*Config))
			if err == nil {
				r.metrics = next
			}
			return r, err
		}, metadata.MetricsStability),
		receiver.WithLogs(func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
			r, err := s.get(set, cfg.(*Config))
			if err == nil {
				r.logs = next
			}
			return r, err
		}, metadata.LogsStability))
}

// shared holds the receivers that are the same in several pipelines.
type shared struct {
	mu       sync.Mutex
	byConfig map[*Config]*fleetReceiver
}

func (s *shared) get(set receiver.Settings, cfg *Config) (*fleetReceiver, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.byConfig[cfg]; ok {
		return r, nil
	}
	r, err := newReceiver(set, cfg)
	if err != nil {
		return nil, err
	}
	r.forget = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.byConfig, cfg)
	}
	s.byConfig[cfg] = r
	return r, nil
}
