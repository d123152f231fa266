// Weir is the command for people: it says what an edge lacks, reads and accepts
// policies, and reads and verifies the ledger. The collector itself is weir-collector.
//
// Exit codes: 0 the answer is yes, 1 the answer is no, 2 the command could not
// run.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes, the same for every verb.
const (
	exitYes   = 0
	exitNo    = 1
	exitError = 2
)

// env is what a verb may see of the world outside.
type env struct {
	out, err io.Writer
	getenv   func(string) string
}

// dataDir is the edge's data folder, as config/edge.yaml names it.
func (e env) dataDir() string {
	if d := e.getenv("WEIR_DATA"); d != "" {
		return d
	}
	return "./data"
}

// command is one verb. Its usage is the only place where its arguments are
// written down; help prints it.
type command struct {
	name  string // "policy lint"
	usage string // "[--json] FILE"
	short string
	run   func(e env, args []string) int
}

// commands lists every verb in the order in which help shows them.
func commands() []command {
	var all []command
	all = append(all, policyCommands()...)
	all = append(all, ledgerCommands()...)
	all = append(all, egressCommands()...)
	all = append(all, logsCommands()...)
	all = append(all, readyCommands()...)
	all = append(all, responsibilitiesCommands()...)
	all = append(all, preflightCommands()...)
	all = append(all, fleetCommands()...)
	all = append(all, versionCommands()...)
	return all
}

func main() {
	os.Exit(run(env{out: os.Stdout, err: os.Stderr, getenv: os.Getenv}, os.Args[1:]))
}

func run(e env, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		help(e.out)
		return exitYes
	}
	var verbs []string
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == c.name {
			if rest := args[len(words):]; len(rest) == 1 && (rest[0] == "--help" || rest[0] == "-h") {
				c.help(e.out)
				return exitYes
			}
			return c.run(e, args[len(words):])
		}
		if words[0] == args[0] {
			verbs = append(verbs, strings.Join(words[1:], " "))
		}
	}
	if len(verbs) > 0 {
		return e.fail(fmt.Errorf("weir %s is followed by one of: %s; run 'weir help' for what they do", args[0], strings.Join(verbs, ", ")))
	}
	return e.fail(fmt.Errorf("no command %q; run 'weir help' for the list", args[0]))
}

// fail prints err in one line and returns the exit code for "could not run".
func (e env) fail(err error) int {
	fmt.Fprintf(e.err, "weir: %v\n", err)
	return exitError
}

// errUsage is returned by a verb's argument parsing.
var errUsage = errors.New("wrong arguments")

func (c command) help(w io.Writer) {
	fmt.Fprintf(w, "  weir %s\n        %s\n", strings.TrimSpace(c.name+" "+c.usage), c.short)
}

func help(w io.Writer) {
	fmt.Fprint(w, "Weir keeps telemetry at home and lets a measured overflow pass.\n\nUsage:\n\n")
	for _, c := range commands() {
		c.help(w)
	}
	fmt.Fprint(w, `
Environment:

  WEIR_DATA    the edge's data folder (default ./data)
  WEIR_POLICY  the allowlist that the edge runs under
  WEIR_LISTEN  where the edge's local store answers (default 127.0.0.1:7070)

  WEIR_RESPONSIBILITIES  who answers for what at the edge

  WEIR_ENROLL_TOKEN  what the vendor's 'weir fleet enroll' printed

  WEIR_FLEET_STATE   the folder that a fleet's gateways share (default
                     $WEIR_DATA/state, or ./data-fleet/state)
  WEIR_FLEET_URL     where the fleet takes reports
  WEIR_FLEET_LISTEN  where the fleet's local store answers (default 127.0.0.1:7171)

Exit codes: 0 yes, 1 the answer is no, 2 could not run.
`)
}
