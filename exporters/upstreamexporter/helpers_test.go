package upstreamexporter

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/exporters/upstreamexporter/internal/metadata"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// installID is an install whose place is in the first 20 µs of a minute, so that
// tests on the host's clock need not wait for it.
const installID = "dd670d77-a665-455a-9689-016b46ae0cb7"

// source is a policy extension that a test turns.
type source struct {
	component.StartFunc
	component.ShutdownFunc
	mu sync.Mutex
	d  consent.Decision
}

func (s *source) Decision() consent.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.d
}

func (s *source) set(d consent.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d = d
}

func (s *source) setState(state consent.State) {
	d := s.Decision()
	d.State = state
	s.set(d)
}

func (*source) Install() install.Install {
	return install.Install{ID: installID, Key: make([]byte, install.KeySize)}
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func parsePolicy(t *testing.T, destination string, revision int) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("allowlist.yaml", fmt.Appendf(nil, `version: 1
product: shop
vendor: acme
revision: %d
destination: %s
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
  - name: weir.heartbeat
    why: to see that the install is alive
    owner: support@acme.example
    category: heartbeat
    kind: sum
    unit: "{beat}"
    value: {min: 0, max: 1000000, step: 1}
`, revision, destination))
	require.NoError(t, err)
	return p
}

func active(p *policy.Policy) consent.Decision {
	return consent.Decision{State: consent.Active, Policy: p, Acceptance: consent.Acceptance{
		Digest: p.Digest, By: "R. Viewer", Reason: "reviewed", At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}}
}

// report is what the allowlist processor would emit, in a minute of today that
// the number of beats names: no interval has two.
func report(p *policy.Policy, beats float64) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("weir.install.id", installID)
	rm.Resource().Attributes().PutStr("weir.policy.digest", p.Digest.String())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("weir")
	m := sm.Metrics().AppendEmpty()
	m.SetName("weir.heartbeat")
	m.SetUnit("{beat}")
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	dp := s.DataPoints().AppendEmpty()
	at := time.Now().Truncate(24 * time.Hour).Add(time.Duration(beats) * time.Minute)
	dp.SetTimestamp(pcommon.NewTimestampFromTime(at))
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Minute)))
	dp.SetDoubleValue(beats)
	return md
}

// fleet records what arrives and answers as it is told.
type fleet struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	pieces [][]byte         // of bodies whose ends never came
	answer http.HandlerFunc // nil: 200
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fleet) serve(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	f.mu.Lock()
	if err != nil {
		f.pieces = append(f.pieces, b)
		f.mu.Unlock()
		http.Error(w, "half a body", http.StatusBadRequest) // as the collector's otlp receiver says it
		return
	}
	f.bodies = append(f.bodies, b)
	answer := f.answer
	f.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

func (f *fleet) says(h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = h
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func (f *fleet) got() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([][]byte(nil), f.bodies...)
}

// edge is an exporter under test with what surrounds it.
type edge struct {
	*upstream
	t      *testing.T
	source *source
	policy *policy.Policy
	tel    *componenttest.Telemetry
	logs   *observer.ObservedLogs
}

// newEdge starts an exporter on a data folder under an active policy.
func newEdge(t *testing.T, data, destination string, change ...func(*upstream)) *edge {
	t.Helper()
	e := prepareEdge(t, data, destination)
	for _, c := range change {
		c(e.upstream)
	}
	require.NoError(t, e.start())
	t.Cleanup(func() { _ = e.Shutdown(t.Context()) })
	return e
}

func prepareEdge(t *testing.T, data, destination string) *edge {
	t.Helper()
	e := &edge{t: t, source: &source{}, policy: parsePolicy(t, destination, 1), tel: componenttest.NewTelemetry()}
	e.source.set(active(e.policy))
	cfg := createDefaultConfig().(*Config)
	cfg.Data, cfg.Timeout = data, 5*time.Second
	cfg.Retry = RetryConfig{Initial: time.Millisecond, Max: 10 * time.Millisecond}
	cfg.Backlog.BytesPerSecond = 1 << 30
	set := exporter.Settings{ID: component.NewID(metadata.Type), TelemetrySettings: e.tel.NewTelemetrySettings()}
	core, logs := observer.New(zapcore.DebugLevel)
	set.Logger, e.logs = zap.New(core), logs
	exp, err := NewFactory().CreateMetrics(t.Context(), set, cfg)
	require.NoError(t, err)
	e.upstream = exp.(*upstream)
	return e
}

func (e *edge) start() error {
	return e.Start(e.t.Context(), host{component.MustNewID("policy"): e.source})
}

// reports hands over n reports, counted on from beats.
func (e *edge) reports(from, n int) {
	e.t.Helper()
	for i := range n {
		require.NoError(e.t, e.ConsumeMetrics(e.t.Context(), report(e.policy, float64(from+i))))
	}
}

func (e *edge) settled(outcomes int) {
	e.t.Helper()
	e.settledWithin(outcomes, 10*time.Second)
}

func (e *edge) settledWithin(outcomes int, within time.Duration) {
	e.t.Helper()
	require.Eventually(e.t, func() bool {
		n := 0
		for _, r := range e.records() {
			if r.Kind == ledger.KindOutcome {
				n++
			}
		}
		return n == outcomes
	}, within, 5*time.Millisecond)
}

func (e *edge) records() []ledger.Record {
	e.t.Helper()
	return records(e.t, e.fsys, e.ledgerDir())
}

func records(t *testing.T, fsys vfs.FS, dir string) []ledger.Record {
	t.Helper()
	r, err := ledger.NewReader(fsys, dir, -1)
	require.NoError(t, err)
	var out []ledger.Record
	require.NoError(t, r.Read(func(rec ledger.Record) error {
		out = append(out, rec)
		return nil
	}))
	return out
}

func (e *edge) recorded() [][]byte {
	e.t.Helper()
	var out [][]byte
	for _, r := range e.records() {
		if r.Kind == ledger.KindReport {
			out = append(out, r.Body)
		}
	}
	return out
}

func (e *edge) verify() {
	e.t.Helper()
	v, err := ledger.Verify(e.fsys, e.ledgerDir(), nil)
	require.NoError(e.t, err)
	require.Empty(e.t, v.Faults)
}

// counter is the sum of a counter's points, or of those with one attribute.
func (e *edge) counter(name, key, value string) int64 {
	e.t.Helper()
	m, err := e.tel.GetMetric(name)
	if err != nil {
		return 0
	}
	return sumOf(e.t, m, key, value)
}

func accept(t *testing.T, data string, p *policy.Policy) {
	t.Helper()
	_, err := consent.Accept(vfs.OS, data, p, "R. Viewer", "reviewed", time.Now())
	require.NoError(t, err)
	_, err = os.Stat(filepath.Join(data, "policy", p.Digest.String()+".yaml"))
	require.NoError(t, err)
}
