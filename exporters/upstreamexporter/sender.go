package upstreamexporter

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// idlePoll is how often the sender looks whether a policy has come into force.
const idlePoll = time.Second

// send is the sender: one report at a time, the oldest that may leave, at the
// install's place in the interval, until it has an outcome.
func (u *upstream) send(ctx context.Context) {
	defer close(u.done)
	failures, checked := 0, uint64(0)
	for ctx.Err() == nil {
		l := u.book.Load()
		u.member.tend(ctx, u.source.Decision())
		if next := l.NextSequence(); next != checked {
			u.shorten(ctx, l)
			checked = next
		}
		report, ok, err := ledger.Record{}, false, l.Err()
		if err == nil {
			report, ok, err = l.Oldest(u.force.may())
		}
		if err != nil {
			u.senderFailed(err)
		}
		if !ok {
			u.idle(ctx)
			continue
		}
		interval := u.force.interval(u.source.Decision(), policy.Digest(report.PolicyDigest))
		if wait := u.plan.due(report.Time, u.now(), interval); wait > 0 {
			sleep(ctx, wait) // then ask anew what may leave
			continue
		}
		reason, after := u.attempt(ctx, l, report)
		if ctx.Err() != nil {
			return
		}
		if reason == "" {
			if failures > 0 {
				u.log.Info("destination answers again", zap.Int("pending_reports", l.PendingCount()))
			}
			failures, u.dropping = 0, false
			u.sayUntidy(l.TidyErr())
			if l.PendingCount() > 0 {
				sleep(ctx, u.plan.pace(len(report.Body), interval))
			}
			continue
		}
		if failures == 0 {
			u.log.Warn("report could not be delivered; it is kept and tried again", zap.String("reason", reason))
		}
		u.tel.UpstreamRetries.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
		sleep(ctx, u.plan.backoff(failures, after))
		failures++
	}
}

// sayUntidy says once that old segments stay as they are. Nothing is lost by
// that but room on the disk; files and system errors are named.
func (u *upstream) sayUntidy(err error) {
	if err != nil && !u.untidy {
		u.log.Warn("finished segments of the ledger could not be packed or pruned; it is tried again with each report", zap.Error(err))
	}
	u.untidy = err != nil
}

// senderFailed is ledgerFailed for the sender. A ledger that was closed under
// it is being opened again, or the end has come.
func (u *upstream) senderFailed(err error) {
	if errors.Is(err, ledger.ErrClosed) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.ledgerFailed(err)
}

// attempt posts a report and records the outcome. If there is none it returns
// why, and how long the server asks to be left alone.
func (u *upstream) attempt(ctx context.Context, l *ledger.Ledger, report ledger.Record) (reason string, after time.Duration) {
	said, err := u.state(l, report)
	if err != nil {
		u.senderFailed(err)
		return reasonLedger, 0
	}
	a, err := u.client.post(ctx, report.Destination, said.header(), report.Body, u.now)
	if err != nil {
		return err.Error(), 0 // a word, see fault
	}
	u.countSent(ctx, report.Body)
	o := ledger.Outcome{Status: a.class()}
	switch {
	case a.status/100 == 2:
		o.Result, o.Receipt = ledger.Acknowledged, u.receipt(ctx, said, a.receipt)
	case a.status == 429 || a.status == 408:
		return "throttled", a.retryAfter
	case aboutTheReport(a.status):
		if !u.refusedForGood(report.Index) {
			return "refused", 0
		}
		o.Result = ledger.Refused
	case a.status/100 == 4 && a.refused != "":
		return string(a.refused), a.retryAfter
	case a.status/100 == 4:
		return "denied", a.retryAfter
	case a.status/100 == 5:
		return "server_error", a.retryAfter
	case a.status/100 == 3:
		return "redirect", 0
	default:
		return "answer", 0
	}
	if _, err := l.Append(o.Record(&report)); err != nil {
		u.senderFailed(err)
		return reasonLedger, 0
	}
	u.countOutcome(ctx, o.Result)
	if o.Result == ledger.Acknowledged {
		u.tel.UpstreamRejectedPoints.Add(ctx, a.rejected)
		u.lastSuccess.Store(u.now().UnixNano())
	}
	return "", 0
}

func (u *upstream) countOutcome(ctx context.Context, r ledger.Result) {
	u.tel.UpstreamReports.Add(ctx, 1, metric.WithAttributes(attribute.String("outcome", string(r))))
}

// refusalsForGood is how often a report must be refused until that is final. A
// network that cuts a request short makes the server say the same of a report
// that is good, and that must not cost it.
const refusalsForGood = 3

func (u *upstream) refusedForGood(index int64) bool {
	if u.refused.index != index {
		u.refused.index, u.refused.times = index, 0
	}
	u.refused.times++
	return u.refused.times >= refusalsForGood
}

// aboutTheReport says whether a status means that this report will never be
// taken. The other 4xx are about who sends it where: a proxy that wants a
// password, a wrong path, a certificate that ran out. Those can be mended, and
// must not cost a report.
func aboutTheReport(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge || status == http.StatusUnprocessableEntity
}

// idle waits for a report, for a policy, or for the end.
func (u *upstream) idle(ctx context.Context) {
	t := time.NewTimer(idlePoll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-u.wake:
	case <-t.C:
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
