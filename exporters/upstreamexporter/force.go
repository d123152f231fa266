package upstreamexporter

import (
	"sync"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// force says which recorded reports may be sent now.
//
// While no policy is in force, none may. While one is, its own may, and so may
// those that were recorded under an earlier one, if that is still accepted and
// not expired and has the same destination: an outage that spans a new revision must not
// strand what was recorded before it.
type force struct {
	fsys   vfs.FS
	data   string
	source consent.Source
	now    func() time.Time

	mu      sync.Mutex
	earlier map[policy.Digest]judgement
}

type judgement struct {
	may      bool
	interval time.Duration // the earlier policy's, as far as it can be read
	at       time.Time
	by       policy.Digest // the policy that was in force
}

// judgementAge is how long an earlier policy's standing is believed. A
// withdrawn acceptance counts after that.
const judgementAge = time.Second

// may returns the question for the ledger, as of now.
func (f *force) may() func(ledger.Entry) bool {
	d := f.source.Decision()
	return func(e ledger.Entry) bool { return f.mayUnder(d, policy.Digest(e.PolicyDigest)) }
}

func (f *force) mayUnder(d consent.Decision, digest policy.Digest) bool {
	if d.State != consent.Active || d.Policy == nil {
		return false
	}
	if d.Policy.Digest == digest {
		return true
	}
	return f.judge(d, digest).may
}

// interval is that of the policy of a digest; of one that cannot be read, that
// of the policy in force.
func (f *force) interval(d consent.Decision, digest policy.Digest) time.Duration {
	if d.State != consent.Active || d.Policy == nil {
		return 0
	}
	if d.Policy.Digest != digest {
		if j := f.judge(d, digest); j.interval > 0 {
			return j.interval
		}
	}
	return d.Policy.Interval
}

// judge looks at an earlier policy while d's is in force.
func (f *force) judge(d consent.Decision, digest policy.Digest) judgement {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	j, ok := f.earlier[digest]
	if !ok || j.by != d.Policy.Digest || now.Sub(j.at) > judgementAge || now.Before(j.at) {
		j = judgement{at: now, by: d.Policy.Digest}
		if old, _, err := consent.Standing(f.fsys, f.data, digest); err == nil {
			j.may = !old.Expired(now) && old.Destination == d.Policy.Destination
			j.interval = old.Interval
		}
		if f.earlier == nil {
			f.earlier = map[policy.Digest]judgement{}
		}
		f.earlier[digest] = j
	}
	return j
}
