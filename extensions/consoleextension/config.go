package consoleextension

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
)

// Config is the user's.
type Config struct {
	// Role is that of this process: edge or fleet. It decides which dashboards
	// and pages there are.
	Role string `mapstructure:"role"`
	// LocalStore is whose listener the pages are served on.
	LocalStore component.ID `mapstructure:"local_store"`
	// Policy is the extension that says what is in force, at an edge.
	Policy component.ID `mapstructure:"policy"`
	// Data is the data folder: the ledger and the acceptances are in it.
	Data string `mapstructure:"data"`
	// Responsibilities is the file that says who answers for what at the customer's;
	// none if it is empty.
	Responsibilities string `mapstructure:"responsibilities"`
	// Reviewers and Approvers are names as the listener's authenticator says
	// them. Everybody else who signed in may look. Where nobody has to sign in,
	// which is on loopback only, everybody is an approver.
	Reviewers []string `mapstructure:"reviewers"`
	Approvers []string `mapstructure:"approvers"`
}

const (
	edge  = "edge"
	fleet = "fleet"
)

func createDefaultConfig() component.Config {
	return &Config{
		Role:       edge,
		LocalStore: component.MustNewID("local_store"),
		Policy:     component.MustNewID("policy"),
		Data:       "./data",
	}
}

// Validate says everything that is wrong.
func (c *Config) Validate() error {
	var errs []error
	if c.Role != edge && c.Role != fleet {
		errs = append(errs, fmt.Errorf("role: %q is none; write edge or fleet", c.Role))
	}
	if c.Data == "" {
		errs = append(errs, errors.New("data: is empty; name the data folder, for example ./data"))
	}
	for _, name := range append(append([]string{}, c.Reviewers...), c.Approvers...) {
		if name == "" {
			errs = append(errs, errors.New("reviewers, approvers: a name is empty; write names as they sign in"))
			break
		}
	}
	return errors.Join(errs...)
}
