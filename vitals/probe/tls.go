package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"time"
)

func (p *Probe) tls(ctx context.Context) (Reason, *float64) {
	name := p.ServerName
	if name == "" {
		name, _, _ = net.SplitHostPort(p.Target)
	}
	c := p.certificate(name)
	if c.reason != OK {
		return c.reason, nil
	}
	conn, err := p.system.Dial(ctx, "tcp", p.Target)
	if err != nil {
		return reasonOf(err), nil
	}
	defer conn.Close()
	return c.answer(tls.Client(conn, c.config()).HandshakeContext(ctx))
}

// certificate judges what a server shows. It does so after the handshake and not
// within, so that an expired certificate is told from a strange one.
type certificate struct {
	name   string
	now    time.Time
	within time.Duration
	roots  *x509.CertPool // nil: the system's
	reason Reason         // OK until something is known
	left   *float64       // seconds until it expires
	shown  bool
}

func (p *Probe) certificate(name string) *certificate {
	c := &certificate{name: name, now: p.system.Now(), within: p.ExpiresWithin, reason: OK}
	if p.CAFile != "" {
		pem, err := p.system.ReadFile(p.CAFile)
		c.roots = x509.NewCertPool()
		if err != nil || !c.roots.AppendCertsFromPEM(pem) {
			c.reason = AuthoritiesUnreadable
		}
	}
	return c
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ServerName: c.name,
		// Nothing is said over the connection but a request that names its target;
		// judge verifies what the handshake would.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			c.judge(s.PeerCertificates)
			return nil
		},
	}
}

// answer is the finding after a handshake that ended with err. A server that
// wants a certificate of ours has shown its own before it says so.
func (c *certificate) answer(err error) (Reason, *float64) {
	if c.shown || err == nil {
		return c.reason, c.left
	}
	return handshakeReason(err), nil
}

func (c *certificate) judge(chain []*x509.Certificate) {
	if len(chain) == 0 {
		return
	}
	c.shown = true
	leaf := chain[0]
	end := leaf.NotAfter
	between := x509.NewCertPool()
	for _, one := range chain[1:] {
		between.AddCert(one)
	}
	verified, err := leaf.Verify(x509.VerifyOptions{DNSName: c.name, Roots: c.roots, Intermediates: between, CurrentTime: c.now})
	for _, one := range verified {
		for _, cert := range one {
			if cert.NotAfter.Before(end) {
				end = cert.NotAfter
			}
		}
	}
	left := end.Sub(c.now).Seconds()
	c.left = &left
	var (
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
	)
	switch {
	case c.now.Before(leaf.NotBefore):
		c.reason = CertificateNotYetValid
	case c.now.After(leaf.NotAfter), errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		c.reason = CertificateExpired
	case errors.As(err, &name):
		c.reason = CertificateName
	case err != nil:
		c.reason = CertificateUntrusted
	case end.Sub(c.now) < c.within:
		c.reason = CertificateExpiring
	}
}

// handshakeReason is the word for a handshake that showed no certificate.
func handshakeReason(err error) Reason {
	var (
		record tls.RecordHeaderError
		alert  *net.OpError
	)
	if errors.As(err, &record) || errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error") {
		return NotTLS
	}
	if r := reasonOf(err); r != Unreachable {
		return r
	}
	return NotTLS
}
