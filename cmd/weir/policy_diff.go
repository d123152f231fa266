package main

import (
	"flag"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const diffUsage = "[--json] OLD NEW"

// diffAnswer is the JSON of diff. Its keys are stable.
type diffAnswer struct {
	policy.Difference
	// BitsPerDay is how much each lets out at most.
	BitsPerDay struct {
		Old float64 `json:"old"`
		New float64 `json:"new"`
	} `json:"bits_per_day"`
}

// diffSigns mark a line as patches do.
var diffSigns = map[policy.Change]string{policy.Widened: "+", policy.Narrowed: "-", policy.Neutral: "~", policy.Unchanged: "="}

// runPolicyDiff answers no if anything is widened: a script can let through
// what needs nobody's consent. A file with faults is compared with nothing.
func runPolicyDiff(e env, args []string) int {
	asJSON, files, err := parseDiffArgs(args)
	if err != nil {
		return e.fail(err)
	}
	var pair [2]*policy.Policy
	for i, file := range files {
		if pair[i], _ = e.readPolicy(policyArgs{file: file, json: asJSON}); pair[i] == nil {
			return exitError // what is wrong has been said
		}
	}
	answer := diffAnswer{Difference: policy.Diff(pair[0], pair[1])}
	answer.BitsPerDay.Old, answer.BitsPerDay.New = policy.Budget(pair[0]).BitsPerDay, policy.Budget(pair[1]).BitsPerDay
	code := exitYes
	if answer.Has(policy.Widened) {
		code = exitNo
	}
	if asJSON {
		return e.json(answer, code)
	}
	e.sayDiff(answer, pair)
	return code
}

func parseDiffArgs(args []string) (asJSON bool, files []string, err error) {
	fs := flag.NewFlagSet("policy diff", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&asJSON, "json", false, "")
	for {
		if err := fs.Parse(args); err != nil {
			return false, nil, fmt.Errorf("%w: usage: weir policy diff %s", errUsage, diffUsage)
		}
		if fs.NArg() == 0 {
			break
		}
		files, args = append(files, fs.Arg(0)), fs.Args()[1:]
	}
	if len(files) != 2 {
		return false, nil, fmt.Errorf("%w: usage: weir policy diff %s", errUsage, diffUsage)
	}
	return asJSON, files, nil
}

func (e env) sayDiff(a diffAnswer, pair [2]*policy.Policy) {
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for i, p := range pair {
		fmt.Fprintf(w, "%s\t%s of %s, revision %d\t%s\n", []string{"old", "new"}[i], p.Product, p.Vendor, p.Revision, p.Digest)
	}
	_ = w.Flush()
	fmt.Fprint(e.out, "\n")
	w = tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, d := range a.Entries {
		where := d.Part
		if d.Signal != "" {
			where = d.Signal + " " + d.Part
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\n", diffSigns[d.Change], d.Change, where, d.What)
	}
	_ = w.Flush()
	fmt.Fprintf(e.out, "\n  old  at most %s\n  new  at most %s\n\n", policy.SayBudget(policy.Budget(pair[0])), policy.SayBudget(policy.Budget(pair[1])))
	fmt.Fprintln(e.out, map[policy.Change]string{
		policy.Widened:   "Something is widened: until the new one is accepted, what both let out leaves.",
		policy.Narrowed:  "Nothing is widened: the new one takes effect by itself where the old one was accepted.",
		policy.Neutral:   "What may leave is the same: where the old one was accepted, the new one need not be.",
		policy.Unchanged: "There is no difference.",
	}[a.Change])
}
