package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const statusUsage = "[--json] [--key VERIFIER]... [--threshold N] [FILE]"

// statusAnswer is the JSON of status. Its keys are stable.
type statusAnswer struct {
	State consent.State `json:"state"`
	// Error says why nothing leaves, Note what else a person should know.
	Error   string               `json:"error,omitempty"`
	Note    string               `json:"note,omitempty"`
	File    string               `json:"file"`
	InForce *statusInForce       `json:"in_force"` // null: nothing leaves
	Waiting *statusWaiting       `json:"waiting"`  // null: nothing waits
	Refused []consent.Refusal    `json:"refused"`
	Revoked []consent.Revocation `json:"revoked"`
}

type statusInForce struct {
	policy.PolicyName
	Right       consent.Right      `json:"right"`
	Acceptance  consent.Acceptance `json:"acceptance"`
	SignedBy    []string           `json:"signed_by"`
	Destination string             `json:"destination"`
	Interval    string             `json:"interval"`
	Expires     string             `json:"expires"`
	BitsPerDay  float64            `json:"bits_per_day"`
	budget      string
}

type statusWaiting struct {
	policy.PolicyName
	// Since is when the file got this text.
	Since time.Time `json:"since"`
	// Older says that its revision is below that in force.
	Older bool `json:"older"`
	// Widens is what would leave beyond what is accepted; all of it, if nothing is.
	Widens []policy.DiffEntry `json:"widens"`
}

// runPolicyStatus answers as the edge would, and changes nothing.
func runPolicyStatus(e env, args []string) int {
	var asJSON bool
	var keys []string
	var rules consent.Rules
	files, err := parseArgs("policy status", statusUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.Func("key", "", func(s string) error { keys = append(keys, s); return nil })
		fs.IntVar(&rules.AcceptThreshold, "threshold", 1, "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(files) == 0 {
		files = append(files, e.getenv("WEIR_POLICY"))
	}
	if len(files) > 1 || len(keys) > 0 && (rules.AcceptThreshold < 1 || rules.AcceptThreshold > len(keys)) {
		return e.fail(fmt.Errorf("%w: usage: weir policy status %s", errUsage, statusUsage))
	}
	if rules.Accepters, err = policy.ParseVerifiers(keys); err != nil {
		return e.fail(err)
	}
	answer, err := e.status(rules, files[0])
	if err != nil {
		return e.fail(err)
	}
	code := exitYes
	if answer.InForce == nil {
		code = exitNo
	}
	if asJSON {
		return e.json(answer, code)
	}
	e.sayStatus(answer, len(keys) > 0)
	return code
}

func (e env) status(rules consent.Rules, file string) (statusAnswer, error) {
	d := rules.Look(vfs.OS, e.dataDir(), file, time.Now())
	a := statusAnswer{State: d.State, File: file, Note: d.Note, Refused: []consent.Refusal{}, Revoked: []consent.Revocation{}}
	if d.Err != nil {
		a.Error = d.Err.Error()
	}
	revoked, err := consent.Revocations(vfs.OS, e.dataDir())
	if err != nil {
		return a, err
	}
	a.Revoked = append(a.Revoked, revoked...)
	refused, err := consent.Refusals(vfs.OS, e.dataDir())
	if err != nil {
		return a, err
	}
	a.Refused = append(a.Refused, refused...)
	if d.State == consent.Active {
		said := policy.Describe(d.Policy)
		a.InForce = &statusInForce{
			PolicyName: nameOf(d.Policy), Right: d.Right, Acceptance: d.Acceptance, SignedBy: append([]string{}, d.Acceptance.SignedBy()...),
			Destination: said.Destination, Interval: said.Interval, Expires: said.Expires, BitsPerDay: said.Budget.BitsPerDay,
			budget: policy.SayBudget(said.Budget),
		}
	}
	if p := d.Waiting(); p != nil {
		st, err := os.Stat(file)
		if err != nil {
			return a, err
		}
		a.Waiting = &statusWaiting{PolicyName: nameOf(p), Since: st.ModTime().UTC().Truncate(time.Second), Widens: []policy.DiffEntry{}}
		base := d.Base
		if base != nil {
			a.Waiting.Older = p.Revision < base.Revision
		} else {
			base = &policy.Policy{Product: p.Product, Vendor: p.Vendor, Destination: p.Destination, Interval: p.Interval, Expires: p.Expires, Identity: p.Identity}
		}
		for _, entry := range policy.Diff(base, p).Entries {
			if entry.Change == policy.Widened {
				a.Waiting.Widens = append(a.Waiting.Widens, entry)
			}
		}
	}
	return a, nil
}

func nameOf(p *policy.Policy) policy.PolicyName {
	return policy.PolicyName{Product: p.Product, Vendor: p.Vendor, Revision: p.Revision, Digest: p.Digest}
}

func (e env) sayStatus(a statusAnswer, verified bool) {
	if f := a.InForce; f == nil {
		fmt.Fprintf(e.out, "Nothing leaves: %s.\n", a.Error)
	} else {
		fmt.Fprintf(e.out, "In force: %s of %s, revision %d.\n\n", f.Product, f.Vendor, f.Revision)
		fmt.Fprintf(e.out, "  digest    %s\n", f.Digest)
		fmt.Fprintf(e.out, "  accepted  by %s, %s: %s\n", f.Acceptance.By, f.Acceptance.At.Format(time.RFC3339), f.Acceptance.Reason)
		if f.Acceptance.Own() {
			fmt.Fprintf(e.out, "  follows   %s\n", f.Acceptance.Base)
		}
		if len(f.SignedBy) > 0 {
			how := "not verified here: name keys with --key"
			if verified {
				how = "verified"
			}
			fmt.Fprintf(e.out, "  signed    by %s until %s (%s)\n", strings.Join(f.SignedBy, ", "), f.Acceptance.Expires, how)
		}
		fmt.Fprintf(e.out, "  goes to   %s, every %s\n  expires   %s\n  at most   %s\n", f.Destination, f.Interval, f.Expires, f.budget)
		if a.Note != "" {
			fmt.Fprintf(e.out, "\n%s.\n", a.Note)
		}
	}
	if w := a.Waiting; w != nil {
		fmt.Fprintf(e.out, "\nWaiting: revision %d, in %s since %s.\n\n  digest    %s\n", w.Revision, a.File, w.Since.Format(time.RFC3339), w.Digest)
		if w.Older {
			fmt.Fprint(e.out, "  older     than the one in force\n")
		}
		if len(w.Widens) > 0 {
			fmt.Fprint(e.out, "\nIt would widen:\n\n")
			t := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
			for _, d := range w.Widens {
				fmt.Fprintf(t, "  %s\t%s\n", strings.TrimSpace(d.Signal+" "+d.Part), d.What)
			}
			_ = t.Flush()
		}
	}
	if len(a.Refused) > 0 {
		fmt.Fprint(e.out, "\nRefused:\n\n")
		for _, r := range a.Refused {
			fmt.Fprintf(e.out, "  %s  revision %d, by %s, %s: %s\n", r.Digest, r.Revision, r.By, r.At.Format(time.RFC3339), r.Reason)
		}
	}
	if len(a.Revoked) > 0 {
		fmt.Fprint(e.out, "\nTaken back:\n\n")
		for _, r := range a.Revoked {
			fmt.Fprintf(e.out, "  %s  by %s, %s: %s\n", r.Digest, r.By, r.At.Format(time.RFC3339), r.Reason)
		}
	}
}
