package syntax

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/grafana/regexp"
	"github.com/prometheus/common/model"
)

// CompileLineRegexp compiles the expression of |~ and !~: not anchored, and the
// dot matches a line break too.
func CompileLineRegexp(expr string) (*regexp.Regexp, error) {
	return regexp.Compile("(?s)" + expr)
}

// checkNamedGroups demands what the regexp parser needs.
func checkNamedGroups(expr string) error {
	re, err := regexp.Compile(expr)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, name := range re.SubexpNames() {
		if name == "" {
			continue
		}
		if !model.LegacyValidation.IsValidLabelName(name) {
			return fmt.Errorf("invalid extracted label name '%s'", name)
		}
		if seen[name] {
			return fmt.Errorf("duplicate extracted label name '%s'", name)
		}
		seen[name] = true
	}
	if len(seen) == 0 {
		return errors.New("at least one named capture must be supplied")
	}
	return nil
}

// IPRange is what ip("…") matches: an address, from-to or a prefix.
type IPRange struct{ From, To netip.Addr }

// Contains says whether the address lies in the range.
func (r IPRange) Contains(a netip.Addr) bool {
	a = a.Unmap()
	return a.BitLen() == r.From.BitLen() && r.From.Compare(a) <= 0 && a.Compare(r.To) <= 0
}

// ParseIP reads 10.0.0.1, 10.0.0.1-10.0.0.9 or 10.0.0.0/8, and the same of IPv6.
func ParseIP(s string) (IPRange, error) {
	invalid := fmt.Errorf("invalid pattern: ip: %q", s)
	if from, to, ok := strings.Cut(s, "-"); ok {
		a, err1 := netip.ParseAddr(strings.TrimSpace(from))
		b, err2 := netip.ParseAddr(strings.TrimSpace(to))
		if err1 != nil || err2 != nil || a.Unmap().BitLen() != b.Unmap().BitLen() {
			return IPRange{}, invalid
		}
		return IPRange{From: a.Unmap(), To: b.Unmap()}, nil
	}
	if strings.Contains(s, "/") {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return IPRange{}, invalid
		}
		p = p.Masked()
		last := p.Addr().AsSlice()
		for bit := p.Bits(); bit < len(last)*8; bit++ {
			last[bit/8] |= 1 << (7 - bit%8)
		}
		to, _ := netip.AddrFromSlice(last)
		return IPRange{From: p.Addr(), To: to}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return IPRange{}, invalid
	}
	return IPRange{From: a.Unmap(), To: a.Unmap()}, nil
}

// CheckIP says what is wrong with the argument of ip("…").
func CheckIP(s string) error {
	_, err := ParseIP(s)
	return err
}
