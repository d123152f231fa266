package ledger

import (
	"encoding/json"
	"errors"
)

// Outcome is the body of a KindOutcome record: what finally became of a
// report. It holds nothing that the server said but the class of its status, and
// a receipt that was checked.
type Outcome struct {
	Report int64  `json:"report"` // the report's index
	Result Result `json:"outcome"`
	Status string `json:"status"` // "2xx", "4xx"
	// Receipt is the checkpoint that the fleet countersigned, see Statement.
	Receipt string `json:"receipt,omitempty"`
}

// Result is a final outcome.
type Result string

// The final outcomes. A report without one is sent again.
const (
	Acknowledged Result = "acknowledged"
	Refused      Result = "refused" // for good: sending it again would not help
	Dropped      Result = "dropped" // given up; a drop record says so for all of a range
)

// Record returns the record of this outcome for a report.
func (o Outcome) Record(report *Record) Record {
	o.Report = report.Index
	body, _ := json.Marshal(o) // strings and a number
	return Record{Kind: KindOutcome, Sequence: report.Sequence, PolicyDigest: report.PolicyDigest, Destination: report.Destination, Body: body}
}

// ParseOutcome reads the body of a KindOutcome record. Fields and results that
// this version does not know are let pass: whatever the result, it is final.
func ParseOutcome(body []byte) (Outcome, error) {
	o := Outcome{Report: -1}
	if err := json.Unmarshal(body, &o); err != nil || o.Report < 0 || o.Result == "" {
		return o, errors.New("outcome is malformed")
	}
	return o, nil
}
