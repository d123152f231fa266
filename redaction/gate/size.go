package gate

import "github.com/weir-telemetry/weir/redaction/policy"

// maxSize is a size that no report of p exceeds. It is generous: its only
// purpose is that a body which is absurdly large is not unmarshalled.
func maxSize(p *policy.Policy) int {
	const (
		header = 64  // tags and lengths of one message and what it always holds
		value  = 128 // an attribute's value, with its tags
	)
	size := 16 * header
	for _, a := range p.Identity {
		size += header + len(a.Key) + value
	}
	for i := range p.Signals {
		s := &p.Signals[i]
		point := 2*header + 20*(len(s.Bounds)+1)
		for _, a := range s.Attributes {
			point += header + len(a.Key) + value
		}
		size += header + len(s.Name) + len(s.Unit) + s.MaxSeries*point
	}
	return size
}
