package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/weir-telemetry/weir/internal/netlab"
	"github.com/weir-telemetry/weir/redaction/policy"
)

func egressCommands() []command {
	return []command{{
		name: "egress prove", usage: "[--json] [--policy FILE] [--config FILE] [--collector FILE]",
		short: "Run the edge alone on one wire and show that only what the ledger holds leaves. Needs root.",
		run:   runEgressProve,
	}}
}

// egressPolicy is what is rehearsed when no policy is named: everything that ships
// with Weir, every second.
//
//go:embed egress_prove.yaml
var egressPolicy []byte

// proof is what the verb shows. Its JSON is for machines: keys are added, never
// renamed.
type proof struct {
	OK          bool          `json:"ok"`
	Policy      string        `json:"policy"`
	Digest      string        `json:"digest"`
	Destination string        `json:"destination"`
	Address     string        `json:"address"`
	Inputs      []string      `json:"inputs"`
	Before      []netlab.Line `json:"before_acceptance"`
	During      []netlab.Line `json:"in_force"`
	Requests    int           `json:"requests"`
	Bytes       int           `json:"body_bytes"`
	Checks      []proofCheck  `json:"checks"`
}

type proofCheck struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

func (p *proof) check(name string, ok bool, detail string) {
	if ok {
		detail = ""
	}
	p.Checks = append(p.Checks, proofCheck{name, ok, detail})
}

// prover is what is rehearsed.
type prover struct {
	policy    *policy.Policy
	file      string // of the policy
	config    string
	collector string
	dir       string // temporary
	progress  func(string)
}

func runEgressProve(e env, args []string) int {
	fs := flag.NewFlagSet("egress prove", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	file := fs.String("policy", e.getenv("WEIR_POLICY"), "")
	config := fs.String("config", "config/edge.yaml", "")
	collector := fs.String("collector", "", "")
	if err := parseLedgerFlags(fs, egressCommands()[0].usage, args); err != nil {
		return e.fail(err)
	}
	p := &prover{progress: func(s string) { fmt.Fprintln(e.err, "weir: "+s) }}
	defer func() {
		if p.dir != "" {
			os.RemoveAll(p.dir)
		}
	}()
	if err := p.prepare(*file, *config, *collector); err != nil {
		return e.fail(err)
	}
	r, err := p.run()
	if err != nil {
		return e.fail(err)
	}
	code := exitYes
	if !r.OK {
		code = exitNo
	}
	if *asJSON {
		return e.json(r, code)
	}
	r.print(e.out)
	return code
}

func (p *prover) prepare(file, config, collector string) error {
	var err error
	if p.dir, err = os.MkdirTemp("", "weir-egress-"); err != nil {
		return err
	}
	text := egressPolicy
	p.file = filepath.Join(p.dir, "allowlist.yaml")
	if file != "" {
		if text, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("read the policy: %w", err)
		}
		if p.file, err = filepath.Abs(file); err != nil {
			return err
		}
	} else if err := os.WriteFile(p.file, text, 0o600); err != nil {
		return err
	}
	if p.policy, err = policy.Parse(p.file, text); err != nil {
		return fmt.Errorf("%w; 'weir policy lint' says it in full", err)
	}
	if p.config, err = filepath.Abs(config); err != nil {
		return err
	}
	if _, err := os.Stat(p.config); err != nil {
		return fmt.Errorf("configuration: %w; name the edge's with --config", err)
	}
	p.collector, err = findCollector(collector)
	return err
}

// findCollector looks beside this program, then in the path.
func findCollector(named string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "weir-collector")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	if found, err := exec.LookPath("weir-collector"); err == nil {
		return filepath.Abs(found)
	}
	return "", errors.New("weir-collector is neither beside this program nor in the path; name it with --collector")
}

func (r *proof) print(w io.Writer) {
	fmt.Fprintf(w, "The edge ran alone in a network namespace. Every frame on the one wire out of it was\ncounted, and what was inside TLS was read at the other end.\n\n")
	fmt.Fprintf(w, "  policy       %s, digest %s\n  destination  %s (played by %s)\n", r.Policy, r.Digest[:min(12, len(r.Digest))], r.Destination, r.Address)
	for i, in := range r.Inputs {
		label := "             "
		if i == 0 {
			label = "  canaries in"
		}
		fmt.Fprintf(w, "%s  %s\n", label, in)
	}
	printLines(w, "before the policy was accepted", r.Before)
	printLines(w, "while it was in force", r.During)
	fmt.Fprintf(w, "\n  %d requests with %d bytes of reports\n\n", r.Requests, r.Bytes)
	for _, c := range r.Checks {
		verdict := "yes"
		if !c.OK {
			verdict = "NO "
		}
		fmt.Fprintf(w, "  %s  %s\n", verdict, c.Name)
		if c.Detail != "" {
			fmt.Fprintf(w, "       %s\n", c.Detail)
		}
	}
}

func printLines(w io.Writer, when string, lines []netlab.Line) {
	fmt.Fprintf(w, "\n  what left %s\n", when)
	if len(lines) == 0 {
		fmt.Fprintf(w, "    nothing: 0 packets, 0 bytes\n")
	}
	for _, l := range lines {
		fmt.Fprintf(w, "    %-6s to %-28s %6d packets %9d bytes\n", l.Proto, l.To, l.Packets, l.Bytes)
	}
}
