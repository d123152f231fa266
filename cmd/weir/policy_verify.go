package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const verifyUsage = "[--json] FILE --key VERIFIER [--key ...] [--threshold N]"

// runPolicyVerify answers whether FILE.sig says what the edge would demand.
func runPolicyVerify(e env, args []string) int {
	var keys []string
	threshold := 1
	a, err := parsePolicyArgs("policy verify", verifyUsage, args, func(fs *flag.FlagSet) {
		fs.Func("key", "", func(s string) error { keys = append(keys, s); return nil })
		fs.IntVar(&threshold, "threshold", 1, "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(keys) == 0 || threshold < 1 || threshold > len(keys) {
		return e.fail(fmt.Errorf("%w: name keys, and a threshold of at most their number: weir policy verify %s", errUsage, verifyUsage))
	}
	verifiers, err := policy.ParseVerifiers(keys)
	if err != nil {
		return e.fail(err)
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	file := policy.SignatureFile(a.file)
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e.fail(err)
	}
	s, err := policy.VerifySignature(p, data, verifiers, threshold, time.Now())
	switch {
	case len(data) == 0:
		err = fmt.Errorf("there is no %s", file)
	case errors.Is(err, policy.ErrSignatureBroken):
		err = policy.ErrSignatureBroken // the library's words add nothing
	}
	answer := signAnswer{Signature: s, File: file, Valid: err == nil}
	code = exitYes
	if err != nil {
		answer.Reason, code = err.Error(), exitNo
	}
	if a.json {
		return e.json(answer, code)
	}
	if err != nil {
		fmt.Fprintf(e.out, "%s is not signed as demanded: %v.\n", a.file, err)
		return code
	}
	fmt.Fprintf(e.out, "%s is signed.\n\n  digest   %s\n  by       %s\n  signed   %s\n  expires  after %s\n",
		a.file, s.Digest, strings.Join(s.By, ", "), s.Signed, s.Expires)
	return code
}
