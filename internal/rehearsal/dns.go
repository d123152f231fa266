package rehearsal

import (
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/weir-telemetry/weir/internal/netlab"
)

// Asked are the names that near asked a resolver for, sorted.
func Asked(packets []netlab.Packet) []string {
	var names []string
	for _, p := range packets {
		var m dnsmessage.Parser
		if p.FromFar || p.Proto != "udp" || p.Dst.Port() != 53 {
			continue
		}
		if _, err := m.Start(p.Payload); err != nil {
			continue
		}
		q, err := m.Question()
		if name := strings.TrimSuffix(q.Name.String(), "."); err == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
