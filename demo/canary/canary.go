// Package canary holds the texts that the sample product scatters through its
// logs, metrics and traces, and that must never be found in anything that
// leaves. They are constants, so that a test can look for them.
//
// None of them belongs to anybody: the mail's domain, the network and the
// telephone number are reserved for documentation, the card number is the
// payment industry's test number.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
)

// One constant per kind of secret.
const (
	Mail     = "jane.roe@example.com"
	Name     = "Jannike Roehampton"
	Company  = "Roehampton Retail GmbH"
	Phone    = "+44 20 7946 0991"
	Street   = "17 Canary Wharf Lane"
	Token    = "eyJhbGciOiJIUzI1NiJ9.Y2FuYXJ5.c2lnbmF0dXJlLW9mLWNhbmFyeQ"
	Password = "hunter2-canary"
	Card     = "4111111111111111"
	Address  = "203.0.113.77"
	Host     = "orders-db-07.corp.example"
	Literal  = "pin-4711-canary"
	SQL      = "SELECT id, pin FROM customers WHERE mail = '" + Mail + "' AND pin = '" + Literal + "'"
)

// CardNumber is Card as a number: a secret need not be text.
const CardNumber = 4111111111111111

// All lists every canary. SQL is covered by the literals inside it, and by
// itself.
func All() []string {
	return []string{Mail, Name, Company, Phone, Street, Token, Password, Card, Address, Host, Literal, SQL}
}

// Find returns the canaries that data holds: raw, in base64 of any alignment,
// in hex or URL-encoded. It does not look into compressed data.
func Find(data []byte) []string {
	var found []string
	for _, c := range All() {
		for _, form := range forms(c) {
			if bytes.Contains(data, []byte(form)) {
				found = append(found, c)
				break
			}
		}
	}
	return found
}

// forms are the ways in which a text can be written without compression.
func forms(text string) []string {
	all := []string{
		text,
		strings.ToUpper(text),
		hex.EncodeToString([]byte(text)),
		strings.ToUpper(hex.EncodeToString([]byte(text))),
		url.QueryEscape(text),
		url.PathEscape(text),
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			all = append(all, inner(e, text, shift))
		}
	}
	return all
}

// inner is the part of text's base64 that does not depend on its neighbours
// when text starts shift bytes into a group of three.
func inner(e *base64.Encoding, text string, shift int) string {
	padded := e.EncodeToString(append(make([]byte, shift), text...))
	// A character carries six bits. The first that lies wholly inside text is
	// the one after ceil(8*shift/6); the last one ends at or before text's end.
	first := (8*shift + 5) / 6
	last := 8 * (shift + len(text)) / 6
	return padded[first:last]
}
