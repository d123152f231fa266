package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/install"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const enrollUsage = "[--json] [--token-file FILE]"

// enrollAnswer is the JSON of enroll. Its keys are stable.
type enrollAnswer struct {
	Install  string    `json:"install"`
	Customer string    `json:"customer"`
	URL      string    `json:"url"`
	NotAfter time.Time `json:"not_after"`
	File     string    `json:"file"`
}

// runEnroll asks for a certificate in the running edge's place. The edge sees
// the new file by itself.
func runEnroll(e env, args []string) int {
	var asJSON bool
	var file string
	rest, err := parseArgs("enroll", enrollUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.StringVar(&file, "token-file", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(rest) != 0 { // a token among the arguments is in everybody's list of processes
		return e.fail(fmt.Errorf("%w: usage: weir enroll %s; without a file the token is WEIR_ENROLL_TOKEN", errUsage, enrollUsage))
	}
	line, err := e.tokenLine(file)
	if err != nil {
		return e.fail(err)
	}
	data := e.dataDir()
	in, err := install.Load(vfs.OS, data)
	if err != nil {
		return e.fail(err)
	}
	destination, err := e.destination()
	if err != nil {
		return e.fail(err)
	}
	key, err := ledgerVerifier(e.ledgerDir(), in.ID)
	if err != nil {
		return e.fail(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	edge, err := identity.Enroll(ctx, line, identity.Options{
		FS: vfs.OS, Data: data, Install: in.ID, Ledger: key, Destination: destination, Now: time.Now,
	})
	if no := new(identity.Refused); errors.As(err, &no) || errors.Is(err, token.ErrMalformed) || errors.Is(err, token.ErrExpired) || errors.Is(err, identity.ErrDestination) {
		fmt.Fprintf(e.err, "weir: %v\n", err)
		return exitNo
	}
	if err != nil {
		return e.fail(err)
	}
	if asJSON {
		return e.json(enrollAnswer{Install: edge.Install, Customer: edge.Customer, URL: edge.URL, NotAfter: edge.NotAfter.UTC(), File: identity.File(data)}, exitYes)
	}
	fmt.Fprintf(e.out, "Enrolled with %s: install %s of %s.\n", edge.URL, edge.Install, edge.Customer)
	fmt.Fprintf(e.out, "The certificate is in %s and renews itself; this one ends %s.\n", identity.File(data), edge.NotAfter.UTC().Format(time.RFC3339))
	return exitYes
}

func (e env) tokenLine(file string) (string, error) {
	if file == "" {
		if line := e.getenv("WEIR_ENROLL_TOKEN"); line != "" {
			return line, nil
		}
		return "", fmt.Errorf("%w: no token: give --token-file FILE, or set WEIR_ENROLL_TOKEN", errUsage)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	return string(b), err
}

// destination is the policy's, if there is one: a token for elsewhere is not
// used.
func (e env) destination() (string, error) {
	file := e.getenv("WEIR_POLICY")
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	p, err := policy.Parse(file, text)
	if err != nil {
		return "", fmt.Errorf("%s is not valid: weir policy lint says why", file)
	}
	return p.Destination, nil
}

// ledgerVerifier is the public key of the edge's ledger. Before the edge's
// first start there is none, so the ledger is made here.
func ledgerVerifier(dir, id string) (string, error) {
	_, err := ledger.LoadVerifier(vfs.OS, dir)
	if errors.Is(err, fs.ErrNotExist) {
		var l *ledger.Ledger
		if l, err = ledger.Open(vfs.OS, dir, ledger.Options{Install: id}); err == nil {
			err = l.Close()
		}
	}
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, "verifier.pub"))
	return string(bytes.TrimSpace(text)), err
}
