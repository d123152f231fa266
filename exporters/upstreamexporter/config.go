package upstreamexporter

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/weir-telemetry/weir/fleet/token"
)

// Config is the user's. It does not say where reports go: the policy does.
type Config struct {
	// Policy is the extension that says what is in force.
	Policy component.ID `mapstructure:"policy"`
	// Data is the edge's data folder; the ledger is kept in its folder "ledger".
	Data string `mapstructure:"data"`
	// TLS of the connection to the destination. At least version 1.3 always.
	TLS TLSConfig `mapstructure:"tls"`
	// Proxy, if it has a URL, is what https destinations are reached through.
	Proxy ProxyConfig `mapstructure:"proxy"`
	// EnrollToken, if set, is what the vendor's 'weir fleet enroll' printed. It is
	// spent when a policy is in force and the edge is not enrolled yet.
	EnrollToken configopaque.String `mapstructure:"enroll_token"`
	// Timeout of one attempt, from dialling to the answer's end.
	Timeout time.Duration `mapstructure:"timeout"`
	// Retry of attempts that came to no outcome. There is no end to it.
	Retry RetryConfig `mapstructure:"retry"`
	// Backlog is what gathers while the destination does not answer.
	Backlog BacklogConfig `mapstructure:"backlog"`
}

// RetryConfig bounds the random wait before an attempt is repeated: up to
// Initial after the first, doubled with each one, up to Max.
type RetryConfig struct {
	Initial time.Duration `mapstructure:"initial"`
	Max     time.Duration `mapstructure:"max"`
}

// BacklogConfig bounds what waits, and how fast it leaves when it can again.
type BacklogConfig struct {
	// Limit is how much time the waiting reports may cover, each counted as one
	// interval of the policy. When they cover more, the oldest is dropped, and the
	// ledger says so.
	Limit time.Duration `mapstructure:"limit"`
	// BytesPerSecond caps catching up, heads and answers included. A report that
	// is not late is not held up.
	BytesPerSecond int64 `mapstructure:"bytes_per_second"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Policy:  component.MustNewID("policy"),
		Data:    "./data",
		Timeout: 30 * time.Second,
		Retry:   RetryConfig{Initial: time.Second, Max: 5 * time.Minute},
		Backlog: BacklogConfig{Limit: 30 * 24 * time.Hour, BytesPerSecond: 2 << 10},
	}
}

// Validate says everything that is wrong.
func (c *Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("data: is empty; name the edge's data folder, for example ./data"))
	}
	if c.Policy == (component.ID{}) {
		errs = append(errs, errors.New("policy: is empty; name the policy extension, for example policy"))
	}
	errs = append(errs, c.TLS.validate()...)
	errs = append(errs, c.Proxy.validate()...)
	if c.EnrollToken != "" {
		if _, err := token.Parse(string(c.EnrollToken)); err != nil {
			errs = append(errs, fmt.Errorf("enroll_token: %w", err))
		}
	}
	if c.Timeout <= 0 {
		errs = append(errs, errors.New("timeout: must be positive, for example 30s"))
	}
	if c.Retry.Initial <= 0 {
		errs = append(errs, errors.New("retry::initial: must be positive, for example 1s"))
	}
	if c.Retry.Max < c.Retry.Initial {
		errs = append(errs, errors.New("retry::max: must not be less than retry::initial"))
	}
	if c.Backlog.Limit < time.Hour {
		errs = append(errs, errors.New("backlog::limit: must be at least an hour, for example 720h"))
	}
	if c.Backlog.BytesPerSecond <= 0 {
		errs = append(errs, errors.New("backlog::bytes_per_second: must be positive, for example 2048"))
	}
	return errors.Join(errs...)
}
