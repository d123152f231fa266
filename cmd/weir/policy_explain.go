package main

import (
	"flag"
	"fmt"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const explainUsage = "[--json | --html | --annex] FILE"

// runPolicyExplain says what a policy lets out: in plain words, as a document
// for a security review, or as the annex of a contract.
func runPolicyExplain(e env, args []string) int {
	var html, annex bool
	a, err := parsePolicyArgs("policy explain", explainUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&html, "html", false, "")
		fs.BoolVar(&annex, "annex", false, "")
	})
	if err == nil && (html && annex || a.json && (html || annex)) {
		err = fmt.Errorf("%w: one form at a time: weir policy explain %s", errUsage, explainUsage)
	}
	if err != nil {
		return e.fail(err)
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	switch {
	case a.json:
		return e.json(policy.Describe(p), exitYes)
	case html:
		err = policy.ExplainHTML(e.out, p)
	case annex:
		err = policy.Annex(e.out, p)
	default:
		err = policy.Explain(e.out, p)
	}
	if err != nil {
		return e.fail(err)
	}
	return exitYes
}
