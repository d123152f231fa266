package probe

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEverySpecFaultHasAHintAndRepeatsNoTarget(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want string // "" is valid
	}{
		{Spec{Name: "a", Kind: DNS, Target: "db.internal", Resolver: "10.0.0.2"}, ""},
		{Spec{Name: "a", Kind: DNS, Target: "db.internal", Resolver: "[fd00::1]:53"}, ""},
		{Spec{Name: "a", Kind: TCP, Target: "[::1]:5432"}, ""},
		{Spec{Name: "a", Kind: TLS, Target: "db.internal:5432", ServerName: "db", CAFile: "ca.pem", ExpiresWithin: time.Hour}, ""},
		{Spec{Name: "a", Kind: HTTP, Target: "https://shop.internal/healthz?deep=1", Statuses: []int{200}}, ""},
		{Spec{Name: "a", Kind: Proxy, Target: "http://proxy:3128/", Connect: "registry:443"}, ""},
		{Spec{Name: "a", Kind: Disk, Target: "/data", FailBelow: 0.01, WarnBelow: 0.2}, ""},
		{Spec{Name: "a", Kind: Memory}, ""},
		{Spec{Name: "a", Kind: Clock}, ""},
		{Spec{Name: "a", Kind: Clock, Target: "http://time.internal", MaxSkew: time.Second}, ""},

		{Spec{Kind: Memory}, "name: is empty"},
		{Spec{Name: strings.Repeat("a", 65), Kind: Memory}, "name: is longer"},
		{Spec{Name: "a\nb", Kind: Memory}, "name: is longer than 64 bytes or holds characters that do not show"},
		{Spec{Name: "a", Kind: "ping"}, `kind: "ping" is none; write one of [dns tcp`},
		{Spec{Name: "a", Kind: DNS}, "target: is no name"},
		{Spec{Name: "a", Kind: DNS, Target: canary + " x"}, "target: is no name"},
		{Spec{Name: "a", Kind: DNS, Target: "a", Resolver: canary + "/"}, "resolver: is no host"},
		{Spec{Name: "a", Kind: TCP, Target: canary}, "target: is no host:port"},
		{Spec{Name: "a", Kind: TCP, Target: "a:0"}, "target: is no host:port"},
		{Spec{Name: "a", Kind: TCP, Target: "a:99999"}, "target: is no host:port"},
		{Spec{Name: "a", Kind: TCP, Target: strings.Repeat("a", 600) + ":1"}, "target: is longer than 512 bytes"},
		{Spec{Name: "a", Kind: HTTP, Target: "ftp://" + canary}, "target: is no URL"},
		{Spec{Name: "a", Kind: HTTP, Target: "http://u:" + canary + "@a/"}, "target: holds a user"},
		{Spec{Name: "a", Kind: HTTP, Target: "http://a", Statuses: []int{42}}, "statuses: 42"},
		{Spec{Name: "a", Kind: Proxy, Target: "http://a/b", Connect: "b:1"}, "target: has more than"},
		{Spec{Name: "a", Kind: Proxy, Target: "http://a"}, "connect: is no host:port"},
		{Spec{Name: "a", Kind: Disk}, "target: is empty"},
		{Spec{Name: "a", Kind: Disk, Target: "/", FailBelow: 1}, "fail_below: is 1"},
		{Spec{Name: "a", Kind: Disk, Target: "/", WarnBelow: -1}, "warn_below: is -1"},
		{Spec{Name: "a", Kind: Disk, Target: "/", FailBelow: 0.2, WarnBelow: 0.1}, "warn_below: is less"},
		{Spec{Name: "a", Kind: Memory, Timeout: time.Hour}, "timeout: is 1h0m0s; use 10ms to 1m0s"},
		{Spec{Name: "a", Kind: Memory, Interval: time.Millisecond}, "interval: is 1ms"},
		{Spec{Name: "a", Kind: Memory, Resolver: "a"}, "resolver: has no use with kind memory"},
		{Spec{Name: "a", Kind: TCP, Target: "a:1", Statuses: []int{200}}, "statuses: has no use"},
		{Spec{Name: "a", Kind: Clock, MaxSkew: time.Minute}, "max_skew: has no use"},
	} {
		err := c.spec.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: said %v, want %q", c.spec, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the fault repeats the target: %v", err)
		}
	}
	err := Spec{Kind: Proxy, Target: "x", Timeout: time.Hour, Resolver: "r"}.Validate()
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("five faults are said as\n%v", err)
	}
}

func TestHostsNamesWhomAProbeReaches(t *testing.T) {
	for want, s := range map[string]Spec{
		"db.internal":    {Kind: TCP, Target: "DB.internal:5432"},
		"shop.internal":  {Kind: HTTP, Target: "https://shop.internal:8443/x"},
		"proxy registry": {Kind: Proxy, Target: "http://proxy:3128", Connect: "registry:443"},
		"name.internal":  {Kind: DNS, Target: "name.internal", Resolver: "10.0.0.2"},
		"":               {Kind: Disk, Target: "/data"},
	} {
		if got := strings.Join(s.Hosts(), " "); got != want {
			t.Errorf("%+v reaches %q, want %q", s, got, want)
		}
	}
	local := slices.DeleteFunc(slices.Clone(Kinds), func(k Kind) bool { return !(Spec{Kind: k}).Local() })
	if !slices.Equal(local, []Kind{Disk, Inode, Memory, Clock}) || (Spec{Kind: Clock, Target: "http://a"}).Local() {
		t.Errorf("local are %v", local)
	}
}
