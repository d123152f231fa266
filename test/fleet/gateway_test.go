package fleet

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/simulate"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/processors/gateprocessor"
	"github.com/weir-telemetry/weir/receivers/fleetreceiver"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const policyText = `version: 1
product: shop
vendor: acme
revision: 3
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
  - {name: requests, why: w, owner: o, category: error_rate, kind: sum, unit: "{request}", value: {min: 0, max: 1e12, step: 1}}
`

// start is a midnight some weeks ago: reports may be old.
var start = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -20)

// report is the n-th of an install, in its only encoding.
func report(install string, n int, value float64) []byte {
	at := pcommon.NewTimestampFromTime(start.Add(time.Duration(n) * time.Minute))
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("weir.install.id", install)
	rm.Resource().Attributes().PutStr("weir.policy.digest", policy.DigestOf([]byte(policyText)).String())
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("weir")
	m := sm.Metrics().AppendEmpty()
	m.SetName("requests")
	m.SetUnit("{request}")
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := s.DataPoints().AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(start))
	p.SetTimestamp(at)
	p.SetDoubleValue(value)
	m = sm.Metrics().AppendEmpty()
	m.SetName("weir.report.sequence")
	m.SetUnit("{report}")
	p = m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(at)
	p.SetDoubleValue(float64(n))
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	if err != nil {
		panic(err)
	}
	return b
}

// store is a store as stores are: a sample that comes again with its value
// changes nothing, another value at the same time is a fault.
type store struct {
	t  *testing.T
	mu sync.Mutex
	// samples of `requests`, by install and minute.
	samples map[string]map[int]float64
	again   int
	down    error
	logs    []receipts.Receipt
}

func newStore(t *testing.T) *store { return &store{t: t, samples: map[string]map[int]float64{}} }

func (s *store) ConsumeMetrics(_ context.Context, md pmetric.Metrics) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return s.down
	}
	rm := md.ResourceMetrics().At(0)
	id, _ := rm.Resource().Attributes().Get("weir.install.id")
	for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
		if m.Name() != "requests" {
			continue
		}
		p := m.Sum().DataPoints().At(0)
		n := int(p.Timestamp().AsTime().Sub(start) / time.Minute)
		of := s.samples[id.Str()]
		if of == nil {
			of = map[int]float64{}
			s.samples[id.Str()] = of
		}
		if old, there := of[n]; there {
			s.again++
			if old != p.DoubleValue() {
				s.t.Errorf("install %s: two values at minute %d", id.Str(), n)
			}
			continue
		}
		of[n] = p.DoubleValue()
	}
	return nil
}

func (s *store) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, of := range s.samples {
		n += len(of)
	}
	return n
}

func (s *store) ConsumeLogs(_ context.Context, ld plog.Logs) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return s.down
	}
	line := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str()
	return receipts.Read(strings.NewReader(line), func(r receipts.Receipt) error {
		s.logs = append(s.logs, r)
		return nil
	})
}

// fleet is the shared folder and the store behind it.
type fleet struct {
	t        *testing.T
	state    string
	policies string
	store    *store
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, state: filepath.Join(t.TempDir(), "state"), policies: t.TempDir(), store: newStore(t)}
	require.NoError(t, os.WriteFile(filepath.Join(f.policies, "3.yaml"), []byte(policyText), 0o600))
	return f
}

// gateway starts one over the folder and answers with its URL.
func (f *fleet) gateway(change func(*fleetreceiver.Config)) string {
	f.t.Helper()
	ctx, host := context.Background(), componenttest.NewNopHost()
	gates := gateprocessor.NewFactory()
	gateConfig := gates.CreateDefaultConfig().(*gateprocessor.Config)
	gateConfig.Policies, gateConfig.RequireIdentity = []string{f.policies + "/*.yaml"}, true
	gate, err := gates.CreateMetrics(ctx, processortest.NewNopSettings(gates.Type()), gateConfig, f.store)
	require.NoError(f.t, err)
	doors := fleetreceiver.NewFactory()
	cfg := doors.CreateDefaultConfig().(*fleetreceiver.Config)
	cfg.Endpoint, cfg.State = freePort(f.t), f.state
	if change != nil {
		change(cfg)
	}
	set := receivertest.NewNopSettings(doors.Type())
	door, err := doors.CreateMetrics(ctx, set, cfg, gate)
	require.NoError(f.t, err)
	_, err = doors.CreateLogs(ctx, set, cfg, f.store)
	require.NoError(f.t, err)
	require.NoError(f.t, gate.Start(ctx, host))
	require.NoError(f.t, door.Start(ctx, host))
	f.t.Cleanup(func() {
		assert.NoError(f.t, door.Shutdown(ctx))
		assert.NoError(f.t, gate.Shutdown(ctx))
	})
	return "https://" + cfg.Endpoint
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (f *fleet) authority() *ca.Authority {
	a, err := ca.Load(vfs.OS, f.state)
	require.NoError(f.t, err)
	return a
}

func (f *fleet) registry() registry.Registry { return registry.Registry{FS: vfs.OS, Dir: f.state} }

func (f *fleet) token(customer, url string, life time.Duration) token.Token {
	t, err := token.NewRandom(customer, url, f.authority().Pin(), time.Now().Add(life))
	require.NoError(f.t, err)
	require.NoError(f.t, f.remember(t))
	return t
}

func (f *fleet) remember(t token.Token) error {
	return token.Store{FS: vfs.OS, Dir: filepath.Join(f.state, "tokens")}.Create(t, time.Now())
}

// enrol is an edge's whole way in.
func (f *fleet) enrol(customer, url string) (identity.Edge, identity.Options) {
	f.t.Helper()
	o := f.options()
	e, err := identity.Enroll(context.Background(), f.token(customer, url, time.Hour).Text(), o)
	require.NoError(f.t, err)
	return e, o
}

// options are those of a new edge.
func (f *fleet) options() identity.Options {
	data := f.t.TempDir()
	in, err := install.Load(vfs.OS, data)
	require.NoError(f.t, err)
	return identity.Options{FS: vfs.OS, Data: data, Install: in.ID, Now: time.Now}
}

// issued is a certificate straight from an authority's hands.
func issued(t *testing.T, a *ca.Authority, p identity.Peer, at time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	require.NoError(t, err)
	text, err := a.Issue(csr, p, at, ca.Life)
	require.NoError(t, err)
	list, err := ca.ParseCertificates([]byte(text))
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{list[0].Raw}, PrivateKey: key, Leaf: list[0]}
}

func (f *fleet) client(certs ...tls.Certificate) *http.Client {
	return client(f.authority().Pool(), certs...)
}

func client(roots *x509.CertPool, certs ...tls.Certificate) *http.Client {
	return &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(1),
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(certs) == 0 {
					return &tls.Certificate{}, nil
				}
				return &certs[0], nil
			},
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send posts a body and answers with the status and the reason.
func send(c *http.Client, url string, body []byte, header ...string) (int, string, http.Header) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err.Error(), nil
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, strings.TrimSpace(string(text)), resp.Header
}

func id(n int) string { return simulate.Install(n) }
