package policyextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Config of the extension.
type Config struct {
	// File is the allowlist. Empty: there is none, and nothing leaves.
	File string `mapstructure:"file"`
	// Data is Weir's data folder: the install's identity and the acceptances.
	Data string `mapstructure:"data"`
	// PollInterval is how often the files are looked at.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// Verifiers are the vendor's keys, as 'weir policy keygen' prints them. If
	// there are any, the allowlist must be signed, in a file of its name and ".sig".
	Verifiers []string `mapstructure:"verifiers"`
	// Threshold is how many of the verifiers must have signed. Default: one.
	Threshold int `mapstructure:"threshold"`
	// Require is what the customer demands of acceptances.
	Require RequireConfig `mapstructure:"require"`
}

// RequireConfig makes an acceptance more than a file that was written.
type RequireConfig struct {
	// AcceptanceSignature are the customer's keys, as 'weir policy keygen' prints
	// them. If there are any, acceptances must be signed: 'weir policy accept --key'.
	AcceptanceSignature []string `mapstructure:"acceptance_signature"`
	// Threshold is how many of the keys must have signed. Default: one.
	Threshold int `mapstructure:"threshold"`
}

const (
	minPoll = 100 * time.Millisecond
	maxPoll = time.Minute
)

func createDefaultConfig() component.Config {
	return &Config{Data: "./data", PollInterval: time.Second}
}

// Validate judges the configuration, not the policy.
func (c *Config) Validate() error {
	var faults []error
	if c.Data == "" {
		faults = append(faults, errors.New("data is empty: name Weir's data folder, such as ./data"))
	}
	if c.PollInterval < minPoll || c.PollInterval > maxPoll {
		faults = append(faults, fmt.Errorf("poll_interval %s is not between %s and %s: write 1s", c.PollInterval, minPoll, maxPoll))
	}
	if _, err := c.rules(); err != nil {
		faults = append(faults, err)
	}
	faults = append(faults, threshold("threshold", "verifiers", c.Threshold, len(c.Verifiers)),
		threshold("require::threshold", "keys in acceptance_signature", c.Require.Threshold, len(c.Require.AcceptanceSignature)))
	return errors.Join(faults...)
}

func threshold(key, of string, n, most int) error {
	if n < 0 || n > most {
		return fmt.Errorf("%s %d is not between 1 and the number of %s, %d", key, n, of, most)
	}
	return nil
}

func (c *Config) rules() (consent.Rules, error) {
	verifiers, err := policy.ParseVerifiers(c.Verifiers)
	if err != nil {
		err = fmt.Errorf("verifiers: %w", err)
	}
	accepters, err2 := policy.ParseVerifiers(c.Require.AcceptanceSignature)
	if err2 != nil {
		err2 = fmt.Errorf("require::acceptance_signature: %w", err2)
	}
	if err := errors.Join(err, err2); err != nil {
		return consent.Rules{}, err
	}
	return consent.Rules{
		Verifiers: verifiers, Threshold: max(c.Threshold, 1),
		Accepters: accepters, AcceptThreshold: max(c.Require.Threshold, 1),
	}, nil
}
