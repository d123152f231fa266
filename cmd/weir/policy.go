package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const (
	lintUsage   = "[--json] FILE"
	acceptUsage = "[--json] FILE --by NAME --reason TEXT [--rollback] [--key KEYFILE [--expires DAY]]"
)

func policyCommands() []command {
	return []command{
		{name: "policy init", usage: initUsage, short: "Write a policy to start from; FILE is allowlist.yaml if not named.", run: runPolicyInit},
		{name: "policy lint", usage: lintUsage, short: "Say everything that is wrong with a policy.", run: runPolicyLint},
		{name: "policy explain", usage: explainUsage, short: "Say in plain words what a policy lets out, and how much at most.", run: runPolicyExplain},
		{name: "policy test", usage: tryUsage, short: "Run cases: under this policy, what comes in must make this report.", run: runPolicyTry},
		{name: "policy diff", usage: diffUsage, short: "Say what a new policy widens and narrows; the answer is no if it widens anything.", run: runPolicyDiff},
		{name: "policy preview", usage: previewUsage, short: "Show what would leave, from what the local store of a running edge holds.", run: runPolicyPreview},
		{name: "policy schema", usage: "", short: "Print the JSON Schema of the policy file, for editors.", run: runPolicySchema},
		{name: "policy keygen", usage: keygenUsage, short: "Make a key to sign policies with, and print the verifier key.", run: runPolicyKeygen},
		{name: "policy sign", usage: signUsage, short: "Sign a policy as its vendor, into FILE.sig.", run: runPolicySign},
		{name: "policy verify", usage: verifyUsage, short: "Say whether enough keys have signed a policy.", run: runPolicyVerify},
		{name: "policy accept", usage: acceptUsage, short: "Accept a policy: from then on, what it names may leave. With a key, sign that.", run: runPolicyAccept},
		{name: "policy refuse", usage: refuseUsage, short: "Refuse a policy: it does not take effect, and who said so and why is recorded.", run: runPolicyRefuse},
		{name: "policy revoke", usage: revokeUsage, short: "Take an acceptance back: nothing leaves under that policy any more.", run: runPolicyRevoke},
		{name: "policy status", usage: statusUsage, short: "Say what is in force, what waits and what it would widen; FILE is WEIR_POLICY if not named.", run: runPolicyStatus},
	}
}

// lintAnswer is the JSON of lint, and of the other verbs when the file has
// faults. Its keys are stable.
type lintAnswer struct {
	File    string         `json:"file"`
	Valid   bool           `json:"valid"`
	Expired bool           `json:"expired"`
	Digest  string         `json:"digest,omitempty"`
	Faults  []policy.Fault `json:"faults"`
	Omitted int            `json:"omitted"`
}

func runPolicyLint(e env, args []string) int {
	a, err := parsePolicyArgs("policy lint", lintUsage, args, nil)
	if err != nil {
		return e.fail(err)
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	expired := p.Expired(time.Now())
	if a.json {
		return e.json(lintAnswer{File: a.file, Valid: true, Expired: expired, Digest: p.Digest.String(), Faults: []policy.Fault{}}, exitYes)
	}
	fmt.Fprintf(e.out, "%s is valid.\n\n  digest   %s\n  signals  %d\n", a.file, p.Digest, len(p.Signals))
	if expired {
		fmt.Fprintf(e.out, "  expired  on %s; it cannot be accepted\n", p.Expires.Format(time.DateOnly))
	}
	return exitYes
}

// policyArgs is what the verbs for one file have in common.
type policyArgs struct {
	file string
	json bool
}

// parsePolicyArgs reads the arguments of a verb for one file.
func parsePolicyArgs(name, usage string, args []string, more func(*flag.FlagSet)) (policyArgs, error) {
	var a policyArgs
	files, err := parseArgs(name, usage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&a.json, "json", false, "")
		if more != nil {
			more(fs)
		}
	})
	if err != nil {
		return a, err
	}
	if len(files) != 1 {
		return a, fmt.Errorf("%w: usage: weir %s %s", errUsage, name, usage)
	}
	a.file = files[0]
	return a, nil
}

// parseArgs takes flags before and after the files: people write both.
func parseArgs(name, usage string, args []string, flags func(*flag.FlagSet)) (files []string, err error) {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	flags(fs)
	for {
		if err := fs.Parse(args); err != nil {
			return nil, fmt.Errorf("%w: usage: weir %s %s", errUsage, name, usage)
		}
		if fs.NArg() == 0 {
			return files, nil
		}
		files, args = append(files, fs.Arg(0)), fs.Args()[1:]
	}
}

// readPolicy reads and parses the file. Without a policy, what is wrong has
// been said, and the code is the verb's.
func (e env) readPolicy(a policyArgs) (*policy.Policy, int) {
	f, err := os.Open(a.file)
	if err != nil {
		return nil, e.fail(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxFileSize+1)) // Parse says that it is too large
	if err != nil {
		return nil, e.fail(err)
	}
	p, err := policy.Parse(a.file, data)
	if err == nil {
		return p, exitYes
	}
	var faults *policy.Faults
	if !errors.As(err, &faults) {
		return nil, e.fail(err)
	}
	if a.json {
		return nil, e.json(lintAnswer{File: a.file, Faults: faults.List, Omitted: faults.Omitted}, exitNo)
	}
	for _, one := range faults.List {
		fmt.Fprintf(e.out, "%s:%d:%d: %s\n    %s\n", a.file, one.Line, one.Column, one.What, one.Hint)
	}
	n := len(faults.List) + faults.Omitted
	if faults.Omitted > 0 {
		fmt.Fprintf(e.out, "... and %d more\n", faults.Omitted)
	}
	fmt.Fprintf(e.out, "\n%s is not valid: %d fault", a.file, n)
	if n > 1 {
		fmt.Fprint(e.out, "s")
	}
	fmt.Fprintln(e.out, ".")
	return nil, exitNo
}

// json prints one answer and returns its code.
func (e env) json(v any, code int) int {
	enc := json.NewEncoder(e.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return e.fail(err)
	}
	return code
}
