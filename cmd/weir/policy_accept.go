package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
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
	Before   bool   `json:"before"`
	Recorded string `json:"recorded"`
	// SignedBy names the keys that are on the acceptance.
	SignedBy []string           `json:"signed_by"`
	Policy   policy.Description `json:"policy"`
}

func runPolicyAccept(e env, args []string) int {
	var by, reason, keyFile, lastDay string
	var rollback bool
	a, err := parsePolicyArgs("policy accept", acceptUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&by, "by", "", "")
		fs.StringVar(&reason, "reason", "", "")
		fs.BoolVar(&rollback, "rollback", false, "")
		fs.StringVar(&keyFile, "key", "", "")
		fs.StringVar(&lastDay, "expires", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	now := time.Now()
	word := consent.Word{By: by, Reason: reason, Rollback: rollback}
	switch {
	case keyFile == "" && (by == "" || reason == ""):
		return e.fail(fmt.Errorf("%w: an acceptance says who and why: weir policy accept %s", errUsage, acceptUsage))
	case keyFile == "" && lastDay != "":
		return e.fail(fmt.Errorf("%w: --expires is the last day of a signature: name a --key", errUsage))
	case keyFile != "":
		if word.Expires, err = signatureEnd(lastDay, now); err != nil {
			return e.fail(err)
		}
		if word.Signer, err = readSigner(keyFile); err != nil {
			return e.fail(err)
		}
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	if p.Expired(now) {
		fmt.Fprintf(e.err, "weir: %s expired on %s: ask %s for a new revision\n", a.file, p.Expires.Format(time.DateOnly), p.Vendor)
		return exitNo
	}
	accepted, err := word.Accept(vfs.OS, e.dataDir(), p, now)
	switch {
	case errors.Is(err, consent.ErrRollback):
		fmt.Fprintf(e.err, "weir: %v: if it is meant, add --rollback\n", err)
		return exitNo
	case errors.Is(err, consent.ErrWorded):
		fmt.Fprintf(e.err, "weir: %v: leave out --by and --reason, or run 'weir policy revoke %s'\n", err, a.file)
		return exitNo
	case err != nil && word.Signer != nil && by == "" && reason == "":
		return e.fail(fmt.Errorf("%w (there is no signed acceptance whose words could be signed)", err))
	}
	if err != nil {
		return e.fail(err)
	}
	answer := acceptAnswer{
		Acceptance: accepted,
		Before:     accepted.At.Before(now.UTC().Truncate(time.Second)) || accepted.By != by || accepted.Reason != reason,
		SignedBy:   append([]string{}, accepted.SignedBy()...),
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
	switch {
	case a.Before && len(a.SignedBy) > 0:
		fmt.Fprintf(e.out, "%s of %s, revision %d, had been accepted before; these words are signed now.\n\n", d.Product, d.Vendor, d.Revision)
	case a.Before:
		fmt.Fprintf(e.out, "%s of %s, revision %d, had been accepted before; that stands.\n\n", d.Product, d.Vendor, d.Revision)
	default:
		fmt.Fprintf(e.out, "Accepted: %s of %s, revision %d.\n\n", d.Product, d.Vendor, d.Revision)
	}
	fmt.Fprintf(e.out, "  digest    %s\n", d.Digest)
	fmt.Fprintf(e.out, "  by        %s, %s\n", a.By, a.At.Format(time.RFC3339))
	fmt.Fprintf(e.out, "  reason    %s\n", a.Reason)
	if len(a.SignedBy) > 0 {
		fmt.Fprintf(e.out, "  signed    by %s; counts until %s\n", strings.Join(a.SignedBy, ", "), a.Expires)
	}
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
	fmt.Fprintf(e.out, "\nRead each in full: weir policy explain %s\nTake it back:      weir policy revoke %s --by NAME --reason TEXT\n", file, file)
}
