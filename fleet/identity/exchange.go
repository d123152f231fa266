package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/vfs"
)

// Paths of the exchange, below the fleet's URL.
const (
	EnrollPath = "/weir/v1/enroll"
	RenewPath  = "/weir/v1/renew"
)

// MaxExchange bounds a request and an answer.
const MaxExchange = 64 << 10

// Request is what both exchanges post, as JSON. Token is set in the first alone.
//
// Rules for change: fields are only added; a fleet ignores those it does not know.
type Request struct {
	Token string `json:"token,omitempty"`
	// Install is the id to be enrolled; a renewal has it from the certificate.
	Install string `json:"install,omitempty"`
	// CSR is a PKCS #10 signing request, DER. Only its key is taken from it.
	CSR []byte `json:"csr"`
	// Ledger is the verifier of the install's ledger in note's text form.
	Ledger string `json:"ledger,omitempty"`
}

// Answer is what both are answered with.
//
// Rules for change: fields are only added; an edge ignores those it does not know.
type Answer struct {
	Certificate string `json:"certificate"`     // PEM, the install's first
	Roots       string `json:"roots,omitempty"` // PEM; empty: those of the host
	Fleet       string `json:"fleet,omitempty"` // verifier of countersigned checkpoints
}

// Options of [Enroll] and [Renew].
type Options struct {
	FS   vfs.FS
	Data string
	// Install is the id of internal/install. It must exist: the ledger has it.
	Install string
	// Ledger is the ledger's verifier in note's text form; empty: not known yet.
	Ledger string
	// Destination is the policy's. If set, nothing else is talked to: Enroll
	// refuses a token for another place. Renew without it asks where the edge enrolled.
	Destination string
	// Client makes the HTTP client for a TLS configuration, for those behind a
	// proxy. nil: a direct one.
	Client func(*tls.Config) *http.Client
	// Now is the clock.
	Now func() time.Time
}

// ErrDestination is returned for a token whose fleet is not the policy's destination.
var ErrDestination = errors.New("the token is for another fleet than the policy's destination: nothing was sent; ask the vendor for a token for that destination")

// Enroll exchanges the token for a certificate and saves it. A token that only
// looks wrong is refused here and sends nothing. If the answer was lost, Enroll
// with the same token again: the fleet takes it once more for the same key, which
// is kept until there is an answer.
func Enroll(ctx context.Context, line string, o Options) (Edge, error) {
	t, err := token.Parse(line)
	if err != nil {
		return Edge{}, err
	}
	if o.Destination != "" && strings.TrimSuffix(o.Destination, "/") != t.URL {
		return Edge{}, ErrDestination
	}
	if !o.Now().Before(t.Expires) {
		return Edge{}, token.ErrExpired
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, Time: o.Now}
	if len(t.Pin) > 0 {
		// The chain is verified against the pinned authority, which nobody but
		// the token vouches for, so the library's own check is done here instead.
		c.InsecureSkipVerify = true
		u, _ := url.Parse(t.URL) // Parse has
		c.VerifyConnection = func(s tls.ConnectionState) error {
			return verifyPinned(s.PeerCertificates, t.Pin, u.Hostname(), o.Now())
		}
	}
	key, err := o.enrolmentKey()
	if err != nil {
		return Edge{}, err
	}
	e, err := o.exchange(ctx, t.URL, EnrollPath, Request{Token: line, Install: o.Install, Ledger: o.Ledger}, c, key)
	if err != nil {
		return Edge{}, err
	}
	return e, o.forgetKey()
}

// Renew exchanges the certificate for a younger one with a new key and saves
// it. Until it returns the old one is in place; both are good.
func Renew(ctx context.Context, e Edge, o Options) (Edge, error) {
	base := e.URL
	if o.Destination != "" {
		base = strings.TrimSuffix(o.Destination, "/")
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS13, Time: o.Now, RootCAs: e.Roots,
		// Always this one: the library would leave it out if the server's list of
		// authorities did not name its issuer, and the refusal would mislead.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &e.Cert, nil },
	}
	o.Install = e.Install
	key, err := newKey()
	if err != nil {
		return Edge{}, err
	}
	return o.exchange(ctx, base, RenewPath, Request{Ledger: o.Ledger}, c, key)
}

// verifyPinned accepts a chain that leads to the pinned key, for the host that
// was dialled.
func verifyPinned(chain []*x509.Certificate, pin []byte, host string, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	found := false
	for _, c := range chain {
		if h := sha256.Sum256(c.RawSubjectPublicKeyInfo); bytes.Equal(h[:], pin) {
			roots.AddCert(c)
			found = true
		} else {
			between.AddCert(c)
		}
	}
	if !found {
		return errors.New("the server is not of the authority that the token names")
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between, CurrentTime: now})
	return err
}

// exchange asks for a key's certificate, checks the answer and saves both.
func (o Options) exchange(ctx context.Context, base, path string, r Request, c *tls.Config, key *ecdsa.PrivateKey) (Edge, error) {
	var err error
	r.CSR, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: o.Install}}, key)
	if err != nil {
		return Edge{}, err
	}
	text, err := keyText(key)
	if err != nil {
		return Edge{}, err
	}
	a, err := o.post(ctx, base+path, r, c)
	if err != nil {
		return Edge{}, err
	}
	f := file{
		Version: fileVersion, URL: base, Chain: a.Certificate, Roots: a.Roots, Fleet: a.Fleet,
		Key: string(text),
	}
	e, err := f.edge()
	if err != nil {
		return Edge{}, fmt.Errorf("the fleet's answer: %w", err)
	}
	if e.Install != o.Install {
		return Edge{}, errors.New("the fleet's answer: the certificate is for another install")
	}
	return e, e.save(o.FS, o.Data)
}

func (o Options) post(ctx context.Context, to string, r Request, c *tls.Config) (Answer, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return Answer{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return Answer{}, errors.New("ask the fleet: its URL cannot be read")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "weir")
	client := o.client(c)
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("ask the fleet: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		reason, ok := ParseReason(resp.Header.Get(ReasonHeader))
		if !ok {
			reason = ""
		}
		return Answer{}, &Refused{Status: resp.StatusCode, Reason: reason}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, MaxExchange+1))
	if err != nil {
		return Answer{}, fmt.Errorf("read the fleet's answer: %w", err)
	}
	var a Answer
	if len(b) > MaxExchange || json.Unmarshal(b, &a) != nil {
		return Answer{}, errors.New("read the fleet's answer: it is not one of a Weir fleet")
	}
	if a.Fleet != "" {
		if _, err := note.NewVerifier(a.Fleet); err != nil {
			return Answer{}, errors.New("read the fleet's answer: its key cannot be read")
		}
	}
	return a, nil
}

func (o Options) client(c *tls.Config) *http.Client {
	if o.Client != nil {
		return o.Client(c)
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: nil, TLSClientConfig: c, DisableCompression: true, MaxResponseHeaderBytes: MaxExchange},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
