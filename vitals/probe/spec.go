package probe

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Spec is one probe as it is configured.
type Spec struct {
	// Name tells probes apart, in metrics and in the evidence. It stays local.
	Name string `mapstructure:"name"`
	Kind Kind   `mapstructure:"kind"`
	// Target is of dns a name, of tcp and tls host:port, of http a URL, of proxy
	// the proxy's URL, of disk and inode a folder, of memory a cgroup's folder or
	// empty for the machine, of clock a URL whose Date is believed or empty for
	// what the kernel says of its synchronization.
	Target string `mapstructure:"target"`
	// Timeout bounds one run.
	Timeout time.Duration `mapstructure:"timeout"`
	// Interval is the time between two runs.
	Interval time.Duration `mapstructure:"interval"`

	// Resolver is host[:port] of the name server that dns asks; empty: as the
	// system is set up.
	Resolver string `mapstructure:"resolver"`
	// ServerName is the name that a certificate must have, if it is not the
	// target's.
	ServerName string `mapstructure:"server_name"`
	// CAFile replaces the system's authorities. It is read anew each time.
	CAFile string `mapstructure:"ca_file"`
	// ExpiresWithin is how long before its end a certificate is a warning.
	ExpiresWithin time.Duration `mapstructure:"expires_within"`
	// Statuses are wanted of http and proxy; none: 200 to 399 and 200.
	Statuses []int `mapstructure:"statuses"`
	// Connect is host:port that proxy is asked to connect to.
	Connect string `mapstructure:"connect"`
	// FailBelow and WarnBelow are shares of what disk, inode and memory have.
	FailBelow float64 `mapstructure:"fail_below"`
	WarnBelow float64 `mapstructure:"warn_below"`
	// Pressure is the share of the last minute in which all work waited for
	// memory, from which on memory fails.
	Pressure float64 `mapstructure:"pressure"`
	// MaxSkew is by how much a clock may be wrong.
	MaxSkew time.Duration `mapstructure:"max_skew"`
}

// Defaults.
const (
	DefaultTimeout       = 5 * time.Second
	DefaultInterval      = 30 * time.Second
	DefaultExpiresWithin = 14 * 24 * time.Hour
	DefaultFailBelow     = 0.02
	DefaultWarnBelow     = 0.10
	DefaultPressure      = 0.10
	DefaultMaxSkew       = 30 * time.Second
)

func (s Spec) withDefaults() Spec {
	orDuration := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	orDuration(&s.Timeout, DefaultTimeout)
	orDuration(&s.Interval, DefaultInterval)
	orDuration(&s.ExpiresWithin, DefaultExpiresWithin)
	orDuration(&s.MaxSkew, DefaultMaxSkew)
	if s.FailBelow == 0 {
		s.FailBelow = DefaultFailBelow
	}
	if s.WarnBelow == 0 {
		s.WarnBelow = max(DefaultWarnBelow, s.FailBelow)
	}
	if s.Pressure == 0 {
		s.Pressure = DefaultPressure
	}
	return s
}

const (
	maxName   = 64
	maxTarget = 512
)

// Validate gathers every fault, each with a hint. No fault repeats a target: it
// may hold a password by mistake.
func (s Spec) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch {
	case s.Name == "":
		fault("name: is empty; say what it looks at, such as orders-database")
	case len(s.Name) > maxName || strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		fault("name: is longer than %d bytes or holds characters that do not show", maxName)
	}
	if !slices.Contains(Kinds, s.Kind) {
		fault("kind: %q is none; write one of %v", s.Kind, Kinds)
		return errors.Join(errs...)
	}
	if len(s.Target) > maxTarget {
		fault("target: is longer than %d bytes", maxTarget)
	}
	errs = append(errs, s.validTarget()...)
	for what, d := range map[string]struct{ value, least, most time.Duration }{
		"timeout":        {s.Timeout, 10 * time.Millisecond, time.Minute},
		"interval":       {s.Interval, 100 * time.Millisecond, 24 * time.Hour},
		"expires_within": {s.ExpiresWithin, time.Second, 10 * 365 * 24 * time.Hour},
		"max_skew":       {s.MaxSkew, time.Second, 24 * time.Hour},
	} {
		if d.value != 0 && (d.value < d.least || d.value > d.most) {
			fault("%s: is %s; use %s to %s", what, d.value, d.least, d.most)
		}
	}
	for what, share := range map[string]float64{"fail_below": s.FailBelow, "warn_below": s.WarnBelow, "pressure": s.Pressure} {
		if !(share >= 0 && share < 1) {
			fault("%s: is %v; write a share from 0 to 1, such as 0.05", what, share)
		}
	}
	if s.FailBelow > 0 && s.WarnBelow > 0 && s.WarnBelow < s.FailBelow {
		fault("warn_below: is less than fail_below; a warning comes first")
	}
	for _, n := range s.Statuses {
		if n < 100 || n > 599 {
			fault("statuses: %d is no status of HTTP", n)
		}
	}
	errs = append(errs, s.unused()...)
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

func (s Spec) validTarget() (errs []error) {
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch s.Kind {
	case DNS:
		if !hostName(s.Target) {
			fault("target: is no name to resolve; write a name such as db.internal")
		}
		if s.Resolver != "" && !hostName(s.Resolver) && !hostPort(s.Resolver) {
			fault("resolver: is no host or host:port; write an address such as 10.0.0.2")
		}
	case TCP, TLS:
		if !hostPort(s.Target) {
			fault("target: is no host:port; write it as db.internal:5432")
		}
	case HTTP:
		errs = append(errs, validURL("target", s.Target, false)...)
	case Clock:
		if s.Target != "" {
			errs = append(errs, validURL("target", s.Target, false)...)
		}
	case Proxy:
		errs = append(errs, validURL("target", s.Target, true)...)
		if !hostPort(s.Connect) {
			fault("connect: is no host:port; write what the proxy is asked to connect to, such as registry.internal:443")
		}
	case Disk, Inode:
		if s.Target == "" {
			fault("target: is empty; name a folder on the file system")
		}
	}
	return errs
}

// unused says which keys have no meaning for the kind: somebody expects
// something of them.
func (s Spec) unused() (errs []error) {
	url := s.Kind == HTTP || s.Kind == Clock && s.Target != "" || s.Kind == Proxy
	share := s.Kind == Disk || s.Kind == Inode || s.Kind == Memory
	for _, k := range []struct {
		key       string
		set, used bool
	}{
		{"resolver", s.Resolver != "", s.Kind == DNS},
		{"server_name", s.ServerName != "", s.Kind == TLS},
		{"ca_file", s.CAFile != "", s.Kind == TLS || url},
		{"expires_within", s.ExpiresWithin != 0, s.Kind == TLS || s.Kind == HTTP},
		{"statuses", len(s.Statuses) > 0, s.Kind == HTTP || s.Kind == Proxy},
		{"connect", s.Connect != "", s.Kind == Proxy},
		{"fail_below", s.FailBelow != 0, share},
		{"warn_below", s.WarnBelow != 0, share},
		{"pressure", s.Pressure != 0, s.Kind == Memory},
		{"max_skew", s.MaxSkew != 0, s.Kind == Clock && s.Target != ""},
	} {
		if k.set && !k.used {
			errs = append(errs, fmt.Errorf("%s: has no use with kind %s here; remove it", k.key, s.Kind))
		}
	}
	return errs
}

func validURL(key, target string, bare bool) (errs []error) {
	u, err := url.Parse(target)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || !hostName(u.Hostname()):
		errs = append(errs, fmt.Errorf("%s: is no URL with http or https; write it as http://127.0.0.1:8080/healthz", key))
	case u.User != nil:
		errs = append(errs, fmt.Errorf("%s: holds a user; a probe signs in nowhere, remove it", key))
	case bare && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != ""):
		errs = append(errs, fmt.Errorf("%s: has more than a host and a port; remove the rest", key))
	}
	return errs
}

func hostName(s string) bool {
	return s != "" && len(s) <= 253 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r == '.' || r == '-' || r == '_' || r == ':' || r == '%' || unicode.IsLetter(r) || unicode.IsDigit(r))
	})
}

func hostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.ParseUint(port, 10, 16)
	return err == nil && perr == nil && n > 0 && hostName(host)
}

// Hosts are the hosts that running the probe talks to or has others talk to,
// name servers left out, since what they are asked is not theirs.
func (s Spec) Hosts() []string {
	split := func(s string) []string {
		host, _, err := net.SplitHostPort(s)
		if err != nil {
			return nil
		}
		return []string{strings.ToLower(host)}
	}
	switch {
	case s.Local():
		return nil
	case s.Kind == DNS:
		return []string{strings.ToLower(s.Target)}
	case s.Kind == TCP, s.Kind == TLS:
		return split(s.Target)
	}
	var all []string
	if u, err := url.Parse(s.Target); err == nil {
		all = append(all, strings.ToLower(u.Hostname()))
	}
	if s.Kind == Proxy {
		all = append(all, split(s.Connect)...)
	}
	return all
}
