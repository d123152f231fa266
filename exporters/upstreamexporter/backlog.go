package upstreamexporter

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// overLimit says how many of the oldest waiting reports are more than the
// backlog may hold.
//
// The backlog is measured in reports, each worth one interval of the policy
// that it was made under, and not by the clock: one that jumps a year must not
// cost a report, and one that goes back must not fill the disk.
func (u *upstream) overLimit(l *ledger.Ledger, d consent.Decision) int {
	var covered time.Duration
	l.Count(func(e ledger.Entry) bool {
		covered += u.force.interval(d, policy.Digest(e.PolicyDigest))
		return false
	})
	over := covered - u.cfg.Backlog.Limit
	if over <= 0 {
		return 0
	}
	return l.Count(func(e ledger.Entry) bool { // oldest first
		yes := over > 0
		over -= u.force.interval(d, policy.Digest(e.PolicyDigest))
		return yes
	})
}

// shorten drops what is over the limit, oldest first, and records it. It is
// called when reports have come, by the sender alone: none of what it drops is
// on its way. Held reports count as others do.
func (u *upstream) shorten(ctx context.Context, l *ledger.Ledger) {
	d := u.source.Decision()
	if d.State != consent.Active || d.Policy == nil {
		return // nothing is being added either
	}
	drop, err := l.DropOldest(u.overLimit(l, d))
	if err != nil {
		u.senderFailed(err)
		return
	}
	if drop.Count == 0 {
		return
	}
	u.tel.UpstreamReports.Add(ctx, int64(drop.Count), metric.WithAttributes(attribute.String("outcome", "dropped")))
	if !u.dropping {
		u.dropping = true
		u.log.Error("backlog is over its limit; the oldest reports are dropped, and the ledger says which",
			zap.Duration("limit", u.cfg.Backlog.Limit), zap.Uint64("first_sequence", drop.First))
	}
}
