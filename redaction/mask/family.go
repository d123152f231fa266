package mask

import (
	"fmt"
	"strings"
)

// Family is one kind of thing that is masked.
type Family uint8

// The families, in the order of their names' first use in the documents. The
// numbers are not stored anywhere.
const (
	Mail       Family = iota // mail addresses
	Card                     // payment card numbers (Luhn)
	IBAN                     // bank accounts (mod 97)
	NationalID               // US SSN, UK NINO, German tax id, French NIR
	IP                       // IPv4 and IPv6 addresses
	JWT                      // JSON web tokens, signed or encrypted
	Credential               // what follows `Bearer` and `Basic`
	CloudKey                 // keys and tokens that name their issuer in a prefix
	PrivateKey               // PEM blocks of private keys
	Connection               // user and password in scheme://user:password@host
	Secret                   // values of `password=`-like pairs and JSON keys
	Families                 // how many there are
)

// No constant is called as a built-in key is: <secret> would be an element of XML
// whose text is to be masked.
var families = [Families]struct{ name, constant string }{
	Mail:       {"mail", "<mail>"},
	Card:       {"card", "<card>"},
	IBAN:       {"iban", "<iban>"},
	NationalID: {"national_id", "<national-id>"},
	IP:         {"ip", "<ip>"},
	JWT:        {"jwt", "<jwt>"},
	Credential: {"credential", "<auth>"},
	CloudKey:   {"cloud_key", "<cloud-key>"},
	PrivateKey: {"private_key", "<private-key>"},
	Connection: {"connection", "<connection>"},
	Secret:     {"secret", "<hidden>"},
}

// String is the family's name in a configuration.
func (f Family) String() string { return families[f].name }

// Constant is what stands in the place of whatever was masked.
func (f Family) Constant() string { return families[f].constant }

// ParseFamily is the inverse of Family.String.
func ParseFamily(name string) (Family, error) {
	for f := range Families {
		if families[f].name == name {
			return f, nil
		}
	}
	return 0, fmt.Errorf("no family is called %q: take from %s", name, strings.Join(Names(), ", "))
}

// Names lists all families.
func Names() []string {
	names := make([]string, Families)
	for f := range Families {
		names[f] = f.String()
	}
	return names
}

// constantAt is the length of the constant that p begins with, or 0.
func constantAt(p []byte) int {
	if len(p) == 0 || p[0] != '<' {
		return 0
	}
	for f := range Families {
		if c := families[f].constant; len(p) >= len(c) && string(p[:len(c)]) == c {
			return len(c)
		}
	}
	return 0
}

// inert says that nothing is left to mask in p: it is empty, or consists of
// constants, or of the stars that somebody else masked with.
func inert(p []byte) bool {
	for len(p) > 0 {
		if p[0] == '*' {
			p = p[1:]
			continue
		}
		n := constantAt(p)
		if n == 0 {
			return false
		}
		p = p[n:]
	}
	return true
}
