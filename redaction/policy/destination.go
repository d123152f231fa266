package policy

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	hostShape = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	pathShape = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$`)
)

// destination reads the only place that reports go to. The spelling is narrow
// on purpose: no user, no query, no escapes, nothing that two readers of URLs
// could take for two places.
func (c *collector) destination(n *yaml.Node) string {
	const hint = "write https://host[:port][/path]; http is for 127.0.0.1, [::1] and localhost only"
	s, ok := c.text(n, "destination")
	if !ok {
		return ""
	}
	refuse := func(what string) string {
		c.add(n.Line, n.Column, hint, "destination %s", what)
		return ""
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "":
		return refuse("is not a URL")
	case u.User != nil:
		return refuse("holds a user or password")
	case strings.ContainsAny(s, "?#%"):
		return refuse("holds a query, a fragment or an escape")
	case !pathShape.MatchString(u.Path):
		return refuse("has a path that is not well formed")
	}
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	isAddr := err == nil && addr.Zone() == "" && !addr.IsUnspecified()
	if !isAddr && (len(host) > 253 || !hostShape.MatchString(host)) {
		return refuse("has a host that is not well formed")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if i, err := strconv.ParseUint(p, 10, 16); err != nil || i == 0 || p[0] == '0' {
			return refuse("has a port that is not well formed")
		}
	}
	loopback := host == "localhost" || isAddr && addr.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return refuse("is not https")
	}
	return strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/")
}
