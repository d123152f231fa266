package upstreamexporter

import (
	"context"
	"encoding/base64"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/ledger"
)

// The headers that an enrolled edge and its fleet add. Both are base64url
// without padding.
const (
	statementHeader = "Weir-Ledger"  // ledger.Statement about the report
	receiptHeader   = "Weir-Receipt" // the statement's checkpoint, countersigned
)

// stated is what an enrolled edge says with a report.
type stated struct {
	ledger.Statement
	fleet note.Verifier // nil: nothing is said
}

// state makes the statement about a report for an enrolled edge's own fleet,
// whatever else takes OTLP gets none. A statement that cannot be made does not
// hold the report up, unless it is the ledger that failed.
func (u *upstream) state(l *ledger.Ledger, report ledger.Record) (stated, error) {
	e, ok := u.member.at(report.Destination)
	if !ok || e.Fleet == nil {
		return stated{}, nil
	}
	s, err := l.State(report, l.LastReceipt())
	if err != nil {
		return stated{}, l.Err()
	}
	return stated{s, e.Fleet}, nil
}

func (s stated) header() string {
	if s.fleet == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(s.Encode())
}

// receipt checks what the fleet answered. Only a receipt that is good is kept;
// one that is not does not undo the acknowledgement.
func (u *upstream) receipt(ctx context.Context, s stated, header string) string {
	if s.fleet == nil {
		return ""
	}
	note, outcome := "", "kept"
	raw, err := base64.RawURLEncoding.Strict().DecodeString(header)
	switch {
	case header == "":
		outcome = "absent"
	case err != nil:
		outcome = string(ledger.RefusedMalformed)
	default:
		err := s.CheckReceipt(raw, s.fleet)
		var r ledger.Refusal
		switch {
		case err == nil:
			note = string(raw)
		case errors.As(err, &r):
			outcome = string(r)
		default:
			outcome = string(ledger.RefusedMalformed)
		}
	}
	u.tel.UpstreamReceipts.Add(ctx, 1, metric.WithAttributes(attribute.String("receipt", outcome)))
	return note
}
