// Package token is the one line that lets an install into a fleet, once.
//
// A vendor makes it with `weir fleet enroll`, hands it to one customer, and the
// customer's edge exchanges it for a certificate. It says where the fleet is,
// which authority to expect there (so that the very first connection needs no
// trust in anybody else), for whom it is, and until when; and it holds a secret
// of 32 random bytes, of which the fleet keeps the hash alone.
//
// [Store] is the fleet's side: files in a folder that all gateways share. That a
// token is used once rests on one thing only: creating a file that must not yet
// exist. It needs no lock, no clock that agrees, and no database.
package token

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Prefix starts every token, so that people and scanners for secrets know one.
const Prefix = "weir1."

const (
	secretSize = 32
	idSize     = 8
	maxText    = 4 << 10
)

// Errors. None of them quotes the token.
var (
	ErrMalformed = errors.New("not an enrolment token: copy the whole line that 'weir fleet enroll' printed, from weir1. to its end")
	ErrUnknown   = errors.New("this fleet gave out no such token")
	ErrExpired   = errors.New("the token has expired: ask the vendor for a new one")
	ErrUsed      = errors.New("the token has been used: ask the vendor for a new one")
)

// Token is what the line says. The whole of it is secret.
//
// Rules for change: fields are only added, with a meaning for their absence; one
// that a reader must not ignore takes another Prefix.
type Token struct {
	// URL is where the fleet takes reports, as a policy's destination says it.
	URL string `json:"url"`
	// Pin is the SHA-256 of the SubjectPublicKeyInfo of the authority behind the
	// fleet's server certificate; empty: one that the host trusts.
	Pin []byte `json:"pin,omitempty"`
	// Customer is the tenant that the install will belong to.
	Customer string `json:"customer"`
	// ID names the token and is no secret.
	ID      string    `json:"id"`
	Secret  []byte    `json:"secret"`
	Expires time.Time `json:"expires"`
}

// New makes a token.
func New(random io.Reader, customer, fleetURL string, pin []byte, expires time.Time) (Token, error) {
	b := make([]byte, idSize+secretSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return Token{}, fmt.Errorf("make token: %w", err)
	}
	t := Token{
		URL: strings.TrimSuffix(fleetURL, "/"), Pin: pin, Customer: customer,
		ID: hex.EncodeToString(b[:idSize]), Secret: b[idSize:], Expires: expires.UTC().Truncate(time.Second),
	}
	return t, t.check()
}

// NewRandom is [New] with the host's random source.
func NewRandom(customer, fleetURL string, pin []byte, expires time.Time) (Token, error) {
	return New(rand.Reader, customer, fleetURL, pin, expires)
}

// Text is the line. It is the only way to get at the secret by printing.
func (t Token) Text() string {
	b, _ := json.Marshal(t) // of these fields it cannot fail
	return Prefix + base64.RawURLEncoding.EncodeToString(b)
}

// String and GoString keep the secret out of anything that prints the value.
func (t Token) String() string   { return "token " + t.ID + " for " + t.Customer }
func (t Token) GoString() string { return t.String() }

// Parse reads a line. White space around it does not matter.
func Parse(line string) (Token, error) {
	line = strings.TrimSpace(line)
	text, ok := strings.CutPrefix(line, Prefix)
	if !ok || len(line) > maxText {
		return Token{}, ErrMalformed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Token{}, ErrMalformed
	}
	var t Token
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&t); err != nil || d.More() || t.check() != nil {
		return Token{}, ErrMalformed
	}
	return t, nil
}

var (
	customerName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)
	idText       = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// CheckCustomer says whether name can name a customer: what fits into a URI,
// a file's name and a label alike.
func CheckCustomer(name string) error {
	if !customerName.MatchString(name) {
		return errors.New("a customer's name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit")
	}
	return nil
}

// CheckURL says whether u can be a fleet's: https, since a certificate is of no
// use without TLS.
func CheckURL(u string) error {
	p, err := url.Parse(u)
	if err != nil || p.Scheme != "https" || p.Host == "" || p.User != nil || p.RawQuery != "" || p.Fragment != "" || strings.HasSuffix(p.Path, "/") {
		return errors.New("the fleet's URL is https://HOST[:PORT][/PATH], as the policy's destination says it")
	}
	return nil
}

func (t Token) check() error {
	switch {
	case !idText.MatchString(t.ID) || len(t.Secret) != secretSize || t.Expires.IsZero():
		return ErrMalformed
	case len(t.Pin) != 0 && len(t.Pin) != sha256.Size:
		return errors.New("the pin is not a SHA-256 hash")
	}
	return errors.Join(CheckCustomer(t.Customer), CheckURL(t.URL))
}

// hashLine is what the fleet keeps: of the line as it was printed, so that
// neither a field nor its spelling can be exchanged.
func hashLine(line string) []byte {
	h := sha256.Sum256([]byte(strings.TrimSpace(line)))
	return h[:]
}

func sameHash(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
