package environment

import (
	"slices"
	"strings"
)

// families are the distributions that others say they are like.
var families = map[string]string{
	"debian": "debian", "ubuntu": "debian",
	"rhel": "rhel", "fedora": "rhel", "centos": "rhel", "amzn": "rhel", "ol": "rhel", "rocky": "rhel", "almalinux": "rhel",
	"suse": "suse", "sles": "suse", "opensuse": "suse", "opensuse-leap": "suse", "opensuse-tumbleweed": "suse", "sle-micro": "suse",
	"alpine": "alpine",
}

// family reads ID and ID_LIKE, as os-release(5) has them.
func family(h Host) string {
	release := h.text("etc/os-release")
	if release == "" {
		release = h.text("usr/lib/os-release")
	}
	for _, key := range []string{"ID", "ID_LIKE"} {
		for _, word := range strings.Fields(variable(release, key)) {
			if f := families[word]; f != "" {
				return f
			}
		}
	}
	return Other
}

// variable is the value of a variable in a file of shell assignments, without
// its quotes.
func variable(file, key string) string {
	for line := range strings.Lines(file) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && strings.TrimPrefix(name, "export ") == key {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}

// proxies are the variables that programs take their proxy from.
var proxies = []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}

// proxy looks where a machine's proxy is set for all programs. Weir itself goes
// through none but the one in its own configuration.
func proxy(h Host) string {
	sysconfig := h.text("etc/sysconfig/proxy") // SUSE's
	if strings.EqualFold(variable(sysconfig, "PROXY_ENABLED"), "no") {
		sysconfig = ""
	}
	everybody := h.text("etc/environment")
	return truth(h.has(proxies...) || slices.ContainsFunc(proxies, func(name string) bool {
		return variable(everybody, name) != "" || variable(sysconfig, name) != ""
	}))
}

// airGap believes WEIR_AIR_GAP: a firewall that lets nothing out cannot be seen
// without knocking at it.
func airGap(h Host) string {
	if said := h.Getenv("WEIR_AIR_GAP"); said == "true" || said == "false" {
		return said
	}
	// Without the table of routes nothing is known, and the ordinary is said.
	seen := h.exists("proc/net/route")
	return truth(seen && !routed(h) && proxy(h) == "false")
}

// routed says that there is a default route.
func routed(h Host) bool {
	for line := range strings.Lines(h.text("proc/net/route")) {
		// Iface Destination Gateway Flags RefCnt Use Metric Mask ...
		if f := strings.Fields(line); len(f) > 7 && f[1] == "00000000" && f[7] == "00000000" {
			return true
		}
	}
	for line := range strings.Lines(h.text("proc/net/ipv6_route")) {
		// destination, its length, source, its length, next hop, metric, references, use, flags, device. The kernel
		// holds a route to everywhere over lo, which refuses.
		if f := strings.Fields(line); len(f) > 9 && f[0] == strings.Repeat("0", 32) && f[1] == "00" && f[9] != "lo" {
			return true
		}
	}
	return false
}

func truth(yes bool) string {
	if yes {
		return "true"
	}
	return "false"
}
