package upstreamexporter

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/gate"
)

// Reasons for refusing a report beside the gate's and the policy's states.
const (
	reasonPolicyChanged = "policy_changed" // built under another policy than the one in force
	reasonLedger        = "ledger_failed"
	reasonEncode        = "encode"
)

// reopenAfter is the time between attempts to open a ledger that failed, which
// reads all of it.
const reopenAfter = time.Minute

// ConsumeMetrics records one report and wakes the sender. It always returns
// nil; see the package comment.
func (u *upstream) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	reason, signal := u.record(md)
	if reason != "" {
		u.tel.UpstreamRefused.Add(ctx, 1, metric.WithAttributes(attribute.String("reason", reason)))
		u.warn(reason, signal)
		return nil
	}
	u.tel.UpstreamReports.Add(ctx, 1, outcomeRecorded)
	select {
	case u.wake <- struct{}{}:
	default: // it is awake already
	}
	return nil
}

var outcomeRecorded = metric.WithAttributes(attribute.String("outcome", "recorded"))

// record takes a report all the way into the ledger, or says why not, with the
// policy's name of the signal concerned if the gate gave one.
func (u *upstream) record(md pmetric.Metrics) (reason, signal string) {
	d := u.source.Decision()
	if d.State != consent.Active || d.Policy == nil {
		return string(d.State), ""
	}
	if digestOf(md) != d.Policy.Digest.String() {
		return reasonPolicyChanged, ""
	}
	l := u.usableLedger()
	if l == nil {
		return reasonLedger, ""
	}
	now := u.now()
	sequence := l.NextSequence()
	report := stamp(md, sequence, d.Policy.Interval, now)
	body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(report)
	if err != nil {
		return reasonEncode, ""
	}
	// What is checked are the bytes that leave: their size, their encoding, what
	// they say, and that it is within the budget.
	if err := u.meter.CheckBytes(d.Policy, body, gate.Facts{Install: u.install, Sequence: sequence, Now: now, Running: time.Since(u.started)}); err != nil {
		var r *gate.Refusal
		if errors.As(err, &r) {
			return string(r.Reason), r.Signal
		}
		return string(gate.Malformed), ""
	}
	if err := u.append(l, d, ledger.Record{
		Kind: ledger.KindReport, Sequence: sequence, PolicyDigest: d.Policy.Digest,
		Destination: d.Policy.Destination, Body: body,
	}); err != nil {
		u.ledgerFailed(err)
		return reasonLedger, ""
	}
	return "", ""
}

// append records the report, and before it what the customer has said to the
// policy.
func (u *upstream) append(l *ledger.Ledger, d consent.Decision, report ledger.Record) error {
	if err := u.sayAll(l, d); err != nil {
		return err
	}
	_, err := l.Append(report)
	return err
}

// usableLedger returns the ledger, or nil if it cannot be written. One that
// failed, on a full disk perhaps, is opened again now and then.
func (u *upstream) usableLedger() *ledger.Ledger {
	l := u.book.Load()
	err := l.Err()
	if err == nil {
		return l
	}
	u.ledgerFailed(err)
	if since := u.now().Sub(u.openedAt); since >= 0 && since < reopenAfter {
		return nil // a clock that went back is no reason to wait for it
	}
	_ = l.Close()
	if err := u.openLedger(); err != nil {
		return nil // the reason it failed for was logged
	}
	u.broken = false
	u.log.Info("ledger can be written again; reports leave again")
	return u.book.Load()
}

// ledgerFailed says it once. Files and system errors are named, no telemetry is.
func (u *upstream) ledgerFailed(err error) {
	if u.broken {
		return
	}
	u.broken = true
	u.log.Error("ledger cannot be written; nothing leaves until it can, local work goes on",
		zap.String("reason", reasonLedger), zap.String("folder", u.ledgerDir()), zap.Error(err))
}

// warn says once for each reason that reports are refused by the gate. The
// policy's states are the policy extension's to say, the ledger's were said.
func (u *upstream) warn(reason, signal string) {
	if u.warned[reason] || reason == reasonLedger || reason == reasonPolicyChanged {
		return
	}
	for _, s := range consent.States {
		if reason == string(s) {
			return
		}
	}
	u.warned[reason] = true
	u.log.Error("report refused by the gate; it does not leave", zap.String("reason", reason), zap.String("signal", signal))
}
