package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const (
	signUsage   = "[--json] FILE --key KEYFILE [--expires DAY]"
	keygenUsage = "--name NAME --out KEYFILE"
)

// signAnswer is the JSON of sign and verify. Its keys are stable.
type signAnswer struct {
	policy.Signature
	File string `json:"file"`
	// Valid and Reason are verify's answer.
	Valid  bool   `json:"valid"`
	Reason string `json:"reason,omitempty"`
}

// runPolicySign writes FILE.sig. If there is one of the same policy, the
// signature is added to it: keys sign one after another.
func runPolicySign(e env, args []string) int {
	var keyFile, lastDay string
	a, err := parsePolicyArgs("policy sign", signUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&keyFile, "key", "", "")
		fs.StringVar(&lastDay, "expires", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if keyFile == "" {
		return e.fail(fmt.Errorf("%w: usage: weir policy sign %s", errUsage, signUsage))
	}
	now := time.Now().UTC()
	expires, err := signatureEnd(lastDay, now)
	if err != nil {
		return e.fail(err)
	}
	p, code := e.readPolicy(a)
	if p == nil {
		return code
	}
	signer, err := readSigner(keyFile)
	if err != nil {
		return e.fail(err)
	}
	file := policy.SignatureFile(a.file)
	existing, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e.fail(err)
	}
	data, err := policy.Sign(p, existing, now, expires, signer)
	if err != nil {
		return e.fail(fmt.Errorf("%w: remove %s to sign anew", err, file))
	}
	if err := vfs.WriteFileAtomic(vfs.OS, file, data, 0o644); err != nil {
		return e.fail(err)
	}
	if a.json {
		return e.json(signAnswer{File: file, Valid: true, Signature: policy.Signature{
			Product: p.Product, Revision: p.Revision, Digest: p.Digest, By: []string{signer.Name()}}}, exitYes)
	}
	fmt.Fprintf(e.out, "Signed by %s: %s\n\n%s", signer.Name(), file, data)
	return exitYes
}

// signatureEnd is the last day of a signature: a year from now if none is named.
func signatureEnd(lastDay string, now time.Time) (time.Time, error) {
	now = now.UTC()
	if lastDay == "" {
		return now.AddDate(1, 0, 0), nil
	}
	end, err := time.Parse(time.DateOnly, lastDay)
	if err != nil || end.Before(now.Truncate(24*time.Hour)) {
		return time.Time{}, fmt.Errorf("%w: --expires is a day to come, such as %s", errUsage, now.AddDate(1, 0, 0).Format(time.DateOnly))
	}
	return end, nil
}

// readSigner reads what keygen wrote.
func readSigner(file string) (note.Signer, error) {
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no signing key: make one with 'weir policy keygen'", file)
	}
	return signer, nil
}

// runPolicyKeygen makes a key. It never overwrites one.
func runPolicyKeygen(e env, args []string) int {
	fs := flag.NewFlagSet("policy keygen", flag.ContinueOnError)
	fs.SetOutput(new(strings.Builder))
	name, out := fs.String("name", "", ""), fs.String("out", "", "")
	if err := fs.Parse(args); err != nil || *name == "" || *out == "" || fs.NArg() > 0 {
		return e.fail(fmt.Errorf("%w: usage: weir policy keygen %s", errUsage, keygenUsage))
	}
	secret, public, err := note.GenerateKey(rand.Reader, *name)
	if err != nil {
		return e.fail(err)
	}
	if _, err := note.NewVerifier(public); err != nil {
		return e.fail(fmt.Errorf("%w: a name has no spaces and no '+'; a host name is a good one", errUsage))
	}
	f, err := os.OpenFile(*out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return e.fail(err)
	}
	_, err = f.WriteString(secret + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return e.fail(err)
	}
	fmt.Fprintln(e.out, public)
	return exitYes
}
