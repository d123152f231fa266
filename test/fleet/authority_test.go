package fleet

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/receivers/fleetreceiver"
)

// A customer that has an authority of its own needs no token; and its authority
// speaks for nobody else.
func TestACustomersOwnAuthorityLetsItsInstallsIn(t *testing.T) {
	f := newFleet(t)
	dir := t.TempDir()
	acme, err := ca.Open(vfs.OS, dir, time.Now())
	require.NoError(t, err)
	url := f.gateway(func(c *fleetreceiver.Config) {
		c.Authorities = []fleetreceiver.AuthorityConfig{{CAFile: filepath.Join(dir, "ca.pem"), Customer: "acme"}}
	})
	bank, _ := f.enrol("bank", url)
	now := time.Now()
	as := func(p identity.Peer, at time.Time) *http.Client { return f.client(issued(t, acme, p, at)) }
	for range rounds {
		// The common name alone says who it is.
		code, text, _ := send(as(identity.Peer{Install: id(1)}, now), url+"/v1/metrics", report(id(1), 1, 1))
		require.Equal(t, 200, code, text)
		code, text, _ = send(as(identity.Peer{Install: bank.Install}, now), url+"/v1/metrics", report(bank.Install, 1, 1))
		require.Equal(t, 401, code, text)
		code, text, _ = send(as(identity.Peer{Install: id(2), Customer: "bank"}, now), url+"/v1/metrics", report(id(2), 1, 1))
		require.Equal(t, 401, code, text)
		code, text, _ = send(as(identity.Peer{Install: id(1)}, now.Add(-ca.Life-time.Hour)), url+"/v1/metrics", report(id(1), 2, 2))
		require.Equal(t, 401, code, text)
	}
	_, err = f.registry().Revoke(id(1), now)
	require.NoError(t, err)
	code, text, _ := send(as(identity.Peer{Install: id(1)}, now), url+"/v1/metrics", report(id(1), 2, 2))
	assert.Equal(t, 401, code)
	assert.Equal(t, "certificate_revoked", text)
	assert.Equal(t, map[string]map[int]float64{id(1): {1: 1}}, f.store.samples)
}

// The fleet's server may have a certificate of anybody's authority, which edges
// are told of when they enrol, and which may be renewed while it runs.
func TestTheServersCertificateMayBeAnotherAuthoritys(t *testing.T) {
	f := newFleet(t)
	dir := t.TempDir()
	other, err := ca.Open(vfs.OS, filepath.Join(dir, "ca"), time.Now())
	require.NoError(t, err)
	cert, err := other.Server([]string{"127.0.0.1"})
	require.NoError(t, err)
	var chain []byte
	for _, der := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	require.NoError(t, err)
	file := func(name string, text []byte) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, text, 0o600))
		return name
	}
	url := f.gateway(func(c *fleetreceiver.Config) {
		c.TLS.CertFile = file("cert.pem", chain)
		c.TLS.KeyFile = file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
		c.TLS.CAFile = filepath.Join(dir, "ca", "ca.pem")
	})
	o := f.options()
	_, err = identity.Enroll(t.Context(), f.token("acme", url, time.Hour).Text(), o)
	require.ErrorContains(t, err, "not of the authority", "the token names the fleet's own")
	tok := f.token("acme", url, time.Hour)
	tok.Pin = other.Pin()
	require.NoError(t, f.remember(tok))
	e, err := identity.Enroll(t.Context(), tok.Text(), o)
	require.NoError(t, err)
	code, text, _ := send(client(e.Roots, e.Cert), url+"/v1/metrics", report(e.Install, 1, 1))
	require.Equal(t, 200, code, text)
	_, err = identity.Renew(t.Context(), e, o)
	require.NoError(t, err)
}

// The fleet's authority is changed while its installs are out there, as
// docs/fleet.md says.
func TestTheAuthorityCanBeChanged(t *testing.T) {
	f := newFleet(t)
	url := f.gateway(nil)
	e, o := f.enrol("acme", url)
	stranger, _ := f.enrol("acme", url) // away all the time
	dir := t.TempDir()
	_, err := ca.Open(vfs.OS, dir, time.Now())
	require.NoError(t, err)
	read := func(dir, name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return b
	}
	write := func(name string, text ...[]byte) {
		var all []byte
		for _, b := range text {
			all = append(all, b...)
		}
		require.NoError(t, os.WriteFile(filepath.Join(f.state, name), all, 0o600))
	}
	before, after, key := read(f.state, "ca.pem"), read(dir, "ca.pem"), read(dir, "ca.key")

	write("ca.pem", before, after)
	url = f.gateway(nil)
	o.Destination = url
	e, err = identity.Renew(t.Context(), e, o)
	require.NoError(t, err)

	write("ca.pem", after, before)
	write("ca.key", key)
	url = f.gateway(nil)
	code, text, _ := send(client(e.Roots, e.Cert), url+"/v1/metrics", report(e.Install, 1, 1))
	require.Equal(t, 200, code, text)
	o.Destination = url
	e, err = identity.Renew(t.Context(), e, o)
	require.NoError(t, err)
	code, text, _ = send(client(e.Roots, e.Cert), url+"/v1/metrics", report(e.Install, 2, 2))
	require.Equal(t, 200, code, text)
	code, text, _ = send(client(stranger.Roots, stranger.Cert), url+"/v1/metrics", report(stranger.Install, 1, 1))
	require.Zero(t, code, "who learned nothing of it does not trust the server: %s", text)
	f.enrol("acme", url)
}
