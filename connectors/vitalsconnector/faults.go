package vitalsconnector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/connectors/vitalsconnector/internal/metadata"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/internal/yamlfile"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/vitals/fault"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// faults looks, each interval, at what the product stands on and says whose a
// fault is.
type faults struct {
	cfg       *Config
	log       *zap.Logger
	telemetry *metadata.TelemetryBuilder
	now       func() time.Time
	system    probe.System
	ticks     func(time.Duration) (<-chan time.Time, func())
	files     vfs.FS

	health   *health
	source   consent.Source // nil: no policy is known
	probes   []fault.Finding
	runner   *probe.Runner
	pairs    []fault.Pair
	judge    fault.Judge
	contacts contacts
	unsaved  bool // it was said that the report cannot be written

	mu      sync.Mutex
	rates   fault.Rates
	refused bool         // an emission was, since the last round
	report  fault.Report // of no version before the first round
}

func newFaults(set connector.Settings, cfg *Config, tel *metadata.TelemetryBuilder) *faults {
	return &faults{
		cfg: cfg, log: set.Logger, telemetry: tel, now: time.Now, system: probe.Real(), ticks: ticker, files: vfs.OS,
		health: newHealth(set.MeterProvider),
	}
}

// start prepares the rounds and runs the first.
func (f *faults) start(ctx context.Context, host component.Host, running *sync.WaitGroup) {
	for _, e := range host.GetExtensions() {
		if s, ok := e.(consent.Source); ok {
			f.source = s
		}
	}
	var probes []*probe.Probe
	for _, p := range f.cfg.all(f.system) {
		probes = append(probes, probe.New(p.Spec, f.system))
		f.probes = append(f.probes, fault.Finding{
			Finding: probe.Finding{Kind: p.Kind}, Domain: p.Domain, Owner: p.Owner, Hosts: p.Hosts(),
		})
	}
	f.pairs = fault.Pairs(f.probes)
	f.runner = probe.NewRunner(probes)
	f.runner.Allow = f.allowed
	f.runner.Spread = f.cfg.ProbeInterval / 30
	f.restore()
	ticks, stop := f.ticks(f.cfg.ProbeInterval)
	running.Go(func() {
		defer stop()
		for {
			f.round(ctx)
			select {
			case <-ctx.Done():
				return
			case <-ticks:
			}
		}
	})
}

// allowed says that a probe does not reach for the vendor: only upstream does,
// through the ledger. A destination on this machine is nobody's secret.
func (f *faults) allowed(s probe.Spec) bool {
	if f.source == nil {
		return true
	}
	d := f.source.Decision()
	for _, p := range []*policy.Policy{d.Policy, d.Pending, d.Base, d.Same} {
		if p == nil {
			continue
		}
		u, err := url.Parse(p.Destination)
		if err != nil {
			return false
		}
		host := strings.ToLower(u.Hostname())
		if a, err := netip.ParseAddr(host); host == "localhost" || err == nil && a.IsLoopback() {
			continue
		}
		if slices.Contains(s.Hosts(), host) {
			return false
		}
	}
	return true
}

// round looks once at everything and judges it.
func (f *faults) round(ctx context.Context) {
	found := f.runner.Round(ctx)
	if ctx.Err() != nil {
		return
	}
	now := f.now()
	round := fault.Round{Findings: slices.Clone(f.probes), Troubles: f.health.troubles(ctx, now)}
	for i := range round.Findings {
		round.Findings[i].Finding = found[i]
	}
	f.contacts.look(f)

	f.mu.Lock()
	round.Failing = f.rates.Failing()
	if f.refused {
		round.Troubles = append(round.Troubles, fault.EmissionRefused)
		f.refused = false
	}
	verdict, changed := f.judge.Hear(fault.Signs(round), now)
	f.report.Add(round, verdict, changed, now)
	f.report.Contact = f.contacts.of(verdict.Owner)
	report := f.report
	report.Changes = slices.Clone(report.Changes)
	f.mu.Unlock()

	if changed {
		f.log.Info("fault domain changed", zap.String("domain", string(verdict.Domain)), zap.String("owner", string(verdict.Owner)))
	}
	f.save(ctx, &report)
}

// say takes note of an emission and adds to it what is known of faults.
func (f *faults) say(md pmetric.Metrics, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rates.Observe(md, now)
	if f.report.Version == 0 || md.ResourceMetrics().Len() == 0 {
		return
	}
	sm := md.ResourceMetrics().At(0).ScopeMetrics().AppendEmpty()
	sm.Scope().SetName(fault.ScopeName)
	f.report.Metrics(sm.Metrics(), f.pairs, now)
}

// emitted takes note of what became of an emission.
func (f *faults) emitted(err error) {
	f.mu.Lock()
	f.refused = f.refused || err != nil
	f.mu.Unlock()
}

// restore takes up the changes of before the restart. The verdict begins anew.
func (f *faults) restore() {
	if f.cfg.Data == "" {
		return
	}
	err := f.files.MkdirAll(filepath.Dir(fault.File(f.cfg.Data)), 0o700)
	if err == nil {
		var last *fault.Report
		last, err = fault.Load(f.files, fault.File(f.cfg.Data))
		f.report.Changes = last.Changes
	}
	if err != nil {
		f.telemetry.VitalsStateFailures.Add(context.Background(), 1)
		f.log.Warn("the history of fault domains begins anew", zap.Error(err))
	}
}

func (f *faults) save(ctx context.Context, r *fault.Report) {
	if f.cfg.Data == "" {
		return
	}
	err := r.Save(f.files, fault.File(f.cfg.Data))
	if err != nil {
		f.telemetry.VitalsStateFailures.Add(context.WithoutCancel(ctx), 1)
	}
	if err != nil && !f.unsaved {
		f.log.Warn("the evidence of the fault domain cannot be written; the metrics have the verdict", zap.Error(err))
	}
	f.unsaved = err != nil
}

// contacts are read again when the file changes.
type contacts struct {
	known    responsibilities.Contacts
	size     int64
	modified time.Time
	missing  bool
}

// look says once what is wrong with the file, and nothing of what is in it.
func (c *contacts) look(f *faults) {
	file := f.cfg.Responsibilities
	if file == "" {
		return
	}
	st, err := f.files.Stat(file)
	if err == nil && st.Size() == c.size && st.ModTime().Equal(c.modified) || err != nil && c.missing {
		return
	}
	*c = contacts{missing: err != nil}
	var data []byte
	if err == nil {
		c.size, c.modified = st.Size(), st.ModTime()
		data, err = readBounded(f.files, file)
	}
	if err == nil {
		c.known, err = responsibilities.Parse(file, data)
	}
	if err != nil {
		f.telemetry.VitalsStateFailures.Add(context.Background(), 1)
		var faults *yamlfile.Faults
		if errors.As(err, &faults) {
			err = fmt.Errorf("%s has blanks or other faults: %d", file, len(faults.List))
		}
		f.log.Warn("nobody is named as the owner of a fault; 'weir responsibilities lint' says how to mend the file", zap.Error(err))
	}
}

func (c *contacts) of(a responsibilities.Area) *responsibilities.Contact {
	if one, ok := c.known[a]; ok {
		return &one
	}
	return nil
}

func readBounded(fsys vfs.FS, file string) ([]byte, error) {
	r, err := fsys.OpenFile(file, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, yamlfile.MaxSize+1)) // Parse says that it is too large
}
