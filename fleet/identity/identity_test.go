package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
)

const testID = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"

func ledgerKey(t *testing.T, install string) string {
	t.Helper()
	_, public, err := note.GenerateKey(rand.Reader, ledgerKeyName+install)
	require.NoError(t, err)
	return public
}

// selfSigned is a file as an exchange would have written it.
func selfSigned(t *testing.T, cn string, uris ...*url.URL) (file, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: cn}, URIs: uris, NotBefore: start, NotAfter: start.AddDate(0, 0, 7)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pk, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	chain := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return file{Version: 1, URL: "https://fleet.example", Chain: chain, Roots: chain, Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk}))}, c
}

func opaque(s string) *url.URL { return &url.URL{Scheme: "weir", Opaque: s} }

func TestWhatACertificateSaysIsReadAsItWasWritten(t *testing.T) {
	p := Peer{Install: testID, Customer: "acme", Enrolment: "0011223344556677"}
	require.NoError(t, p.SetLedger(ledgerKey(t, testID)))
	_, c := selfSigned(t, testID, p.URIs()...)
	got, err := FromCertificate(c)
	require.NoError(t, err)
	require.NotNil(t, got.Ledger)
	got.Ledger = p.Ledger // another copy of the key, which LedgerKey spells out
	assert.Equal(t, p, got)

	// Another's authority may know no more than the name.
	_, c = selfSigned(t, testID)
	got, err = FromCertificate(c)
	require.NoError(t, err)
	assert.Equal(t, Peer{Install: testID}, got)
	_, c = selfSigned(t, "edge-1.acme.example", opaque("install:"+testID), &url.URL{Scheme: "spiffe", Host: "acme", Path: "/edge"})
	got, err = FromCertificate(c)
	require.NoError(t, err)
	assert.Equal(t, Peer{Install: testID}, got)
}

func TestAnUnclearCertificateNamesNobody(t *testing.T) {
	other := "0194f3c2-5a31-4d2b-9c1e-ffffffffffff"
	for name, c := range map[string]struct {
		cn   string
		uris []*url.URL
	}{
		"no id":            {cn: "edge-1"},
		"upper case":       {cn: strings.ToUpper(testID)},
		"two ids":          {cn: testID, uris: []*url.URL{opaque("install:" + testID), opaque("install:" + other)}},
		"name and URI":     {cn: testID, uris: []*url.URL{opaque("install:" + other)}},
		"no kind":          {cn: testID, uris: []*url.URL{opaque("install")}},
		"other's ledger":   {cn: testID, uris: (&Peer{Install: testID, LedgerKey: ledgerKey(t, other)}).URIs()},
		"ledger not a key": {cn: testID, uris: []*url.URL{opaque("ledger:AAAA")}},
		"ledger no base64": {cn: testID, uris: []*url.URL{opaque("ledger:!")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, cert := selfSigned(t, c.cn, c.uris...)
			_, err := FromCertificate(cert)
			require.Error(t, err)
			assert.NotContains(t, err.Error(), other)
		})
	}
}

func TestAnIdentityIsFoundAgainAndItsKeyIsNotPrinted(t *testing.T) {
	data := t.TempDir()
	_, err := Load(vfs.OS, data)
	require.ErrorIs(t, err, ErrNone)
	f, _ := selfSigned(t, testID, (&Peer{Install: testID, Customer: "acme"}).URIs()...)
	_, f.Fleet, err = note.GenerateKey(rand.Reader, "weir-fleet")
	require.NoError(t, err)
	e, err := f.edge()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(data, "identity"), 0o700))
	require.NoError(t, e.save(vfs.OS, data))
	st, err := os.Stat(File(data))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), st.Mode().Perm())

	got, err := Load(vfs.OS, data)
	require.NoError(t, err)
	assert.Equal(t, testID, got.Install)
	assert.Equal(t, "acme", got.Customer)
	assert.NotNil(t, got.Roots)
	assert.Equal(t, "weir-fleet", got.Fleet.Name())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "install "+testID+" of acme", fmt.Sprintf(verb, got))
	}
	half := got.NotBefore.Add(84 * time.Hour)
	assert.False(t, got.Due(half))
	assert.True(t, got.Due(half.Add(time.Second)))
}

func TestABrokenIdentityIsAnErrorThatQuotesNothing(t *testing.T) {
	good, _ := selfSigned(t, testID)
	other, _ := selfSigned(t, testID)
	nobody, _ := selfSigned(t, "nobody")
	change := func(f func(*file)) file { c := good; f(&c); return c }
	for name, f := range map[string]file{
		"newer":          change(func(f *file) { f.Version = 2 }),
		"other's key":    change(func(f *file) { f.Key = other.Key }),
		"no certificate": change(func(f *file) { f.Chain = "" }),
		"bad roots":      change(func(f *file) { f.Roots = "canary" }),
		"bad fleet key":  change(func(f *file) { f.Fleet = "canary" }),
		"names nobody":   nobody,
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(data, "identity"), 0o700))
			require.NoError(t, Edge{file: f}.save(vfs.OS, data))
			_, err := Load(vfs.OS, data)
			require.ErrorContains(t, err, File(data))
			assert.NotContains(t, err.Error(), "canary")
			assert.NotContains(t, err.Error(), "PRIVATE")
		})
	}
	data := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(data, "identity"), 0o700))
	require.NoError(t, os.WriteFile(File(data), []byte(`{"version":1,"key":"canary`), 0o600))
	_, err := Load(vfs.OS, data)
	require.ErrorContains(t, err, "not the JSON")
	assert.NotContains(t, err.Error(), "canary")
}

func TestEveryReasonSaysWhatToDo(t *testing.T) {
	for r := range hints {
		got, ok := ParseReason(string(r))
		assert.True(t, ok)
		assert.Equal(t, r, got)
		assert.Contains(t, (&Refused{Reason: r}).Error(), string(r)+": ")
	}
	_, ok := ParseReason("canary")
	assert.False(t, ok)
	assert.NotContains(t, (&Refused{Reason: "canary"}).Error(), "canary")
}
