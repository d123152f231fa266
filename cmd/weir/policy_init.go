package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const initUsage = "[--product NAME] [--vendor NAME] [--destination URL] [FILE]"

// initTemplate is a policy with comments for whoever writes the first one.
//
//go:embed policy_init.yaml
var initTemplate string

// runPolicyInit writes a policy to start from. It never overwrites a file: a
// policy that was there may have been accepted.
func runPolicyInit(e env, args []string) int {
	product, vendor, destination := "", "", ""
	rest, err := parseArgs("policy init", initUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&product, "product", "my-product", "")
		fs.StringVar(&vendor, "vendor", "my-company", "")
		fs.StringVar(&destination, "destination", "https://telemetry.example.com", "")
	})
	if err != nil || len(rest) > 1 {
		return e.fail(fmt.Errorf("%w: usage: weir policy init %s", errUsage, initUsage))
	}
	file := "allowlist.yaml"
	if len(rest) == 1 {
		file = rest[0]
	}
	source, err := initialPolicy(product, vendor, destination)
	if err != nil {
		return e.fail(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return e.fail(fmt.Errorf("%s is there already and stays as it is; name another file", file))
	}
	if err != nil {
		return e.fail(err)
	}
	_, err = f.Write(source)
	if err = errors.Join(err, f.Close()); err != nil {
		return e.fail(errors.Join(err, os.Remove(file)))
	}
	fmt.Fprintf(e.out, "Wrote %s.\n\nName what your support needs, then: weir policy lint %s\n", file, file)
	return exitYes
}

// initialPolicy fills the template in and reads it back: what is written lints
// clean, and the three values say what was asked for and nothing else.
func initialPolicy(product, vendor, destination string) ([]byte, error) {
	source := []byte(strings.NewReplacer("@PRODUCT@", product, "@VENDOR@", vendor, "@DESTINATION@", destination).Replace(initTemplate))
	p, err := policy.Parse("the new policy", source)
	var faults *policy.Faults
	if errors.As(err, &faults) {
		first := faults.List[0]
		return nil, fmt.Errorf("%s; %s", first.What, first.Hint)
	}
	if err != nil {
		return nil, err
	}
	if p.Product != product || p.Vendor != vendor || p.Destination != strings.TrimSuffix(destination, "/") {
		return nil, fmt.Errorf("%w: product, vendor and destination are one word each", errUsage)
	}
	return source, nil
}
