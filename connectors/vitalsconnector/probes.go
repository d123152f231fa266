package vitalsconnector

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/vitals/fault"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// ProbeConfig is one probe, and what it stands for.
type ProbeConfig struct {
	probe.Spec `mapstructure:",squash"`
	// Domain is whose fault it is if the probe fails: product, dependency,
	// network, host or collector; empty: as its kind has it.
	Domain fault.Domain `mapstructure:"domain"`
	// Owner is the area that answers for it; empty: as the domain has it.
	Owner responsibilities.Area `mapstructure:"owner"`
}

const (
	defaultProbeInterval = probe.DefaultInterval
	mostProbes           = 50
)

// validateProbes gathers every fault of the probes.
func (c *Config) validateProbes() error {
	var errs []error
	if c.ProbeInterval < 100*time.Millisecond || c.ProbeInterval > time.Hour {
		errs = append(errs, fmt.Errorf("probe_interval is %s: use 100ms to 1h, such as %s", c.ProbeInterval, defaultProbeInterval))
	}
	if len(c.Probes) > mostProbes {
		errs = append(errs, fmt.Errorf("probes: there are %d, more than %d; keep the ones that tell whose a fault is", len(c.Probes), mostProbes))
	}
	seen := map[string]int{}
	for i, p := range c.Probes {
		fail := func(err error) { errs = append(errs, fmt.Errorf("probes[%d]: %w", i, err)) }
		if err := p.Validate(); err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				fail(errors.New(line))
			}
		}
		if p.Domain != "" && (p.Domain == fault.None || !slices.Contains(fault.Domains, p.Domain)) {
			fail(fmt.Errorf("domain: %q is none; write one of %v, or leave it out", p.Domain, fault.Domains[1:]))
		}
		if p.Owner != "" && !slices.Contains(responsibilities.Areas, p.Owner) {
			fail(fmt.Errorf("owner: %q is no area; write one of %v, or leave it out", p.Owner, responsibilities.Areas))
		}
		if first, twice := seen[p.Name]; twice && p.Name != "" {
			fail(fmt.Errorf("name: is that of probes[%d], too; name what it looks at", first))
		} else {
			seen[p.Name] = i
		}
	}
	return errors.Join(errs...)
}

// all are the probes of the configuration behind those that every edge has: what
// this machine says of itself, without a packet. One that is configured under
// the same name replaces it.
func (c *Config) all(sys probe.System) []ProbeConfig {
	own := []ProbeConfig{
		{Spec: probe.Spec{Name: "memory", Kind: probe.Memory}},
		{Spec: probe.Spec{Name: "clock", Kind: probe.Clock}},
	}
	if c.Data != "" {
		own = append(own,
			ProbeConfig{Spec: probe.Spec{Name: "data-disk", Kind: probe.Disk, Target: c.Data}},
			ProbeConfig{Spec: probe.Spec{Name: "data-inodes", Kind: probe.Inode, Target: c.Data}})
	}
	if group := sys.OwnGroup(); group != "" {
		own = append(own, ProbeConfig{Spec: probe.Spec{Name: "own-memory", Kind: probe.Memory, Target: group}, Domain: fault.Collector})
	}
	own = slices.DeleteFunc(own, func(p ProbeConfig) bool {
		return slices.ContainsFunc(c.Probes, func(q ProbeConfig) bool { return p.Name == q.Name })
	})
	all := append(own, c.Probes...)
	for i := range all {
		if all[i].Interval == 0 {
			all[i].Interval = c.ProbeInterval
		}
	}
	return all
}
