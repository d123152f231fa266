package fleet

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// rounds of each case; each round has connections and certificates of its own.
const rounds = 25

// Whatever is not an enrolled install's own report is refused, every time, and
// leaves nothing behind.
func TestEveryWrongSenderIsRefusedEveryTime(t *testing.T) {
	f := newFleet(t)
	url := f.gateway(nil)
	a := f.authority()
	foreign, err := ca.Open(vfs.OS, t.TempDir(), time.Now())
	require.NoError(t, err)
	mine, theirs := identity.Peer{Install: id(1), Customer: "acme", Enrolment: "one"}, id(2)
	gone := identity.Peer{Install: id(3), Customer: "acme", Enrolment: "gone"}
	r := f.registry()
	for _, p := range []identity.Peer{mine, gone} {
		require.NoError(t, r.Bind(p.Install, p.Customer))
		require.NoError(t, r.Record(p.Install, registry.Enrolment{ID: p.Enrolment}))
	}
	_, err = r.Revoke(gone.Install, time.Now())
	require.NoError(t, err)
	server, err := a.Server([]string{mine.Install})
	require.NoError(t, err)

	now := time.Now()
	good := func() *http.Client { return f.client(issued(t, a, mine, now)) }
	// What the installs have sent in earnest, for those who replay it.
	for n := 1; n <= 20; n++ {
		code, text, _ := send(good(), url+"/v1/metrics", report(mine.Install, n, float64(n)))
		require.Equal(t, http.StatusOK, code, text)
	}
	code, text, _ := send(f.client(issued(t, a, identity.Peer{Install: theirs, Customer: "bank", Enrolment: "two"}, now)), url+"/v1/metrics", report(theirs, 1, 7))
	require.Equal(t, http.StatusOK, code, text)
	before := f.store.count()

	own := report(mine.Install, 21, 21)
	digest := policy.DigestOf([]byte(policyText)).String()
	flip := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at] ^= 1; return b }
	for name, c := range map[string]struct {
		client func() *http.Client
		path   string
		body   []byte
		status int
		reason string
	}{
		"no certificate":            {func() *http.Client { return f.client() }, "/v1/metrics", own, 401, "certificate_missing"},
		"another authority":         {func() *http.Client { return f.client(issued(t, foreign, mine, now)) }, "/v1/metrics", own, 401, "certificate_untrusted"},
		"signed by itself":          {func() *http.Client { return f.client(selfSigned(t, mine)) }, "/v1/metrics", own, 401, "certificate_untrusted"},
		"a server's certificate":    {func() *http.Client { return f.client(server) }, "/v1/metrics", own, 401, "certificate_untrusted"},
		"expired":                   {func() *http.Client { return f.client(issued(t, a, mine, now.Add(-ca.Life-time.Hour))) }, "/v1/metrics", own, 401, "certificate_expired"},
		"not valid yet":             {func() *http.Client { return f.client(issued(t, a, mine, now.Add(48*time.Hour))) }, "/v1/metrics", own, 401, "certificate_expired"},
		"revoked":                   {func() *http.Client { return f.client(issued(t, a, gone, now)) }, "/v1/metrics", report(gone.Install, 1, 1), 401, "certificate_revoked"},
		"claims another's id":       {good, "/v1/metrics", report(theirs, 2, 2), 403, "identity_mismatch"},
		"replays another's":         {good, "/v1/metrics", report(theirs, 1, 7), 403, "identity_mismatch"},
		"replays its own past":      {good, "/v1/metrics", report(mine.Install, 1, 1), 400, "replayed"},
		"its past in other words":   {good, "/v1/metrics", report(mine.Install, 1, 99), 400, "replayed"},
		"another policy":            {good, "/v1/metrics", bytes.Replace(own, []byte(digest), []byte(strings.Repeat("ab", 32)), 1), 400, "policy_unknown"},
		"a byte more":               {good, "/v1/metrics", append(bytes.Clone(own), 0), 400, ""},
		"a byte less":               {good, "/v1/metrics", own[:len(own)-1], 400, ""},
		"a bit else":                {good, "/v1/metrics", flip(own, bytes.Index(own, []byte("requests"))), 400, "metric_unknown"},
		"slash behind":              {good, "/v1/metrics/", own, 404, "path"},
		"two slashes":               {good, "//v1/metrics", own, 404, "path"},
		"no path":                   {good, "/", own, 404, "path"},
		"renew without certificate": {func() *http.Client { return f.client() }, identity.RenewPath, []byte("{}"), 401, "certificate_missing"},
		"renew with a foreign one":  {func() *http.Client { return f.client(issued(t, foreign, mine, now)) }, identity.RenewPath, []byte("{}"), 401, "certificate_untrusted"},
		"enrol without a token":     {func() *http.Client { return f.client() }, identity.EnrollPath, []byte("{}"), 403, "token_malformed"},
		"enrol with garbage":        {func() *http.Client { return f.client() }, identity.EnrollPath, []byte("\x00\xff"), 403, "request_bad"},
	} {
		t.Run(name, func(t *testing.T) {
			for range rounds {
				header := []string{}
				if strings.HasPrefix(c.path, "/weir/") {
					header = []string{"Content-Type", "application/json"}
				}
				code, text, h := send(c.client(), url+c.path, c.body, header...)
				require.Equal(t, c.status, code, text)
				require.Contains(t, text, c.reason)
				require.Empty(t, h.Get("Location"))
				require.Empty(t, h.Get("Weir-Receipt"))
			}
		})
	}
	assert.Equal(t, before, f.store.count(), "something was stored")
	code, text, _ = send(good(), url+"/v1/metrics", own)
	require.Equal(t, http.StatusOK, code, text)
	assert.Equal(t, before+1, f.store.count())
}

func selfSigned(t *testing.T, p identity.Peer) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tpl := &x509.Certificate{URIs: p.URIs(), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	tpl.Subject.CommonName = p.Install
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func assertRefused(t *testing.T, err error, want identity.Reason) {
	t.Helper()
	var r *identity.Refused
	if assert.ErrorAs(t, err, &r) {
		assert.Equal(t, want, r.Reason)
	}
}

// A token that was used, stolen, tampered with or too old lets nobody in, at any
// gateway.
func TestATokenIsGoodOnceAtAnyGateway(t *testing.T) {
	f := newFleet(t)
	urls := []string{f.gateway(nil), f.gateway(nil)}
	ctx := context.Background()
	for round := range rounds {
		tok := f.token("acme", urls[round%2], time.Hour)
		_, err := identity.Enroll(ctx, tok.Text(), f.options())
		require.NoError(t, err)
		// The thief has the line, another id, and the other gateway.
		stolen := identity.Request{Token: tok.Text(), Install: id(round), CSR: request(t)}
		for _, url := range urls {
			code, text, _ := exchange(f.client(), url+identity.EnrollPath, stolen)
			require.Equal(t, 403, code)
			require.Equal(t, "token_used", text)
		}
		_, err = identity.Enroll(ctx, tok.Text(), f.options())
		assertRefused(t, err, identity.TokenUsed)

		fresh := f.token("acme", urls[0], time.Hour)
		forged := fresh
		forged.Customer = "bank"
		_, err = identity.Enroll(ctx, forged.Text(), f.options())
		assertRefused(t, err, identity.TokenUnknown)
		expired := f.token("acme", urls[0], -time.Second)
		_, err = identity.Enroll(ctx, expired.Text(), f.options())
		require.ErrorIs(t, err, token.ErrExpired, "the edge sees by itself")
		code, text, _ := exchange(f.client(), urls[0]+identity.EnrollPath, identity.Request{Token: expired.Text(), Install: id(round), CSR: request(t)})
		require.Equal(t, 403, code)
		require.Equal(t, "token_expired", text)
	}
}

// Two edges race with one token at two gateways.
func TestOfTwoEdgesThatRaceWithOneTokenOneEnrols(t *testing.T) {
	f := newFleet(t)
	urls := []string{f.gateway(nil), f.gateway(nil)}
	for range rounds {
		tok := f.token("acme", urls[0], time.Hour)
		codes := make(chan int, 2)
		for i, url := range urls {
			ask := identity.Request{Token: tok.Text(), Install: id(i), CSR: request(t)}
			c := f.client()
			go func() {
				code, _, _ := exchange(c, url+identity.EnrollPath, ask)
				codes <- code
			}()
		}
		assert.ElementsMatch(t, []int{200, 403}, []int{<-codes, <-codes})
	}
}

// The edge, too, refuses: a fleet that its token does not name.
func TestAnEdgeEnrolsNowhereElse(t *testing.T) {
	f, evil := newFleet(t), newFleet(t)
	f.gateway(nil)
	url := evil.gateway(nil)
	tok, err := token.NewRandom("acme", url, nil, time.Now().Add(time.Hour))
	require.NoError(t, err)
	tok.Pin = f.authority().Pin()
	for range rounds {
		_, err := identity.Enroll(context.Background(), tok.Text(), evil.options())
		require.ErrorContains(t, err, "not of the authority")
	}
	o := f.options()
	o.Destination = "https://telemetry.acme.example"
	_, err = identity.Enroll(context.Background(), tok.Text(), o)
	require.ErrorIs(t, err, identity.ErrDestination)
	// Under the right authority, and another name.
	tok = evil.token("acme", "https://localhost.localdomain.invalid", time.Hour)
	_, err = identity.Enroll(context.Background(), tok.Text(), evil.options())
	require.Error(t, err)
}

func request(t *testing.T) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	require.NoError(t, err)
	return der
}

func exchange(c *http.Client, url string, ask identity.Request) (int, string, http.Header) {
	body, err := json.Marshal(ask)
	if err != nil {
		panic(err)
	}
	return send(c, url, body, "Content-Type", "application/json")
}

// Renewing is by itself, through an outage longer than a certificate's life, and
// never for one that was thrown out.
func TestACertificateRenewsItselfUnlessRevoked(t *testing.T) {
	f := newFleet(t)
	url := f.gateway(nil)
	ctx := context.Background()
	e, o := f.enrol("acme", url)
	for range 5 {
		younger, err := identity.Renew(ctx, e, o)
		require.NoError(t, err)
		assert.Equal(t, e.Install, younger.Install)
		assert.Equal(t, "acme", younger.Customer)
		assert.NotEqual(t, e.Cert.Certificate[0], younger.Cert.Certificate[0])
		saved, err := identity.Load(vfs.OS, o.Data)
		require.NoError(t, err)
		assert.Equal(t, younger.Cert.Certificate[0], saved.Cert.Certificate[0])
		code, text, _ := send(client(younger.Roots, younger.Cert), url+"/v1/metrics", report(e.Install, 1, 1))
		require.Equal(t, 200, code, text)
		e = younger
	}
	// It was away for 60 days, and for more than the grace.
	p, err := identity.FromCertificate(e.Cert.Leaf)
	require.NoError(t, err)
	for days, want := range map[int]identity.Reason{60: "", 120: identity.CertificateExpired} {
		old := e
		old.Cert = issued(t, f.authority(), p, time.Now().AddDate(0, 0, -days))
		_, err := identity.Renew(ctx, old, o)
		if want == "" {
			require.NoError(t, err)
		} else {
			assertRefused(t, err, want)
		}
	}
	_, err = f.registry().Revoke(e.Install, time.Now())
	require.NoError(t, err)
	for range rounds {
		_, err = identity.Renew(ctx, e, o)
		assertRefused(t, err, identity.CertificateRevoked)
		code, text, h := send(client(e.Roots, e.Cert), url+"/v1/metrics", report(e.Install, 2, 2))
		require.Equal(t, 401, code)
		require.Equal(t, "certificate_revoked", text)
		require.Equal(t, "certificate_revoked", h.Get(identity.ReasonHeader))
	}
	// A new token brings it back, and not its old certificates.
	back, err := identity.Enroll(ctx, f.token("acme", url, time.Hour).Text(), o)
	require.NoError(t, err)
	code, text, _ := send(client(back.Roots, back.Cert), url+"/v1/metrics", report(e.Install, 2, 2))
	require.Equal(t, 200, code, text)
	code, _, _ = send(client(e.Roots, e.Cert), url+"/v1/metrics", report(e.Install, 3, 3))
	require.Equal(t, 401, code)
	_, err = identity.Enroll(ctx, f.token("bank", url, time.Hour).Text(), o)
	var no *identity.Refused
	require.True(t, errors.As(err, &no))
	require.Equal(t, identity.InstallTaken, no.Reason)
}
