// Package ca is a fleet's own authority: an x509 key that certifies installs and
// the fleet's server, and a note key that countersigns their ledgers'
// checkpoints.
//
// Both are made once, in a folder that all gateways of a fleet share, and each
// gateway that can read the folder can do all that any other can. An install's
// certificate is short-lived and says no more than fleet/identity reads from it:
// of a signing request nothing but the key is taken.
//
// Losing the folder means enrolling every install anew; whoever can read it can
// be any of them. It is the one thing of a fleet to back up and to guard.
//
// It does not decide who gets a certificate: fleet/admission does.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/identity"
)

const (
	// Life of an install's certificate. It is renewed after half of it.
	Life = 7 * 24 * time.Hour
	// authorityLife is long: what it certifies is short-lived, and edges that
	// trust it are years old.
	authorityYears = 20
	// backdate forgives gateways whose clocks differ.
	backdate = time.Hour
)

// Authority issues and recognises certificates.
type Authority struct {
	key  crypto.Signer
	cert *x509.Certificate
	// trusted are cert and, after a change of keys, its predecessors.
	trusted []*x509.Certificate
	pool    *x509.CertPool

	// Signer countersigns checkpoints; Verifier is its public half as text.
	Signer   note.Signer
	Verifier string
}

// Pin is the SHA-256 of the authority's SubjectPublicKeyInfo, as tokens hold it.
func (a *Authority) Pin() []byte {
	h := sha256.Sum256(a.cert.RawSubjectPublicKeyInfo)
	return h[:]
}

// Pool holds what [Authority.Issue] and its predecessors have signed with.
func (a *Authority) Pool() *x509.CertPool { return a.pool }

// Roots are the same in PEM.
func (a *Authority) Roots() string {
	var text []byte
	for _, c := range a.trusted {
		text = append(text, pemCert(c.Raw)...)
	}
	return string(text)
}

// ErrRequest is returned for a signing request that cannot be certified.
var ErrRequest = errors.New("not a signing request for an ECDSA P-256 or Ed25519 key")

// RequestKey checks a signing request and answers with the SHA-256 of its
// SubjectPublicKeyInfo.
func RequestKey(der []byte) ([]byte, error) {
	r, err := parseRequest(der)
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(r.RawSubjectPublicKeyInfo)
	return h[:], nil
}

func parseRequest(der []byte) (*x509.CertificateRequest, error) {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil || r.CheckSignature() != nil {
		return nil, ErrRequest
	}
	switch k := r.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return nil, ErrRequest
		}
	default:
		if r.PublicKeyAlgorithm != x509.Ed25519 {
			return nil, ErrRequest
		}
	}
	return r, nil
}

// Issue certifies the request's key for p, in PEM.
func (a *Authority) Issue(csr []byte, p identity.Peer, now time.Time, life time.Duration) (string, error) {
	r, err := parseRequest(csr)
	if err != nil {
		return "", err
	}
	serial, err := newSerial()
	if err != nil {
		return "", err
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: p.Install},
		URIs:         p.URIs(),
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, a.cert, r.PublicKey, a.key)
	if err != nil {
		return "", fmt.Errorf("certify: %w", err)
	}
	return string(pemCert(der)), nil
}

// Server makes a key and a certificate for the fleet's server under these names
// and addresses. It lasts as long as the authority: it never leaves the process,
// and an edge whose clock is years off should still find its fleet. The chain
// holds the authority, so that a token's pin finds it.
func (a *Authority) Server(names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := newSerial()
	if err != nil {
		return tls.Certificate{}, err
	}
	tpl := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "weir-fleet"},
		NotBefore:    a.cert.NotBefore,
		NotAfter:     a.cert.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			tpl.IPAddresses = append(tpl.IPAddresses, ip)
		} else {
			tpl.DNSNames = append(tpl.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certify the server: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, nil
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

func pemCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
