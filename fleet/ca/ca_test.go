package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
)

const testID = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func request(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "someone-else"}, DNSNames: []string{"evil.example"},
	}, key)
	require.NoError(t, err)
	return der
}

func TestGatewaysThatStartAtOnceShareOneAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	pins := make([]string, 8)
	var wg sync.WaitGroup
	for i := range pins {
		wg.Go(func() {
			a, err := Open(vfs.OS, dir, now)
			if assert.NoError(t, err) {
				pins[i] = string(a.Pin()) + a.Verifier + a.Roots()
			}
		})
	}
	wg.Wait()
	for _, p := range pins {
		assert.Equal(t, pins[0], p)
	}
	for _, name := range []string{keyFile, signerFile} {
		st, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), st.Mode().Perm(), name)
	}
}

// A crash leaves no authority or a whole one.
func TestAnAuthorityIsMadeWholeOrNotAtAll(t *testing.T) {
	for step := range 60 {
		m := vfs.NewMem()
		require.NoError(t, m.MkdirAll("/fleet", 0o700))
		n := 0
		m.Inject = func(vfs.Op) error {
			if n++; n > step {
				return os.ErrDeadlineExceeded
			}
			return nil
		}
		_, err := Open(m, "/fleet/state", now)
		m.Inject = nil
		if err == nil {
			continue
		}
		after := m.Crash()
		require.NoError(t, after.MkdirAll("/fleet", 0o700))
		a, err := Open(after, "/fleet/state", now)
		require.NoError(t, err, step)
		assert.NotEmpty(t, a.Verifier)
	}
}

func TestACertificateSaysWhatTheFleetKnowsAndNothingOfTheRequest(t *testing.T) {
	a, err := Open(vfs.OS, t.TempDir(), now)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for _, key := range []crypto.Signer{ed, ec} {
		text, err := a.Issue(request(t, key), identity.Peer{Install: testID, Customer: "acme", Enrolment: "0011223344556677"}, now, Life)
		require.NoError(t, err)
		list, err := ParseCertificates([]byte(text))
		require.NoError(t, err)
		c := list[0]
		assert.Equal(t, testID, c.Subject.CommonName)
		assert.Empty(t, c.DNSNames)
		p, err := identity.FromCertificate(c)
		require.NoError(t, err)
		assert.Equal(t, "acme", p.Customer)
		assert.Equal(t, now.Add(Life), c.NotAfter)
		verify := func(usage x509.ExtKeyUsage) error {
			_, err := c.Verify(x509.VerifyOptions{Roots: a.Pool(), KeyUsages: []x509.ExtKeyUsage{usage}, CurrentTime: now})
			return err
		}
		assert.NoError(t, verify(x509.ExtKeyUsageClientAuth))
		assert.Error(t, verify(x509.ExtKeyUsageServerAuth), "an install is no server")
	}
}

func TestOtherKeysAndBrokenRequestsAreNotCertified(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	good, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	forged := request(t, good)
	forged[len(forged)-1] ^= 1
	for name, csr := range map[string][]byte{"P-384": request(t, p384), "RSA": request(t, weak), "none": nil, "forged": forged} {
		_, err := RequestKey(csr)
		assert.ErrorIs(t, err, ErrRequest, name)
	}
	_, err = RequestKey(request(t, good))
	assert.NoError(t, err)
}

func TestTheServersChainEndsInThePin(t *testing.T) {
	a, err := Open(vfs.OS, t.TempDir(), now)
	require.NoError(t, err)
	c, err := a.Server([]string{"fleet.example", "192.0.2.1"})
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	require.NoError(t, err)
	for _, host := range []string{"fleet.example", "192.0.2.1"} {
		for _, at := range []time.Time{now, now.AddDate(0, -11, 0), now.AddDate(19, 0, 0)} {
			_, err = leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: a.Pool(), CurrentTime: at})
			assert.NoError(t, err, "%s at %s", host, at)
		}
	}
	_, err = leaf.Verify(x509.VerifyOptions{DNSName: "other.example", Roots: a.Pool(), CurrentTime: now})
	assert.Error(t, err)
	top, err := x509.ParseCertificate(c.Certificate[1])
	require.NoError(t, err)
	h := sha256.Sum256(top.RawSubjectPublicKeyInfo)
	assert.Equal(t, a.Pin(), h[:])
}

func TestKeysThatDoNotBelongTogetherAreAnError(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	_, err := Open(vfs.OS, dir, now)
	require.NoError(t, err)
	_, err = Open(vfs.OS, other, now)
	require.NoError(t, err)
	for name, want := range map[string]string{keyFile: "is not the key of", signerFile: "is not that of"} {
		mine, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		theirs, err := os.ReadFile(filepath.Join(other, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), theirs, 0o600))
		_, err = Load(vfs.OS, dir)
		require.ErrorContains(t, err, want)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("canary"), 0o600))
		_, err = Load(vfs.OS, dir)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "canary")
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), mine, 0o600))
	}
	_, err = Load(vfs.OS, t.TempDir())
	require.ErrorIs(t, err, ErrNone)
}
