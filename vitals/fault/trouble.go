package fault

// Trouble is something that Weir knows of itself, in one word.
type Trouble string

// The troubles. That a report could not be delivered is a sign only where the
// reason is on this side: a destination that does not answer may be the vendor's
// own fault.
const (
	EmissionRefused Trouble = "emission_refused" // vitals' own numbers were not taken
	DataRefused     Trouble = "data_refused"     // what receivers took was refused by a pipeline
	StoreFailed     Trouble = "store_failed"     // the local store failed to store
	LedgerFailed    Trouble = "ledger_failed"    // a report could not be recorded
	UpstreamName    Trouble = "name"             // the destination's name does not resolve
	UpstreamProxy   Trouble = "proxy"            // the proxy does not connect
	UpstreamDenied  Trouble = "proxy_denied"     // the proxy denies
)

var troubles = []struct {
	Trouble
	Domain
	Source
	words string
}{
	{EmissionRefused, Collector, Own, "vitals' own numbers were not taken by a pipeline"},
	{DataRefused, Collector, Own, "what receivers took was refused by a pipeline"},
	{StoreFailed, Collector, Own, "the local store failed to store"},
	{LedgerFailed, Collector, Own, "a report could not be recorded in the ledger"},
	{UpstreamName, Network, Upstream, "the destination's name does not resolve"},
	{UpstreamProxy, Network, Upstream, "the proxy does not connect to the destination"},
	{UpstreamDenied, Network, Upstream, "the proxy denies the way to the destination"},
}

func (t Trouble) sign() Sign {
	for _, one := range troubles {
		if one.Trouble == t {
			return Sign{Domain: one.Domain, Owner: one.Domain.Owner(), Source: one.Source, Reason: string(t), Words: one.words}
		}
	}
	return Sign{Domain: Collector, Owner: Collector.Owner(), Source: Own, Reason: string(t)}
}
