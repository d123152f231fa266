package main

import (
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger/inbox"
	"github.com/weir-telemetry/weir/redaction/consent"
)

const refuseUsage = "[--json] FILE --by NAME --reason TEXT"

// refuseAnswer is the JSON of refuse. Its keys are stable.
type refuseAnswer struct {
	consent.Refusal
	// Before says that it had been refused before; that refusal stands.
	Before   bool   `json:"before"`
	Recorded string `json:"recorded"`
}

func runPolicyRefuse(e env, args []string) int {
	var by, reason string
	a, err := parsePolicyArgs("policy refuse", refuseUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&by, "by", "", "")
		fs.StringVar(&reason, "reason", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if by == "" || reason == "" {
		return e.fail(fmt.Errorf("%w: it is recorded who refuses and why: weir policy refuse %s", errUsage, refuseUsage))
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	answer := refuseAnswer{Before: true, Recorded: consent.RefusalFile(e.dataDir(), p.Digest)}
	now := time.Now()
	answer.Refusal, err = consent.Refuse(vfs.OS, e.dataDir(), p, by, reason, now, func(r consent.Refusal) error {
		answer.Before = false
		return inbox.PutRefusal(vfs.OS, e.dataDir(), p.Digest, p.Source, r, now)
	})
	if errors.Is(err, consent.ErrAccepted) {
		fmt.Fprintf(e.err, "weir: %s: %v: weir policy revoke %s --by NAME --reason TEXT\n", a.file, err, a.file)
		return exitNo
	}
	if err != nil {
		return e.fail(err)
	}
	if a.json {
		return e.json(answer, exitYes)
	}
	if answer.Before {
		fmt.Fprintf(e.out, "%s of %s, revision %d, had been refused before; that stands.\n\n", p.Product, p.Vendor, p.Revision)
	} else {
		fmt.Fprintf(e.out, "Refused: %s of %s, revision %d does not take effect.\n\n", p.Product, p.Vendor, p.Revision)
	}
	fmt.Fprintf(e.out, "  digest    %s\n  by        %s, %s\n  reason    %s\n  recorded  %s\n\nLet it out after all: weir policy accept %s --by NAME --reason TEXT\n",
		answer.Digest, answer.By, answer.At.Format(time.RFC3339), answer.Reason, answer.Recorded, a.file)
	return exitYes
}
