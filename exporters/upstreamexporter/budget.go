package upstreamexporter

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// recalled counts what left today, so that a restart opens no second budget.
// The ledger is what knows it; one that cannot be read is not written either.
func (u *upstream) recalled() *gate.Meter {
	m := gate.NewMeter()
	midnight := u.now().UTC().Truncate(24 * time.Hour)
	policies := map[policy.Digest]*policy.Policy{}
	err := u.recordedSince(midnight, func(r ledger.Record) {
		if r.Kind != ledger.KindReport {
			return
		}
		digest := policy.Digest(r.PolicyDigest)
		p, known := policies[digest]
		if !known {
			p, _ = consent.Text(u.fsys, u.cfg.Data, digest) // without it the report's time counts
			policies[digest] = p
		}
		m.Recall(p, r.Body)
	})
	if err != nil {
		u.log.Warn("what left today cannot be read back whole; the rest of it is not counted", zap.Error(err))
	}
	return m
}

var errTooFew = errors.New("the records begin too late")

// recordedSince visits the ledger's last records, from one before since on.
func (u *upstream) recordedSince(since time.Time, visit func(ledger.Record)) error {
	begin := int64(-1)
	for n := int64(4096); ; n *= 8 {
		r, err := ledger.NewReader(u.fsys, u.ledgerDir(), n)
		if err != nil {
			return err
		}
		first := true
		err = r.Read(func(rec ledger.Record) error {
			if first && rec.Index > 0 && rec.Index != begin && !rec.Time.Before(since) {
				begin = rec.Index // more of them begin earlier, if there are more
				return errTooFew
			}
			first = false
			if !rec.Time.Before(since) {
				visit(rec)
			}
			return nil
		})
		if !errors.Is(err, errTooFew) {
			return err
		}
	}
}

// observeBudget says how much of today's budget is used up. The names are the
// policy's own.
func (u *upstream) observeBudget() error {
	observe := func(bits func(gate.Usage) float64) metric.Float64Callback {
		return func(_ context.Context, o metric.Float64Observer) error {
			d := u.source.Decision()
			if d.State != consent.Active || d.Policy == nil {
				return nil
			}
			for _, e := range u.meter.Usage(d.Policy, u.now()) {
				o.Observe(bits(e), metric.WithAttributes(attribute.String("entry", e.Entry)))
			}
			return nil
		}
	}
	return errors.Join(
		u.tel.RegisterUpstreamBudgetUsedCallback(observe(func(e gate.Usage) float64 { return e.Used })),
		u.tel.RegisterUpstreamBudgetLimitCallback(observe(func(e gate.Usage) float64 { return e.Limit })),
	)
}
