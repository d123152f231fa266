// Package admission is a fleet's door: it says who a client certificate is for,
// exchanges tokens for certificates, and renews them.
//
// What it decides by lies in the shared folder (fleet/ca, fleet/token,
// fleet/registry) and in its arguments; it remembers nothing. So any number of
// gateways over one folder decide alike. Whatever it does not grant it answers
// with an *identity.Refused of a closed set; any other error means that it could
// not tell, and that the caller should ask again later.
package admission

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/token"
)

// Authority is one beside the fleet's own: a customer's, or the vendor's.
type Authority struct {
	Pool *x509.CertPool
	// Customer, if set, is the only one whose installs it can speak for.
	// Otherwise its certificates say whose they are.
	Customer string
}

// Door admits.
type Door struct {
	CA       *ca.Authority
	Tokens   token.Store
	Registry registry.Registry
	Others   []Authority
	// Grace is for how long after its end a certificate can still be renewed:
	// an outage must not need a visit.
	Grace time.Duration
	// Life of certificates.
	Life time.Duration
	// ServerRoots are what edges shall expect behind the fleet's server, in PEM.
	// Empty: what their hosts trust.
	ServerRoots string
	Now         func() time.Time
}

// Verified is a certificate whose chain has been checked; its time and
// revocation have not, since they change.
type Verified struct {
	identity.Peer
	own                 bool
	notBefore, notAfter time.Time
}

func refuse(status int, r identity.Reason) error { return &identity.Refused{Status: status, Reason: r} }

func unauthorized(r identity.Reason) error { return refuse(http.StatusUnauthorized, r) }

// Verify checks a client's chain, the client's first. It is what takes time and
// what holds for as long as a connection.
func (d *Door) Verify(chain []*x509.Certificate) (Verified, error) {
	if len(chain) == 0 {
		return Verified{}, unauthorized(identity.CertificateMissing)
	}
	leaf := chain[0]
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	by := func(roots *x509.CertPool) bool {
		_, err := leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			// An expired one is checked as of its last day: Admit and Renew know what to do with it.
			CurrentTime: clamp(d.Now(), leaf.NotBefore, leaf.NotAfter),
		})
		return err == nil
	}
	p, err := identity.FromCertificate(leaf)
	if err != nil {
		return Verified{}, unauthorized(identity.CertificateUntrusted)
	}
	v := Verified{Peer: p, notBefore: leaf.NotBefore, notAfter: leaf.NotAfter}
	if by(d.CA.Pool()) {
		v.own = true
		return v, nil
	}
	v.Enrolment = "" // ours alone to say
	for _, a := range d.Others {
		if !by(a.Pool) || (a.Customer != "" && p.Customer != "" && p.Customer != a.Customer) {
			continue
		}
		if a.Customer != "" {
			v.Customer = a.Customer
		}
		return v, nil
	}
	return Verified{}, unauthorized(identity.CertificateUntrusted)
}

func clamp(t, from, to time.Time) time.Time {
	if t.Before(from) {
		return from
	}
	if t.After(to) {
		return to
	}
	return t
}

// Admit says whether a verified peer may report now. It asks the disk each time.
func (d *Door) Admit(v Verified) error {
	now := d.Now()
	if now.Before(v.notBefore) || now.After(v.notAfter) {
		return unauthorized(identity.CertificateExpired)
	}
	return d.known(v)
}

func (d *Door) known(v Verified) error {
	gone, err := d.Registry.Revoked(v.Peer)
	if err != nil {
		return err
	}
	if gone {
		return unauthorized(identity.CertificateRevoked)
	}
	if v.own {
		return nil // bound when it enrolled
	}
	if err := d.Registry.Bind(v.Install, v.Customer); err != nil {
		if errors.Is(err, registry.ErrTaken) {
			return unauthorized(identity.CertificateUntrusted)
		}
		return err
	}
	return nil
}

// Enroll exchanges a token for a certificate.
//
// The order matters. What can be refused without using the token up is refused
// first; then the token is used, and only then is anything noted of the install,
// so that one token leaves one trace at most.
func (d *Door) Enroll(r identity.Request) (identity.Answer, error) {
	now := d.Now()
	t, err := d.Tokens.Find(r.Token, now)
	if err != nil {
		return identity.Answer{}, tokenRefusal(err)
	}
	p := identity.Peer{Install: r.Install, Customer: t.Customer, Enrolment: t.ID}
	key, err := ca.RequestKey(r.CSR)
	if err != nil || !identity.IsInstall(r.Install) || (r.Ledger != "" && p.SetLedger(r.Ledger) != nil) {
		return identity.Answer{}, refuse(http.StatusForbidden, identity.RequestBad)
	}
	known, err := d.Registry.Get(r.Install)
	if err != nil && !errors.Is(err, registry.ErrUnknown) {
		return identity.Answer{}, err
	}
	if err == nil && known.Customer != t.Customer {
		return identity.Answer{}, refuse(http.StatusForbidden, identity.InstallTaken)
	}
	if err := d.Tokens.Use(t, token.Use{Install: r.Install, Key: key, Time: now.UTC()}); err != nil {
		return identity.Answer{}, tokenRefusal(err)
	}
	if err := d.Registry.Bind(r.Install, t.Customer); err != nil {
		if errors.Is(err, registry.ErrTaken) {
			err = refuse(http.StatusForbidden, identity.InstallTaken)
		}
		return identity.Answer{}, err
	}
	if err := d.Registry.Record(r.Install, registry.Enrolment{ID: t.ID, Time: now.UTC(), Ledger: r.Ledger}); err != nil {
		return identity.Answer{}, err
	}
	// Who lost the answer and comes again may have been thrown out meanwhile.
	if gone, err := d.Registry.Revoked(p); err != nil {
		return identity.Answer{}, err
	} else if gone {
		return identity.Answer{}, unauthorized(identity.CertificateRevoked)
	}
	return d.issue(r.CSR, p, now)
}

// Renew exchanges a certificate of ours for a younger one. It says the same;
// only a ledger that it did not know yet may be added.
func (d *Door) Renew(v Verified, r identity.Request) (identity.Answer, error) {
	now := d.Now()
	if !v.own {
		return identity.Answer{}, unauthorized(identity.CertificateUntrusted)
	}
	if now.Before(v.notBefore) || now.After(v.notAfter.Add(d.Grace)) {
		return identity.Answer{}, unauthorized(identity.CertificateExpired)
	}
	if err := d.known(v); err != nil {
		return identity.Answer{}, err
	}
	p := v.Peer
	if _, err := ca.RequestKey(r.CSR); err != nil {
		return identity.Answer{}, refuse(http.StatusForbidden, identity.RequestBad)
	}
	if r.Ledger != "" && r.Ledger != p.LedgerKey {
		if p.LedgerKey != "" {
			return identity.Answer{}, refuse(http.StatusForbidden, identity.LedgerChanged)
		}
		if p.SetLedger(r.Ledger) != nil {
			return identity.Answer{}, refuse(http.StatusForbidden, identity.RequestBad)
		}
	}
	return d.issue(r.CSR, p, now)
}

func (d *Door) issue(csr []byte, p identity.Peer, now time.Time) (identity.Answer, error) {
	chain, err := d.CA.Issue(csr, p, now, d.Life)
	if err != nil {
		return identity.Answer{}, err
	}
	return identity.Answer{Certificate: chain, Roots: d.ServerRoots, Fleet: d.CA.Verifier}, nil
}

func tokenRefusal(err error) error {
	for known, r := range map[error]identity.Reason{
		token.ErrMalformed: identity.TokenMalformed, token.ErrUnknown: identity.TokenUnknown,
		token.ErrExpired: identity.TokenExpired, token.ErrUsed: identity.TokenUsed,
	} {
		if errors.Is(err, known) {
			return refuse(http.StatusForbidden, r)
		}
	}
	return err
}
