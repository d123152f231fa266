package policy

import (
	"slices"
	"strconv"
)

// DomainKind is the sort of a domain.
type DomainKind uint8

// The domains. There is none for free text, and there will be none: whatever a
// sender writes into it could leave. The zero DomainKind is no domain.
const (
	DomainEnum   DomainKind = iota + 1 // a string of the list, exactly
	DomainBool                         // a bool
	DomainInt                          // an int within [Min, Max]
	DomainSemver                       // a string: a semantic version, at most 32 characters
	DomainUUID                         // a string: a UUID, 36 characters, lower case
	DomainHMAC                         // any string, sent as a keyed hash of 16 hex digits
)

// The lengths of the domains' texts.
const (
	MaxSemverLength = 32
	UUIDLength      = 36
	HMACLength      = 16
)

func (k DomainKind) String() string { return nameOf(domainNames, k) }

// domainNames lists what `type:` understands; enum is written as a list.
var domainNames = []named[DomainKind]{
	{"bool", DomainBool}, {"int", DomainInt}, {"semver", DomainSemver}, {"uuid", DomainUUID},
	{"hmac", DomainHMAC}, {"enum", DomainEnum},
}

// Domain is a closed set of values.
type Domain struct {
	Kind     DomainKind
	Values   []string // of an enum, in the file's order
	Min, Max int64    // of an int
}

// Dense reports whether the domain is small enough for every value to have a
// place of its own from the start. The others go through a dictionary.
func (d Domain) Dense() bool {
	return d.Kind == DomainEnum || d.Kind == DomainBool || d.Kind == DomainInt
}

// Size is the number of values of a dense domain, -1 of any other. The constant
// of an Otherwise is not counted; see [Attribute.Size].
func (d Domain) Size() int {
	switch d.Kind {
	case DomainEnum:
		return len(d.Values)
	case DomainBool:
		return 2
	case DomainInt:
		return int(d.Max - d.Min + 1)
	default:
		return -1
	}
}

// Contains reports whether value is the canonical text of a value as a report
// carries it: "true", "42", "1.2.3". For an hmac that is the hash, not what was
// hashed.
func (d Domain) Contains(value string) bool {
	switch d.Kind {
	case DomainEnum:
		return slices.Contains(d.Values, value)
	case DomainBool:
		return value == "true" || value == "false"
	case DomainInt:
		n, err := strconv.ParseInt(value, 10, 64)
		return err == nil && d.Min <= n && n <= d.Max && strconv.FormatInt(n, 10) == value
	case DomainSemver:
		return isSemver(value)
	case DomainUUID:
		return isUUID(value)
	case DomainHMAC:
		return len(value) == HMACLength && isLowerHex(value)
	default:
		return false
	}
}

// isSemver reports whether s is a version of at most 32 characters as
// semver.org 2.0.0 has it: no leading "v", no leading zeros in numbers.
func isSemver(s string) bool {
	if len(s) > MaxSemverLength {
		return false
	}
	for part := range 3 {
		n := 0
		for n < len(s) && isDigit(s[n]) {
			n++
		}
		if n == 0 || n > 1 && s[0] == '0' {
			return false
		}
		s = s[n:]
		if part < 2 {
			if s == "" || s[0] != '.' {
				return false
			}
			s = s[1:]
		}
	}
	ok := true
	if s != "" && s[0] == '-' {
		if s, ok = identifiers(s[1:], true); !ok {
			return false
		}
	}
	if s != "" && s[0] == '+' {
		if s, ok = identifiers(s[1:], false); !ok {
			return false
		}
	}
	return s == ""
}

// identifiers reads dot-separated identifiers up to a '+' or the end. Numeric
// ones of a pre-release have no leading zero.
func identifiers(s string, prerelease bool) (rest string, ok bool) {
	for {
		n, numeric := 0, true
		for n < len(s) && (isDigit(s[n]) || isAlpha(s[n]) || s[n] == '-') {
			numeric = numeric && isDigit(s[n])
			n++
		}
		if n == 0 || prerelease && numeric && n > 1 && s[0] == '0' {
			return "", false
		}
		s = s[n:]
		if s == "" || s[0] != '.' {
			return s, true
		}
		s = s[1:]
	}
}

func isUUID(s string) bool {
	return len(s) == UUIDLength && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		isLowerHex(s[:8]) && isLowerHex(s[9:13]) && isLowerHex(s[14:18]) && isLowerHex(s[19:23]) && isLowerHex(s[24:])
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
