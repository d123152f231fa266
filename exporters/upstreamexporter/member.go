package upstreamexporter

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
)

// member is the edge as a fleet knows it: enrolled, with a certificate that is
// renewed before it ends, or after, if an outage was longer than its life.
//
// Enrolling and renewing are the only things said to the destination beside
// recorded reports, and like them only while a policy is in force, and only to
// its destination. They hold a key, a signature and the install's id, and
// nothing of the telemetry.
type member struct {
	fsys   vfs.FS
	data   string
	now    func() time.Time
	log    *zap.Logger
	client *client
	token  string // spent once

	install string

	mu     sync.Mutex // guards all below; a connection is dialled by the transport
	edge   identity.Edge
	loaded bool // edge is one
	seen   time.Time
	size   int64
	faulty bool // the file cannot be read, and it was logged

	asked int       // attempts since the last that was granted; the sender's, as is
	next  time.Time // when to ask the fleet again
}

// askAtMost bounds the time between two attempts to enrol or to renew.
const askAtMost = 20 * time.Minute

// current is the identity as it is on the disk, if there is one. Whoever enrols
// with the command changes the file under a running edge.
func (m *member) current() (identity.Edge, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := m.fsys.Stat(identity.File(m.data))
	if err != nil {
		m.loaded = false
		return identity.Edge{}, false
	}
	if m.seen.Equal(info.ModTime()) && m.size == info.Size() {
		return m.edge, m.loaded
	}
	m.seen, m.size = info.ModTime(), info.Size()
	m.edge, err = identity.Load(m.fsys, m.data)
	m.loaded = err == nil
	if err != nil && !m.faulty {
		m.log.Error("fleet identity cannot be used; reports are sent without it", zap.Error(err))
	}
	m.faulty = err != nil
	return m.edge, m.loaded
}

// at is the identity for a destination: the one that the edge enrolled with.
// Nobody else is shown it.
func (m *member) at(destination string) (identity.Edge, bool) {
	e, ok := m.current()
	return e, ok && e.URL == strings.TrimSuffix(destination, "/")
}

// offer completes the configuration of a connection to addr with the identity:
// its certificate, unless one is configured, and the fleet's authorities,
// unless some are.
func (m *member) offer(c *tls.Config, addr string) {
	e, ok := m.current()
	if !ok || addr != addressOf(e.URL) {
		return
	}
	if c.GetClientCertificate == nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &e.Cert, nil }
	}
	if c.RootCAs == nil {
		c.RootCAs = e.Roots
	}
}

func addressOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// tend enrols if there is a token for it, and renews the certificate when half
// of its life is over. Attempts are repeated at random moments that grow apart,
// since a fleet's installs may all be due.
func (m *member) tend(ctx context.Context, d consent.Decision) {
	if d.State != consent.Active || d.Policy == nil {
		return
	}
	now := m.now()
	e, ok := m.at(d.Policy.Destination)
	enrol := !ok && m.token != ""
	if !enrol && !(ok && m.client.ownCertificate == "" && e.Due(now)) {
		return
	}
	// A clock that was ahead must not hold this up.
	if now.Before(m.next) && m.next.Sub(now) <= askAtMost {
		return
	}
	m.next = now.Add(min(askAtMost, time.Second<<min(m.asked, 20)) / 2)
	m.next = m.next.Add(rand.N(m.next.Sub(now)) + 1)
	m.asked++
	key, err := m.ledgerKey()
	if err != nil {
		return // the ledger says what is wrong with it
	}
	o := identity.Options{
		FS: m.fsys, Data: m.data, Install: m.install, Ledger: key, Destination: d.Policy.Destination, Now: m.now,
		Client: m.client.forExchange,
	}
	if enrol {
		if _, err = identity.Enroll(ctx, m.token, o); err == nil {
			m.log.Info("enrolled with the fleet")
		}
	} else if _, err = identity.Renew(ctx, e, o); err == nil {
		m.log.Info("certificate renewed")
	}
	if err == nil {
		// Where the clock is wrong, a new certificate may be due at once.
		m.asked, m.next = 0, m.now().Add(askAtMost)
		m.client.close() // connections made with the former one
		return
	}
	var refused *identity.Refused
	if errors.As(err, &refused) {
		m.log.Error("fleet did not grant a certificate", zap.Bool("enrolling", enrol), zap.Error(refused))
		return
	}
	if ctx.Err() == nil { // err may quote the other side
		m.log.Warn("fleet could not be asked for a certificate", zap.Bool("enrolling", enrol), zap.String("reason", exchangeReason(err)))
	}
}

// ledgerKey is the public key of the edge's ledger, which the certificate will
// vouch for.
func (m *member) ledgerKey() (string, error) {
	dir := ledgerDir(m.data)
	if _, err := ledger.LoadVerifier(m.fsys, dir); err != nil {
		return "", err
	}
	b, err := vfs.ReadFile(m.fsys, filepath.Join(dir, "verifier.pub"))
	return strings.TrimSuffix(string(b), "\n"), err
}

func exchangeReason(err error) string {
	if errors.Is(err, identity.ErrDestination) {
		return "token_of_another_destination"
	}
	return reasonOf(err, false)
}

// forExchange is the HTTP client of enrolling and renewing: the same way out,
// the same pins, another configuration of TLS.
func (c *client) forExchange(config *tls.Config) *http.Client {
	config = config.Clone()
	config.MinVersion, config.NextProtos = tls.VersionTLS13, c.tls.NextProtos
	if c.tls.RootCAs != nil && !config.InsecureSkipVerify {
		config.RootCAs = c.tls.RootCAs
	}
	if pins, own := c.tls.VerifyConnection, config.VerifyConnection; pins != nil && own == nil {
		config.VerifyConnection = pins
	}
	return &http.Client{
		Transport: &http.Transport{
			DisableCompression: true,
			DialContext:        c.plain,
			DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return c.dialWith(ctx, network, addr, config.Clone())
			},
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: maxAnswerHeader,
		},
		Timeout:       c.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
