package fleetreceiver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/ledger"
)

// Headers of the exchange, base64url without padding.
const (
	statementHeader = "Weir-Ledger"
	receiptHeader   = "Weir-Receipt"
)

// receipt checks what the edge says about its ledger and countersigns it. What
// is not true is counted and gets no receipt; the report has been taken all the
// same. An error means that the receipt could not be kept: the edge sends
// again, and the report, which is stored, is known.
func (r *fleetReceiver) receipt(ctx context.Context, header string, body []byte, peer identity.Peer) (string, error) {
	fleet, err := note.NewVerifier(r.door.CA.Verifier)
	if err != nil {
		return "", err
	}
	s, err := check(header, body, peer, fleet)
	if err != nil {
		reason := string(ledger.RefusedMalformed)
		var refused ledger.Refusal
		if errors.As(err, &refused) {
			reason = string(refused)
		}
		r.telemetry.FleetRefusedStatements.Add(ctx, 1, metric.WithAttributes(
			attribute.String("reason", reason), attribute.String("weir.install.id", r.labels.Label(peer.Install))))
		return "", nil
	}
	signed, err := ledger.Countersign(s.Checkpoint, r.door.CA.Signer)
	if err != nil {
		return "", err
	}
	entry, err := receipts.New(peer.Install, peer.Customer, s, body, signed, peer.Ledger)
	if err != nil {
		return "", err
	}
	if err := r.keep(ctx, entry); err != nil {
		return "", err
	}
	r.telemetry.FleetReceipts.Add(ctx, 1)
	return base64.RawURLEncoding.EncodeToString(signed), nil
}

// errNoLedger is counted as a bad signature: there is no key that could have made a good one.
var errNoLedger = ledger.RefusedSignature

func check(header string, body []byte, peer identity.Peer, fleet note.Verifier) (ledger.Statement, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(header)
	if err != nil {
		return ledger.Statement{}, ledger.RefusedMalformed
	}
	s, err := ledger.ParseStatement(raw)
	if err != nil {
		return s, err
	}
	if peer.Ledger == nil {
		return s, errNoLedger
	}
	return s, s.Check(body, peer.Install, peer.Ledger, fleet)
}

// keep sends the receipt down the logs pipeline and waits until it is stored.
func (r *fleetReceiver) keep(ctx context.Context, e receipts.Receipt) error {
	if r.logs == nil {
		return nil
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	// The two become the stream's labels.
	rl.Resource().Attributes().PutStr("service.name", receipts.Service)
	record := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	record.SetTimestamp(pcommon.NewTimestampFromTime(r.now()))
	record.SetObservedTimestamp(record.Timestamp())
	record.Body().SetStr(string(line))
	record.Attributes().PutStr("kind", receipts.Kind)
	record.Attributes().PutStr("install", e.Install)
	ctx = r.obs.StartLogsOp(ctx)
	if err := r.logs.ConsumeLogs(ctx, ld); err != nil {
		r.obs.EndLogsOp(ctx, "receipt", 1, errNotTaken)
		return &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, retry: true}
	}
	r.obs.EndLogsOp(ctx, "receipt", 1, nil)
	return nil
}
