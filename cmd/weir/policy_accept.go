package main

import (
	"errors"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// acceptAnswer is the JSON of accept. Its keys are stable.
type acceptAnswer struct {
	consent.Acceptance
	// Before says that it had been accepted before; that acceptance stands.
	Before   bool               `json:"before"`
	Recorded string             `json:"recorded"`
	Policy   policy.Description `json:"policy"`
}

func runPolicyAccept(e env, args []string) int {
	var by, reason string
	var rollback bool
	a, err := parsePolicyArgs("policy accept", acceptUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&by, "by", "", "")
		fs.StringVar(&reason, "reason", "", "")
		fs.BoolVar(&rollback, "rollback", false, "")
	})
	if err != nil {
		return e.fail(err)
	}
	if by == "" || reason == "" {
		return e.fail(fmt.Errorf("%w: an acceptance says who and why: weir policy accept %s", errUsage, acceptUsage))
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	now := time.Now()
	if p.Expired(now) {
		fmt.Fprintf(e.err, "weir: %s expired on %s: ask %s for a new revision\n", a.file, p.Expires.Format(time.DateOnly), p.Vendor)
		return exitNo
	}
	word := consent.Word{By: by, Reason: reason, Rollback: rollback}
	accepted, err := word.Accept(vfs.OS, e.dataDir(), p, now)
	if errors.Is(err, consent.ErrRollback) {
		fmt.Fprintf(e.err, "weir: %v: if it is meant, add --rollback\n", err)
		return exitNo
	}
	if err != nil {
		return e.fail(err)
	}
	answer := acceptAnswer{
		Acceptance: accepted,
		Before:     accepted.At.Before(now.UTC().Truncate(time.Second)) || accepted.By != by || accepted.Reason != reason,
		Recorded:   consent.AcceptanceFile(e.dataDir(), p.Digest),
		Policy:     policy.Describe(p),
	}
	if a.json {
		return e.json(answer, exitYes)
	}
	e.sayAccepted(answer, a.file)
	return exitYes
}

// sayAccepted repeats what was agreed to, so that whoever typed the command
// sees it once more.
func (e env) sayAccepted(a acceptAnswer, file string) {
	d := a.Policy
	if a.Before {
		fmt.Fprintf(e.out, "%s of %s, revision %d, had been accepted before; that stands.\n\n", d.Product, d.Vendor, d.Revision)
	} else {
		fmt.Fprintf(e.out, "Accepted: %s of %s, revision %d.\n\n", d.Product, d.Vendor, d.Revision)
	}
	fmt.Fprintf(e.out, "  digest    %s\n", d.Digest)
	fmt.Fprintf(e.out, "  by        %s, %s\n", a.By, a.At.Format(time.RFC3339))
	fmt.Fprintf(e.out, "  reason    %s\n", a.Reason)
	fmt.Fprintf(e.out, "  recorded  %s\n", a.Recorded)
	fmt.Fprintf(e.out, "  goes to   %s, every %s\n", d.Destination, d.Interval)
	fmt.Fprintf(e.out, "  expires   %s\n", d.Expires)
	fmt.Fprintf(e.out, "  at most   %s\n\n", policy.SayBudget(d.Budget))
	if len(d.Signals) == 0 {
		fmt.Fprint(e.out, "Nothing will be sent but each report's number and time.\n")
	} else {
		fmt.Fprint(e.out, "What will be sent:\n\n")
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		for _, s := range d.Signals {
			fmt.Fprintf(w, "  %s\t%s\n", s.Name, s.Why)
		}
		_ = w.Flush()
	}
	fmt.Fprintf(e.out, "\nRead each in full: weir policy explain %s\nTake it back: remove %s\n", file, a.Recorded)
}
