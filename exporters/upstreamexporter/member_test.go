package upstreamexporter

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
)

// realm is a fleet with an authority: it enrols, renews, and countersigns.
type realm struct {
	*httptest.Server
	t      *testing.T
	ca     *authority
	signer note.Signer
	fleet  note.Verifier
	key    string // of fleet, as text

	mu       sync.Mutex
	life     time.Duration // of certificates given out
	spoil    func(receipt []byte) []byte
	bodies   [][]byte
	stated   []ledger.Statement
	enrolled int
	renewed  int
	expired  int // reports refused for an expired certificate
}

func newRealm(t *testing.T) *realm {
	t.Helper()
	r := &realm{t: t, ca: newAuthority(t), life: time.Hour}
	private, public, err := note.GenerateKey(rand.Reader, "weir-fleet")
	require.NoError(t, err)
	r.signer, err = note.NewSigner(private)
	require.NoError(t, err)
	r.fleet, err = note.NewVerifier(public)
	require.NoError(t, err)
	r.key = public
	r.Server = serveTLS(t, "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{r.ca.issue(time.Now().Add(time.Hour), "127.0.0.1")}, ClientAuth: tls.RequestClientCert,
	}, http.HandlerFunc(r.serve))
	return r
}

func (r *realm) peer(req *http.Request, now time.Time) (identity.Peer, bool) {
	if len(req.TLS.PeerCertificates) == 0 {
		return identity.Peer{}, false
	}
	roots := x509.NewCertPool()
	roots.AddCert(r.ca.cert)
	leaf := req.TLS.PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return identity.Peer{}, false
	}
	p, err := identity.FromCertificate(leaf)
	return p, err == nil
}

func (r *realm) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch req.URL.Path {
	case identity.EnrollPath, identity.RenewPath:
		var q identity.Request
		if json.Unmarshal(body, &q) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		install := q.Install
		if req.URL.Path == identity.RenewPath {
			p, ok := r.peer(req, req.TLS.PeerCertificates[0].NotAfter) // however long ago
			if !ok {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			install = p.Install
			r.renewed++
		} else {
			r.enrolled++
		}
		_ = json.NewEncoder(w).Encode(r.certify(install, q))
	case "/v1/metrics":
		p, ok := r.peer(req, time.Now())
		if !ok {
			r.expired++
			w.Header().Set(identity.ReasonHeader, string(identity.CertificateExpired))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(req.Header.Get(statementHeader))
		require.NoError(r.t, err)
		s, err := ledger.ParseStatement(raw)
		require.NoError(r.t, err)
		require.NoError(r.t, s.Check(body, p.Install, p.Ledger, r.fleet))
		receipt, err := ledger.Countersign(s.Checkpoint, r.signer)
		require.NoError(r.t, err)
		if r.spoil != nil {
			receipt = r.spoil(receipt)
		}
		r.bodies, r.stated = append(r.bodies, body), append(r.stated, s)
		w.Header().Set(receiptHeader, base64.RawURLEncoding.EncodeToString(receipt))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (r *realm) certify(install string, q identity.Request) identity.Answer {
	csr, err := x509.ParseCertificateRequest(q.CSR)
	require.NoError(r.t, err)
	require.NoError(r.t, csr.CheckSignature())
	p := identity.Peer{Install: install, Customer: "acme"}
	require.NoError(r.t, p.SetLedger(q.Ledger))
	until := time.Now().Add(r.life)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: install}, URIs: p.URIs(),
		NotBefore: until.Add(-2 * time.Hour), NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, r.ca.cert, csr.PublicKey, r.ca.key)
	require.NoError(r.t, err)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.ca.cert.Raw}))
	return identity.Answer{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), Roots: ca, Fleet: r.key,
	}
}

func (r *realm) token() configopaque.String {
	r.t.Helper()
	sum := sha256.Sum256(r.ca.cert.RawSubjectPublicKeyInfo)
	k, err := token.NewRandom("acme", r.URL, sum[:], time.Now().Add(time.Hour))
	require.NoError(r.t, err)
	return configopaque.String(k.Text())
}

func (r *realm) count(of *int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return *of
}

// enrolling prepares an edge with a token for the realm. It has no configured
// authority: those come with the enrolment.
func (r *realm) enrolling(data string) *edge {
	r.t.Helper()
	require.NoError(r.t, os.MkdirAll(filepath.Join(data, "identity"), 0o700))
	e := prepareEdge(r.t, data, r.URL)
	e.cfg.EnrollToken = r.token()
	r.t.Cleanup(func() { _ = e.Shutdown(r.t.Context()) })
	return e
}

// TestAnEnrolledEdgeStatesEveryReportAndKeepsTheReceipts.
func TestAnEnrolledEdgeStatesEveryReportAndKeepsTheReceipts(t *testing.T) {
	r := newRealm(t)
	e := r.enrolling(t.TempDir())
	require.NoError(t, e.cfg.Validate())
	require.NoError(t, e.start())
	e.reports(1, 4)
	e.settled(4)
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Equal(t, e.recorded(), r.bodies)
	assert.Equal(t, 1, r.enrolled)
	kept := 0
	for _, rec := range e.records() {
		if rec.Kind == ledger.KindOutcome {
			o, err := ledger.ParseOutcome(rec.Body)
			require.NoError(t, err)
			require.NoError(t, r.stated[kept].CheckReceipt([]byte(o.Receipt), r.fleet))
			kept++
		}
	}
	assert.Empty(t, r.stated[0].Previous)
	for _, s := range r.stated[1:] {
		assert.NotEmpty(t, s.Previous, "each statement builds on the receipt before")
	}
	assert.EqualValues(t, 4, e.counter("weir_upstream_receipts", "receipt", "kept"))
	e.verify()
}

func TestAReceiptThatIsNotGoodIsCountedAndNotKept(t *testing.T) {
	r := newRealm(t)
	e := r.enrolling(t.TempDir())
	require.NoError(t, e.start())
	spoil := func(f func([]byte) []byte) { r.mu.Lock(); defer r.mu.Unlock(); r.spoil = f }
	e.reports(1, 1)
	e.settled(1)
	r.mu.Lock()
	first, err := ledger.Countersign(r.stated[0].Checkpoint, r.signer)
	r.mu.Unlock()
	require.NoError(t, err)
	for i, f := range []func([]byte) []byte{
		func([]byte) []byte { return nil },
		func([]byte) []byte { return []byte("CANARY") },
		func(b []byte) []byte { return b[:len(b)-8] },
		func([]byte) []byte { return first },
		func([]byte) []byte { return make([]byte, 32<<10) },
	} {
		spoil(f)
		e.reports(2+i, 1)
		e.settled(2 + i)
	}
	assert.EqualValues(t, 1, e.counter("weir_upstream_receipts", "receipt", "kept"))
	assert.EqualValues(t, 1, e.counter("weir_upstream_receipts", "receipt", "absent"))
	assert.EqualValues(t, 6, e.counter("weir_upstream_receipts", "", ""))
	spoil(nil)
	e.reports(7, 1)
	e.settled(7)
	require.NoError(t, e.Shutdown(t.Context()))
	last := r.stated[len(r.stated)-1]
	assert.Equal(t, first, last.Previous, "the last good one is built upon")
	for _, rec := range e.records() {
		assert.NotContains(t, string(rec.Body), "CANARY")
	}
}

// TestACertificateThatRanOutDuringAnOutageIsRenewedAndNothingIsLost.
func TestACertificateThatRanOutDuringAnOutageIsRenewedAndNothingIsLost(t *testing.T) {
	r := newRealm(t)
	r.life = -time.Second // given out too late
	data := t.TempDir()
	e := r.enrolling(data)
	require.NoError(t, e.start())
	e.reports(1, 2)
	require.Eventually(t, func() bool { return r.count(&r.expired) > 1 }, 10*time.Second, time.Millisecond)
	assert.EqualValues(t, 2, e.counter("weir_upstream_pending_reports", "", ""))
	require.NoError(t, e.Shutdown(t.Context()))
	before := r.renewed

	r.mu.Lock()
	r.life = time.Hour
	r.mu.Unlock()
	e = r.enrolling(data) // its token is not spent: it is enrolled
	require.NoError(t, e.start())
	e.settled(2)
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Equal(t, before+1, r.renewed)
	assert.Equal(t, 1, r.enrolled)
	assert.Equal(t, e.recorded(), r.bodies)
}

// TestNothingIsAskedOfAFleetWithoutAPolicyInForce: not even a certificate, nor
// of any place but the policy's.
func TestNothingIsAskedOfAFleetWithoutAPolicyInForce(t *testing.T) {
	r := newRealm(t)
	e := r.enrolling(t.TempDir())
	e.source.setState(consent.Unaccepted)
	require.NoError(t, e.start())
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Zero(t, r.enrolled)

	other := newFleet(t)
	e = r.enrolling(t.TempDir())
	e.policy = parsePolicy(t, other.URL, 1)
	e.source.set(active(e.policy))
	require.NoError(t, e.start())
	e.reports(1, 1)
	e.settled(1)
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Zero(t, r.enrolled)
	assert.Len(t, e.logs.FilterField(zap.String("reason", "token_of_another_destination")).All(), 1)
}

// TestTheIdentityIsShownToTheFleetThatGaveItAlone.
func TestTheIdentityIsShownToTheFleetThatGaveItAlone(t *testing.T) {
	r := newRealm(t)
	data := t.TempDir()
	e := r.enrolling(data)
	require.NoError(t, e.start())
	e.reports(1, 1)
	e.settled(1)
	require.NoError(t, e.Shutdown(t.Context()))

	shown, header := 0, ""
	other := serveTLS(t, "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{r.ca.issue(time.Now().Add(time.Hour), "127.0.0.1")}, ClientAuth: tls.RequestClientCert,
	}, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		shown, header = len(req.TLS.PeerCertificates), req.Header.Get(statementHeader)
	}))
	e = prepareEdge(t, data, other.URL)
	e.cfg.TLS.CAFile = r.ca.file
	require.NoError(t, e.start())
	e.reports(2, 1)
	require.Eventually(t, func() bool {
		return e.counter("weir_upstream_reports", "outcome", "acknowledged") == 1
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, e.Shutdown(t.Context()))
	assert.Zero(t, shown)
	assert.Empty(t, header)
}
