package identity

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
)

// What a certificate says about an install, as URIs in its subject alternative
// names:
//
//	weir:install:0b7c…        the install's id (or the common name alone)
//	weir:customer:acme        the tenant
//	weir:enrolment:9f3a…      the token that it came from; revoking names it
//	weir:ledger:d2Vpci1s…     the key that signs the install's ledger, base64url of note's text
//
// Rules for change: a name that is not known is ignored; one that comes twice is
// refused.
const (
	uriScheme     = "weir"
	uriInstall    = "install"
	uriCustomer   = "customer"
	uriEnrolment  = "enrolment"
	uriLedger     = "ledger"
	ledgerKeyName = "weir-ledger-"
)

// Peer is who sends, according to a client certificate that somebody has
// verified. Every field but Install may be empty: a customer's own authority
// knows nothing of them.
type Peer struct {
	Install   string
	Customer  string
	Enrolment string
	// Ledger verifies the install's checkpoints; nil if the certificate has none.
	Ledger note.Verifier
	// LedgerKey is Ledger as text.
	LedgerKey string
}

// ErrNotInstall is returned for a certificate that names no install, or not
// clearly.
var ErrNotInstall = errors.New("the certificate names no install: its common name or a URI weir:install:<id> must be the install's id")

// FromCertificate reads who a certificate is for. It verifies nothing.
func FromCertificate(c *x509.Certificate) (Peer, error) {
	said := map[string]string{}
	for _, u := range c.URIs {
		if u.Scheme != uriScheme {
			continue
		}
		kind, value, ok := strings.Cut(u.Opaque, ":")
		if _, twice := said[kind]; !ok || twice {
			return Peer{}, ErrNotInstall
		}
		said[kind] = value
	}
	p := Peer{Install: said[uriInstall], Customer: said[uriCustomer], Enrolment: said[uriEnrolment]}
	if p.Install == "" {
		p.Install = c.Subject.CommonName
	}
	if !IsInstall(p.Install) || (isUUID(c.Subject.CommonName) && c.Subject.CommonName != p.Install) {
		return Peer{}, ErrNotInstall
	}
	if text := said[uriLedger]; text != "" {
		key, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return Peer{}, ErrNotInstall
		}
		if err := p.SetLedger(string(key)); err != nil {
			return Peer{}, err
		}
	}
	return p, nil
}

// SetLedger takes the ledger's verifier in note's text form. Its name must be
// that of this install's ledger.
func (p *Peer) SetLedger(key string) error {
	v, err := note.NewVerifier(key)
	if err != nil || v.Name() != ledgerKeyName+p.Install {
		return errors.New("the ledger's key is not that of this install")
	}
	p.Ledger, p.LedgerKey = v, key
	return nil
}

// URIs is the inverse of [FromCertificate].
func (p Peer) URIs() []*url.URL {
	list := []*url.URL{uri(uriInstall, p.Install)}
	if p.Customer != "" {
		list = append(list, uri(uriCustomer, p.Customer))
	}
	if p.Enrolment != "" {
		list = append(list, uri(uriEnrolment, p.Enrolment))
	}
	if p.LedgerKey != "" {
		list = append(list, uri(uriLedger, base64.RawURLEncoding.EncodeToString([]byte(p.LedgerKey))))
	}
	return list
}

func uri(kind, value string) *url.URL {
	return &url.URL{Scheme: uriScheme, Opaque: kind + ":" + value}
}

// IsInstall says whether id is written as installs write theirs.
func IsInstall(id string) bool {
	u, err := uuid.Parse(id)
	return err == nil && u.String() == id
}

func isUUID(s string) bool {
	_, err := uuid.Parse(s)
	return err == nil
}
