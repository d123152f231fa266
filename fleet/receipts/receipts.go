// Package receipts is what a fleet keeps of each report that an install has
// stated to be in its ledger: enough to show, years later and without the
// install's help, that this report was in that ledger at that place.
//
// It says how one is written down. Where they are kept is for the fleet's log
// store, which several gateways share without sharing a disk.
package receipts

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/ledger"
)

// Where they are found in a log store: {service_name="weir-fleet"} | kind="receipt" | install="…".
const (
	Service = "weir-fleet"
	Kind    = "receipt"
)

// Receipt is one line of JSON. A report that came twice may have two, which
// differ in the checkpoint alone.
//
// Rules for change: fields are only added.
type Receipt struct {
	Install  string `json:"install"`
	Customer string `json:"customer,omitempty"`
	// Sequence is the report's number, Index its place in the ledger.
	Sequence uint64 `json:"sequence"`
	Index    int64  `json:"index"`
	// SHA256 of the report's bytes, in hex.
	SHA256 string `json:"sha256"`
	// Size and Root are those of the ledger's tree in the checkpoint.
	Size int64  `json:"size"`
	Root string `json:"root"`
	// Time is when the edge recorded the report, by its own clock.
	Time time.Time `json:"time"`
	// Checkpoint is the note with both signatures.
	Checkpoint string `json:"checkpoint"`
}

// New writes down a statement that has been checked against body, and the
// checkpoint that was signed for it.
func New(install, customer string, s ledger.Statement, body, signed []byte, edge note.Verifier) (Receipt, error) {
	c, err := ledger.OpenCheckpoint(signed, edge)
	if err != nil {
		return Receipt{}, err
	}
	r, err := s.Report()
	if err != nil {
		return Receipt{}, err
	}
	sum := sha256.Sum256(body)
	return Receipt{
		Install: install, Customer: customer, Sequence: r.Sequence, Index: s.Index, SHA256: hex.EncodeToString(sum[:]),
		Size: c.Size, Root: c.Root.String(), Time: r.Time.UTC(), Checkpoint: string(signed),
	}, nil
}

// maxLine is far above any receipt.
const maxLine = 64 << 10

// Read calls visit for each line of a file of receipts.
func Read(in io.Reader, visit func(Receipt) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var r Receipt
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.Install == "" || r.Checkpoint == "" {
			return fmt.Errorf("line %d is no receipt: write the file with 'weir fleet receipts export'", n)
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return errors.New("a line is too long to be a receipt")
	}
	return lines.Err()
}
