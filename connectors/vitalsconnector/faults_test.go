package vitalsconnector

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"go.yaml.in/yaml/v3"

	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/ownmetrics"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/vitals/fault"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

const faultCanary = "Jannike-Roehampton"

// watch is a connector whose rounds and emissions are told when to happen.
type watch struct {
	pair
	t      *testing.T
	cfg    *Config
	sink   *consumertest.MetricsSink
	rounds chan time.Time
	faults *faults
	logged *observer.ObservedLogs
	down   atomic.Bool  // the dependency refuses
	full   atomic.Bool  // the disk is full
	dials  atomic.Int32 // to whatever
	meter  metric.Meter // Weir's own
	host   component.Host
}

func newWatch(t *testing.T, edit func(*Config)) *watch {
	t.Helper()
	w := &watch{t: t, cfg: createDefaultConfig().(*Config), sink: &consumertest.MetricsSink{}, rounds: make(chan time.Time), host: componenttest.NewNopHost()}
	w.cfg.Data = filepath.Join(t.TempDir(), "data")
	w.cfg.Responsibilities = "../../config/responsibilities/shop.yaml"
	w.cfg.ProbeInterval = 100 * time.Millisecond
	w.cfg.Probes = []ProbeConfig{{Spec: probe.Spec{Name: faultCanary, Kind: probe.TCP, Target: "db.internal:5432"}}}
	edit(w.cfg)
	require.NoError(t, w.cfg.Validate())
	set := settings()
	var core zap.Option
	core, w.logged = observed()
	set.Logger = zap.NewNop().WithOptions(core)
	reader := sdkmetric.NewManualReader()
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	set.MeterProvider = ownmetrics.Wrap(mp, ownmetrics.NewSource(reader))
	w.meter = mp.Meter("it")
	w.pair = newPair(t, set, w.cfg, w.sink)
	w.faults = w.logs.(*logsToMetrics).faults
	w.faults.ticks = func(time.Duration) (<-chan time.Time, func()) { return w.rounds, func() {} }
	w.faults.system.Dial = func(context.Context, string, string) (net.Conn, error) {
		w.dials.Add(1)
		if w.down.Load() {
			return nil, syscall.ECONNREFUSED
		}
		a, b := net.Pipe()
		_ = b.Close()
		return a, nil
	}
	w.faults.system.FileSystem = func(string) (probe.FileSystem, error) {
		if w.full.Load() {
			return probe.FileSystem{Used: 100, Inodes: 100, FreeNodes: 50}, nil
		}
		return probe.FileSystem{Used: 50, Available: 50, Inodes: 100, FreeNodes: 50}, nil
	}
	w.faults.system.ReadFile = os.ReadFile
	w.faults.system.ClockState = func() probe.Reason { return probe.OK }
	var at atomic.Int64
	at.Store(time.Now().Unix())
	w.faults.system.Now = func() time.Time { return time.Unix(at.Add(1), 0) } // so that every round is due
	return w
}

func observed() (zap.Option, *observer.ObservedLogs) {
	core, logged := observer.New(zap.InfoLevel)
	return zap.WrapCore(func(zapcore.Core) zapcore.Core { return core }), logged
}

// begin starts the connector and waits for the first round.
func (w *watch) begin() *watch {
	w.t.Helper()
	require.NoError(w.t, w.logs.Start(w.t.Context(), w.host))
	require.NoError(w.t, w.traces.Start(w.t.Context(), w.host))
	w.t.Cleanup(func() { // with a context of its own: the test's has ended
		require.NoError(w.t, w.logs.Shutdown(context.Background()))
		require.NoError(w.t, w.traces.Shutdown(context.Background()))
	})
	require.Eventually(w.t, func() bool { return !w.saved().At.IsZero() && w.saved().At.Equal(w.heard().At) }, 5*time.Second, time.Millisecond)
	return w
}

// round runs rounds; one has ended when the next is taken.
func (w *watch) round(n int) *watch {
	w.t.Helper()
	before := w.saved().At
	for range n {
		w.rounds <- time.Time{}
		require.Eventually(w.t, func() bool { return w.saved().At.After(before) }, 5*time.Second, time.Millisecond)
		before = w.saved().At
	}
	return w
}

func (w *watch) heard() fault.Report {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	return w.faults.report
}

func (w *watch) saved() fault.Report {
	w.t.Helper()
	data, err := os.ReadFile(fault.File(w.cfg.Data))
	if os.IsNotExist(err) {
		return fault.Report{}
	}
	require.NoError(w.t, err)
	var r fault.Report
	require.NoError(w.t, json.Unmarshal(data, &r))
	return r
}

// emitted are the points of weir.fault.domain that are 1 in a new emission.
func (w *watch) emitted() string {
	w.t.Helper()
	n := len(w.sink.AllMetrics())
	w.tick <- time.Time{}
	require.Eventually(w.t, func() bool { return len(w.sink.AllMetrics()) > n }, 5*time.Second, time.Millisecond)
	return inForce(w.sink.AllMetrics()[n])
}

func inForce(md pmetric.Metrics) (said string) {
	for _, sm := range md.ResourceMetrics().At(0).ScopeMetrics().All() {
		for _, m := range sm.Metrics().All() {
			if m.Name() != "weir.fault.domain" {
				continue
			}
			for _, p := range m.Gauge().DataPoints().All() {
				if p.DoubleValue() == 1 {
					d, _ := p.Attributes().Get("weir.fault.domain")
					o, _ := p.Attributes().Get("weir.fault.owner")
					said += d.Str() + "/" + o.Str()
				}
			}
		}
	}
	return said
}

func TestAVerdictComesAndGoesWithItsOwnerContactAndHistory(t *testing.T) {
	w := newWatch(t, func(*Config) {}).begin()
	require.Equal(t, "none/none", w.emitted())
	require.Zero(t, w.logged.Len(), "a start without a fault says nothing: %v", w.logged.All())

	w.down.Store(true)
	w.round(1)
	require.Equal(t, "none/none", w.emitted(), "one round is none")
	require.Len(t, w.saved().Signs, 1)
	w.round(1)
	require.Equal(t, "dependency/infrastructure", w.emitted())
	r := w.saved()
	require.Equal(t, "Platform team", r.Contact.Who)
	require.Equal(t, faultCanary, r.Changes[0].Signs[0].Name)
	require.Equal(t, "refused", r.Changes[0].Signs[0].Reason)

	w.full.Store(true)
	w.round(2)
	require.Equal(t, "host/infrastructure", w.emitted(), "what explains the other is named")
	w.full.Store(false)
	w.down.Store(false)
	w.round(2)
	require.Equal(t, "none/none", w.emitted())
	require.Len(t, w.saved().Changes, 3)
	require.Nil(t, w.saved().Contact)
	for _, e := range w.logged.All() {
		require.Equal(t, "fault domain changed", e.Message)
		require.NotContains(t, e.ContextMap(), "target")
	}
	require.Equal(t, 3, w.logged.Len())

	// The history outlives a restart.
	w.stop(t)
	again := newWatch(t, func(c *Config) { c.Data = w.cfg.Data }).begin().round(1)
	require.Len(t, again.saved().Changes, 3)
}

func TestFailingRequestsAreTheProducts(t *testing.T) {
	w := newWatch(t, func(*Config) {}).begin()
	w.emitted()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "cart")
	for range 40 {
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetKind(ptrace.SpanKindServer)
		s.Status().SetCode(ptrace.StatusCodeError)
	}
	require.NoError(t, w.traces.ConsumeTraces(t.Context(), td))
	w.emitted()
	w.round(2)
	require.Equal(t, "product/application", w.emitted())
	require.Equal(t, "cart", w.saved().Failing[0].Name)
	require.Equal(t, "Shop operations", w.saved().Contact.Who)
	w.down.Store(true)
	w.round(2)
	require.Equal(t, "dependency/infrastructure", w.emitted())
}

func TestWeirsOwnTroublesAreTheCollectors(t *testing.T) {
	for _, c := range []struct{ name, key, value, want string }{
		{"otelcol_receiver_refused_log_records", "receiver", "otlp", "collector/monitoring"},
		{"otelcol_exporter_send_failed_log_records", "exporter", "local_store", "collector/monitoring"},
		{"otelcol_exporter_send_failed_log_records", "exporter", "local_store/two", "collector/monitoring"},
		{"otelcol_exporter_send_failed_log_records", "exporter", "loki", "none/none"},
		{"weir_upstream_refused", "reason", "ledger_failed", "collector/monitoring"},
		{"weir_upstream_refused", "reason", "unaccepted", "none/none"},
		{"weir_upstream_retries", "reason", "name", "network/infrastructure"},
		{"weir_upstream_retries", "reason", "proxy_denied", "network/infrastructure"},
		{"weir_upstream_retries", "reason", "timeout", "none/none"},
	} {
		w := newWatch(t, func(*Config) {})
		counter, err := w.meter.Int64Counter(c.name)
		require.NoError(t, err)
		more := func() {
			counter.Add(t.Context(), 1, metric.WithAttributes(attribute.String(c.key, c.value)))
		}
		more() // what was before the first look is none of it
		w.begin()
		more()
		w.round(1)
		more()
		w.round(1)
		require.Equal(t, c.want, w.emitted(), "%+v", c)
		if !strings.HasPrefix(c.name, "weir_upstream") {
			w.round(2)
			require.Equal(t, "none/none", w.emitted(), "%+v is over", c)
		}
	}
}

// A ledger is written once a policy's interval, and a destination is tried again
// after minutes: one such failure in many rounds is a verdict all the same,
// until the same thing goes well, or nothing of it is tried any more.
func TestWhatUpstreamDoesRarelyStaysWrongUntilItGoesWell(t *testing.T) {
	for _, c := range []struct{ name, reason, want, other, otherKey, otherValue, then string }{
		{"weir_upstream_refused", "ledger_failed", "collector/monitoring", "weir_upstream_reports", "outcome", "recorded", "none/none"},
		{"weir_upstream_retries", "ledger_failed", "collector/monitoring", "weir_upstream_reports", "outcome", "acknowledged", "none/none"},
		{"weir_upstream_retries", "name", "network/infrastructure", "weir_upstream_reports", "outcome", "acknowledged", "none/none"},
		{"weir_upstream_retries", "name", "network/infrastructure", "weir_upstream_reports", "outcome", "recorded", "network/infrastructure"},
		{"weir_upstream_retries", "name", "network/infrastructure", "weir_upstream_retries", "reason", "server_error", "none/none"},
		{"weir_upstream_retries", "proxy", "network/infrastructure", "weir_upstream_retries", "reason", "proxy", "network/infrastructure"},
		{"weir_upstream_retries", "proxy_denied", "network/infrastructure", "weir_upstream_reports", "outcome", "acknowledged", "none/none"},
	} {
		w := newWatch(t, func(*Config) {})
		var later atomic.Int64
		w.faults.now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		grow := func(name, key, value string) {
			counter, err := w.meter.Int64Counter(name)
			require.NoError(t, err)
			counter.Add(t.Context(), 1, metric.WithAttributes(attribute.String(key, value)))
		}
		w.begin()
		grow(c.name, "reason", c.reason)
		w.round(3)
		require.Equal(t, c.want, w.emitted(), "%+v", c)
		grow(c.other, c.otherKey, c.otherValue)
		w.round(2)
		require.Equal(t, c.then, w.emitted(), "%+v, then", c)

		// A failure that is followed by success at once is none.
		grow(c.name, "reason", c.reason)
		if c.then == "none/none" {
			grow(c.other, c.otherKey, c.otherValue)
			w.round(3)
			require.Equal(t, "none/none", w.emitted(), "%+v, at once", c)
			grow(c.name, "reason", c.reason)
		}
		w.round(2)
		require.Equal(t, c.want, w.emitted(), "%+v, again", c)
		later.Store(int64(longest + time.Second))
		w.round(2)
		require.Equal(t, "none/none", w.emitted(), "%+v, and nothing more", c)
	}
}

func TestAnEmissionThatIsRefusedIsTheCollectors(t *testing.T) {
	w := newWatch(t, func(*Config) {})
	w.logs.(*logsToMetrics).next = consumertest.NewErr(context.DeadlineExceeded)
	w.begin()
	for range 3 {
		w.tick <- time.Time{}
		w.tick <- time.Time{} // taken only after the one before has ended
		w.round(1)
	}
	require.Equal(t, fault.Collector, w.saved().Domain)
}

// decided is a policy extension.
type decided struct {
	component.Component
	decision consent.Decision
}

func (d decided) Decision() consent.Decision { return d.decision }
func (decided) Install() install.Install     { return install.Install{} }

type hostWith map[component.ID]component.Component

func (h hostWith) GetExtensions() map[component.ID]component.Component { return h }

func TestNoProbeTalksToTheVendor(t *testing.T) {
	for destination, reached := range map[string]bool{
		"https://DB.internal":            false,
		"https://db.internal:9443/in":    false,
		"https://telemetry.acme.example": true,
	} {
		w := newWatch(t, func(*Config) {})
		w.host = hostWith{component.MustNewID("policy"): decided{nil, consent.Decision{Pending: &policy.Policy{Destination: destination}}}}
		w.begin().round(2)
		require.Equal(t, reached, w.dials.Load() > 0, destination)
		r := w.saved()
		require.Equal(t, fault.None, r.Domain)
		if !reached {
			require.Equal(t, probe.Vendor, r.Probes[len(r.Probes)-1].Reason)
		}
	}
}

// By default nothing is sent anywhere.
func TestTheProbesThatEveryEdgeHasAreLocal(t *testing.T) {
	w := newWatch(t, func(c *Config) { c.Probes = nil }).begin().round(2)
	require.Zero(t, w.dials.Load())
	var names []string
	for _, p := range w.saved().Probes {
		names = append(names, p.Name)
	}
	require.Subset(t, names, []string{"memory", "clock", "data-disk", "data-inodes"})
	require.Equal(t, fault.None, w.saved().Domain)

	w = newWatch(t, func(c *Config) {
		c.Probes = []ProbeConfig{{Spec: probe.Spec{Name: "data-disk", Kind: probe.Disk, Target: "/", FailBelow: 0.9}, Owner: responsibilities.Backups}}
	}).begin().round(2)
	require.Equal(t, "host/backups", w.emitted(), "one of the same name replaces it")
}

func TestAFileOfResponsibilitiesIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.yaml")
	w := newWatch(t, func(c *Config) { c.Responsibilities = file })
	w.down.Store(true)
	w.begin().round(3)
	require.Nil(t, w.saved().Contact)
	warned := func() int { return w.logged.FilterMessageSnippet("nobody is named").Len() }
	require.Equal(t, 1, warned(), "said once")

	sample, err := os.ReadFile("../../config/responsibilities/shop.yaml")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(sample), "Platform team", faultCanary)), 0o600))
	w.round(1)
	require.Equal(t, faultCanary, w.saved().Contact.Who)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(sample), "who: Platform team", "who: ''")), 0o600))
	w.round(2)
	require.Nil(t, w.saved().Contact, "who is named in a file with a blank is named by mistake")
	require.Equal(t, 2, warned())
	for _, e := range w.logged.All() {
		require.NotContains(t, e.Message, faultCanary)
		for _, v := range e.ContextMap() {
			require.NotContains(t, v, faultCanary)
		}
	}
	require.NoError(t, os.Remove(file))
	w.round(2)
	require.Equal(t, 3, warned())

	// It comes back as it was, its time included.
	good, at := strings.ReplaceAll(string(sample), "Platform team", faultCanary), time.Unix(1_700_000_000, 0)
	for range 2 {
		require.NoError(t, os.WriteFile(file, []byte(good), 0o600))
		require.NoError(t, os.Chtimes(file, at, at))
		w.round(1)
		require.Equal(t, faultCanary, w.saved().Contact.Who)
		require.NoError(t, os.Remove(file))
		w.round(1)
		require.Nil(t, w.saved().Contact)
	}
}

func TestProbeFaultsAreGathered(t *testing.T) {
	c := createDefaultConfig().(*Config)
	c.ProbeInterval = 0
	c.Probes = []ProbeConfig{
		{Spec: probe.Spec{Name: "a", Kind: probe.TCP, Target: faultCanary}, Domain: "nowhere", Owner: "nobody"},
		{Spec: probe.Spec{Name: "a", Kind: probe.Memory}, Domain: fault.None, Owner: responsibilities.None},
	}
	err := c.Validate()
	for _, want := range []string{"probe_interval is 0s", "probes[0]: target: is no host:port", `probes[0]: domain: "nowhere"`, `probes[0]: owner: "nobody"`,
		"probes[1]: name: is that of probes[0], too", `probes[1]: domain: "none"`, `probes[1]: owner: "none"`} {
		require.ErrorContains(t, err, want)
	}
	require.Len(t, strings.Split(err.Error(), "\n"), 7)
	require.NotContains(t, err.Error(), faultCanary)
	c.Probes = make([]ProbeConfig, mostProbes+1)
	require.ErrorContains(t, c.Validate(), "there are 51, more than 50")
}

var exampleProbe = regexp.MustCompile(`(?m)^[ #]*- (\{name: .*kind: .*\})$`)

// What the configuration offers in comments, and the document shows, is taken.
func TestTheExamplesOfProbesAreValid(t *testing.T) {
	for _, file := range []string{"../../config/edge.yaml", "../../docs/fault-domain.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var list []any
		for _, m := range exampleProbe.FindAllStringSubmatch(string(text), -1) {
			var one map[string]any
			require.NoError(t, yaml.Unmarshal([]byte(m[1]), &one), m[1])
			list = append(list, one)
		}
		require.Len(t, list, 8, file)
		c := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(map[string]any{"probes": list}).Unmarshal(c), file)
		require.NoError(t, c.Validate(), file)
	}
}
