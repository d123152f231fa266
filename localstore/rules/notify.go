package rules

import (
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/notifier"
)

// queued alerts wait for an Alertmanager that is slow or away; those that do
// not fit are dropped and counted, and firing ones come again each minute.
const queued = 10_000

// sender is Prometheus' own notifier with a fixed list of Alertmanagers.
type sender struct {
	manager *notifier.Manager
	targets map[string][]*targetgroup.Group
	began   bool
	ended   chan struct{}
}

// CheckAlertmanager says what is wrong with the address of an Alertmanager.
func CheckAlertmanager(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("not the address of an Alertmanager: write it such as http://127.0.0.1:9093")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("an Alertmanager's address has no user, query or fragment: write it such as http://127.0.0.1:9093/prefix")
	}
	return nil
}

func newSender(addresses []string, registry prometheus.Registerer) (*sender, error) {
	s := &sender{targets: map[string][]*targetgroup.Group{}, ended: make(chan struct{})}
	conf := config.DefaultConfig
	for i, address := range addresses {
		if err := CheckAlertmanager(address); err != nil {
			return nil, err
		}
		u, _ := url.Parse(address)
		am := config.DefaultAlertmanagerConfig
		am.Scheme, am.PathPrefix = u.Scheme, u.Path
		am.HTTPClientConfig.FollowRedirects = false
		conf.AlertingConfig.AlertmanagerConfigs = append(conf.AlertingConfig.AlertmanagerConfigs, &am)
		// The notifier names its sets so.
		s.targets[fmt.Sprintf("config-%d", i)] = []*targetgroup.Group{{
			Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(u.Host)}},
		}}
	}
	s.manager = notifier.NewManager(&notifier.Options{QueueCapacity: queued, Registerer: registry},
		model.UTF8Validation, slog.New(slog.DiscardHandler))
	if err := s.manager.ApplyConfig(&conf); err != nil {
		return nil, fmt.Errorf("prepare to send alerts: %w", err)
	}
	return s, nil
}

// start returns when the notifier knows its Alertmanagers: an alert before
// that would be lost.
func (s *sender) start() {
	s.began = true
	updates := make(chan map[string][]*targetgroup.Group)
	go func() {
		defer close(s.ended)
		s.manager.Run(updates)
	}()
	updates <- s.targets
	for end := time.Now().Add(time.Second); len(s.manager.Alertmanagers()) < len(s.targets) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func (s *sender) stop() {
	s.manager.Stop()
	if s.began {
		<-s.ended
	}
}
