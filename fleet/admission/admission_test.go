package admission

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/vfs"
)

const (
	mine   = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"
	theirs = "0194f3c2-5a31-4d2b-9c1e-ba0987654321"
)

type fleet struct {
	t   *testing.T
	dir string
	now time.Time
}

func newFleet(t *testing.T) *fleet {
	return &fleet{t: t, dir: filepath.Join(t.TempDir(), "state"), now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
}

// door is another gateway over the same folder.
func (f *fleet) door() *Door {
	a, err := ca.Open(vfs.OS, f.dir, f.now)
	require.NoError(f.t, err)
	return &Door{
		CA: a, Tokens: token.Store{FS: vfs.OS, Dir: filepath.Join(f.dir, "tokens")}, Registry: registry.Registry{FS: vfs.OS, Dir: f.dir},
		Grace: 90 * 24 * time.Hour, Life: ca.Life, ServerRoots: a.Roots(), Now: func() time.Time { return f.now },
	}
}

func (f *fleet) token(customer string) string {
	d := f.door()
	tok, err := token.NewRandom(customer, "https://fleet.example", d.CA.Pin(), f.now.Add(24*time.Hour))
	require.NoError(f.t, err)
	require.NoError(f.t, d.Tokens.Create(tok, f.now))
	return tok.Text()
}

func csr(t *testing.T) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	require.NoError(t, err)
	return der
}

func chain(t *testing.T, a identity.Answer) []*x509.Certificate {
	list, err := ca.ParseCertificates([]byte(a.Certificate))
	require.NoError(t, err)
	return list
}

func (f *fleet) enrol(customer, install string) (Verified, error) {
	a, err := f.door().Enroll(identity.Request{Token: f.token(customer), Install: install, CSR: csr(f.t)})
	if err != nil {
		return Verified{}, err
	}
	return f.door().Verify(chain(f.t, a))
}

func assertRefused(t *testing.T, err error, want identity.Reason) {
	t.Helper()
	var r *identity.Refused
	require.ErrorAs(t, err, &r)
	assert.Equal(t, want, r.Reason)
}

func TestATokenLetsOneInstallInOnce(t *testing.T) {
	f := newFleet(t)
	line := f.token("acme")
	first := identity.Request{Token: line, Install: mine, CSR: csr(t)}
	a, err := f.door().Enroll(first)
	require.NoError(t, err)
	v, err := f.door().Verify(chain(t, a))
	require.NoError(t, err)
	assert.Equal(t, "acme", v.Customer)
	assert.Equal(t, mine, v.Install)
	require.NoError(t, f.door().Admit(v))

	_, err = f.door().Enroll(identity.Request{Token: line, Install: mine, CSR: csr(t)})
	assertRefused(t, err, identity.TokenUsed)
	_, err = f.door().Enroll(identity.Request{Token: line, Install: theirs, CSR: csr(t)})
	assertRefused(t, err, identity.TokenUsed)
	_, err = f.door().Enroll(first) // the answer was lost
	require.NoError(t, err)
	f.now = f.now.Add(24 * time.Hour)
	_, err = f.door().Enroll(first)
	assertRefused(t, err, identity.TokenExpired)
}

func TestOfTwoGatewaysThatRaceOnATokenOneGrants(t *testing.T) {
	for range 20 {
		f := newFleet(t)
		line := f.token("acme")
		var mu sync.Mutex
		granted := 0
		var wg sync.WaitGroup
		for _, id := range []string{mine, theirs} {
			d, r := f.door(), identity.Request{Token: line, Install: id, CSR: csr(t)}
			wg.Go(func() {
				_, err := d.Enroll(r)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					granted++
					return
				}
				assertRefused(t, err, identity.TokenUsed)
			})
		}
		wg.Wait()
		require.Equal(t, 1, granted)
	}
}

func TestAnInstallOfAnotherCustomerCannotBeTaken(t *testing.T) {
	f := newFleet(t)
	_, err := f.enrol("acme", mine)
	require.NoError(t, err)
	line := f.token("bank")
	_, err = f.door().Enroll(identity.Request{Token: line, Install: mine, CSR: csr(t)})
	assertRefused(t, err, identity.InstallTaken)
	_, err = f.door().Enroll(identity.Request{Token: line, Install: theirs, CSR: csr(t)})
	require.NoError(t, err, "the token was not used up")
}

func TestRequestsThatAreNotForTheInstallAreRefused(t *testing.T) {
	f := newFleet(t)
	line := f.token("acme")
	_, other, err := note.GenerateKey(rand.Reader, "weir-ledger-"+theirs)
	require.NoError(t, err)
	for name, r := range map[string]identity.Request{
		"no request":     {Install: mine},
		"no install":     {CSR: csr(t)},
		"a path":         {Install: "../x", CSR: csr(t)},
		"other's ledger": {Install: mine, CSR: csr(t), Ledger: other},
	} {
		r.Token = line
		_, err := f.door().Enroll(r)
		require.Error(t, err, name)
		assertRefused(t, err, identity.RequestBad)
	}
	_, err = f.door().Enroll(identity.Request{Token: "weir1.AAAA", Install: mine, CSR: csr(t)})
	assertRefused(t, err, identity.TokenMalformed)
	_, err = newFleet(t).door().Enroll(identity.Request{Token: line, Install: mine, CSR: csr(t)})
	assertRefused(t, err, identity.TokenUnknown)
}

func TestACertificateIsRenewedThroughAnOutageUnlessRevoked(t *testing.T) {
	f := newFleet(t)
	v, err := f.enrol("acme", mine)
	require.NoError(t, err)
	start := f.now
	f.now = start.Add(8 * 24 * time.Hour)
	assertRefused(t, f.door().Admit(v), identity.CertificateExpired)
	a, err := f.door().Renew(v, identity.Request{CSR: csr(t)})
	require.NoError(t, err, "expired for a day")
	younger, err := f.door().Verify(chain(t, a))
	require.NoError(t, err)
	require.NoError(t, f.door().Admit(younger))
	assert.Equal(t, v.Peer, younger.Peer)

	f.now = start.Add(ca.Life + 90*24*time.Hour + time.Second)
	_, err = f.door().Renew(v, identity.Request{CSR: csr(t)})
	assertRefused(t, err, identity.CertificateExpired)

	f.now = start.Add(8 * 24 * time.Hour)
	_, err = f.door().Registry.Revoke(mine, f.now)
	require.NoError(t, err)
	for _, old := range []Verified{v, younger} {
		_, err = f.door().Renew(old, identity.Request{CSR: csr(t)})
		assertRefused(t, err, identity.CertificateRevoked)
	}
	assertRefused(t, f.door().Admit(younger), identity.CertificateRevoked)
	back, err := f.enrol("acme", mine)
	require.NoError(t, err)
	require.NoError(t, f.door().Admit(back))
	assertRefused(t, f.door().Admit(younger), identity.CertificateRevoked)
}

func TestALedgersKeyIsAddedOnceAndNotExchanged(t *testing.T) {
	f := newFleet(t)
	v, err := f.enrol("acme", mine)
	require.NoError(t, err)
	_, one, err := note.GenerateKey(rand.Reader, "weir-ledger-"+mine)
	require.NoError(t, err)
	_, two, err := note.GenerateKey(rand.Reader, "weir-ledger-"+mine)
	require.NoError(t, err)
	a, err := f.door().Renew(v, identity.Request{CSR: csr(t), Ledger: one})
	require.NoError(t, err)
	v, err = f.door().Verify(chain(t, a))
	require.NoError(t, err)
	assert.Equal(t, one, v.LedgerKey)
	_, err = f.door().Renew(v, identity.Request{CSR: csr(t), Ledger: two})
	assertRefused(t, err, identity.LedgerChanged)
	a, err = f.door().Renew(v, identity.Request{CSR: csr(t)})
	require.NoError(t, err)
	v, err = f.door().Verify(chain(t, a))
	require.NoError(t, err)
	assert.Equal(t, one, v.LedgerKey)
}

// foreign is an authority of somebody else and what it certifies.
func foreign(t *testing.T, f *fleet, install, customer, enrolment string) (*ca.Authority, []*x509.Certificate) {
	a, err := ca.Open(vfs.OS, t.TempDir(), f.now)
	require.NoError(t, err)
	return a, by(t, a, f, install, customer, enrolment)
}

func by(t *testing.T, a *ca.Authority, f *fleet, install, customer, enrolment string) []*x509.Certificate {
	text, err := a.Issue(csr(t), identity.Peer{Install: install, Customer: customer, Enrolment: enrolment}, f.now, ca.Life)
	require.NoError(t, err)
	return chain(t, identity.Answer{Certificate: text})
}

func TestACustomersAuthoritySpeaksForItsOwnInstallsAlone(t *testing.T) {
	f := newFleet(t)
	_, err := f.enrol("bank", theirs)
	require.NoError(t, err)
	a, good := foreign(t, f, mine, "", "")
	d := f.door()
	_, err = d.Verify(good)
	assertRefused(t, err, identity.CertificateUntrusted) // not named yet
	d.Others = []Authority{{Pool: a.Pool(), Customer: "acme"}}
	v, err := d.Verify(good)
	require.NoError(t, err)
	assert.Equal(t, "acme", v.Customer)
	require.NoError(t, d.Admit(v))

	// Another customer's install, another customer's name, an enrolment of ours.
	v, err = d.Verify(by(t, a, f, theirs, "", ""))
	require.NoError(t, err)
	assertRefused(t, d.Admit(v), identity.CertificateUntrusted)
	_, err = d.Verify(by(t, a, f, mine, "bank", ""))
	assertRefused(t, err, identity.CertificateUntrusted)
	v, err = d.Verify(by(t, a, f, mine, "acme", "0011223344556677"))
	require.NoError(t, err)
	assert.Empty(t, v.Enrolment)
	_, err = d.Renew(v, identity.Request{CSR: csr(t)})
	assertRefused(t, err, identity.CertificateUntrusted)

	_, err = d.Registry.Revoke(mine, f.now)
	require.NoError(t, err)
	assertRefused(t, d.Admit(v), identity.CertificateRevoked)
	// Nor can it take an id that is not enrolled yet from under another.
	_, err = f.enrol("bank", mine)
	assertRefused(t, err, identity.InstallTaken)
}

func TestAVendorsAuthoritySaysWhoseAnInstallIs(t *testing.T) {
	f := newFleet(t)
	a, good := foreign(t, f, mine, "acme", "")
	d := f.door()
	d.Others = []Authority{{Pool: a.Pool()}}
	v, err := d.Verify(good)
	require.NoError(t, err)
	require.NoError(t, d.Admit(v))
	assert.Equal(t, "acme", v.Customer)
	v, err = d.Verify(by(t, a, f, mine, "bank", ""))
	require.NoError(t, err)
	assertRefused(t, d.Admit(v), identity.CertificateUntrusted)
}

func TestOnlyInstallsCertificatesAreTaken(t *testing.T) {
	f := newFleet(t)
	d := f.door()
	_, err := d.Verify(nil)
	assertRefused(t, err, identity.CertificateMissing)
	server, err := d.CA.Server([]string{mine})
	require.NoError(t, err)
	c, err := x509.ParseCertificate(server.Certificate[0])
	require.NoError(t, err)
	_, err = d.Verify([]*x509.Certificate{c})
	assertRefused(t, err, identity.CertificateUntrusted)
	// Signed by itself, with the right names.
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tpl := &x509.Certificate{Subject: pkix.Name{CommonName: mine}, URIs: []*url.URL{{Scheme: "weir", Opaque: "install:" + mine}}, NotBefore: f.now, NotAfter: f.now.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	require.NoError(t, err)
	c, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	_, err = d.Verify([]*x509.Certificate{c})
	assertRefused(t, err, identity.CertificateUntrusted)
}

func TestWhatCannotBeToldIsNoRefusal(t *testing.T) {
	f := newFleet(t)
	v, err := f.enrol("acme", mine)
	require.NoError(t, err)
	d := f.door()
	d.Registry.Dir = filepath.Join(f.dir, "gone")
	var r *identity.Refused
	err = d.Admit(v)
	require.Error(t, err)
	assert.False(t, errors.As(err, &r), "the edge should ask again, not be told that it was thrown out")
}
