package upstreamexporter

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
)

// Config is the user's. It does not say where reports go: the policy does.
type Config struct {
	// Policy is the extension that says what is in force.
	Policy component.ID `mapstructure:"policy"`
	// Data is the edge's data folder; the ledger is kept in its folder "ledger".
	Data string `mapstructure:"data"`
	// TLS of the connection to the destination. At least version 1.3 always.
	TLS TLSConfig `mapstructure:"tls"`
	// Timeout of one attempt, from dialling to the answer's end.
	Timeout time.Duration `mapstructure:"timeout"`
	// Retry of attempts that came to no outcome. There is no end to it.
	Retry RetryConfig `mapstructure:"retry"`
}

// TLSConfig names files in PEM.
type TLSConfig struct {
	// CAFile, if set, replaces the system's authorities.
	CAFile string `mapstructure:"ca_file"`
	// CertFile and KeyFile are the client's certificate. They are read anew for each connection.
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`
}

// RetryConfig bounds the random wait before an attempt is repeated: up to
// Initial after the first, doubled with each one, up to Max.
type RetryConfig struct {
	Initial time.Duration `mapstructure:"initial"`
	Max     time.Duration `mapstructure:"max"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Policy:  component.MustNewID("policy"),
		Data:    "./data",
		Timeout: 30 * time.Second,
		Retry:   RetryConfig{Initial: time.Second, Max: 5 * time.Minute},
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
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, errors.New("tls: cert_file and key_file go together; set both or neither"))
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
	return errors.Join(errs...)
}
