package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/tools/txtar"
)

const tryUsage = "[--json] [--update] [--policy FILE] CASE.txtar..."

// tryAnswer is the JSON of `policy test`. Its keys are stable.
type tryAnswer struct {
	Cases  []tryCase `json:"cases"`
	Failed int       `json:"failed"`
}

type tryCase struct {
	File string `json:"file"`
	// Why is the case's first line: what it is there for.
	Why      string       `json:"why"`
	Pass     bool         `json:"pass"`
	Updated  bool         `json:"updated,omitempty"`
	Failures []tryFailure `json:"failures"`
}

// tryFailure is one section of a case that did not come out as it says.
type tryFailure struct {
	Section string `json:"section"`
	What    string `json:"what"`
	Diff    string `json:"diff,omitempty"`
}

// runPolicyTry is `weir policy test`: it runs cases, each of them a policy, what
// comes in, and what must go out.
func runPolicyTry(e env, args []string) int {
	var asJSON, update bool
	var policyFile string
	files, err := parseArgs("policy test", tryUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
		fs.BoolVar(&update, "update", false, "")
		fs.StringVar(&policyFile, "policy", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(files) == 0 {
		return e.fail(fmt.Errorf("%w: usage: weir policy test %s", errUsage, tryUsage))
	}
	var shared []byte
	if policyFile != "" {
		if shared, err = os.ReadFile(policyFile); err != nil {
			return e.fail(err)
		}
	}
	answer := tryAnswer{Cases: []tryCase{}}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			return e.fail(err)
		}
		t := &trial{archive: archive, update: update, policyFile: "policy.yaml"}
		if t.source = t.section("policy.yaml"); t.source == nil {
			t.source, t.policyFile = shared, policyFile
		}
		t.run()
		if t.changed {
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				return e.fail(err)
			}
		}
		why, _, _ := strings.Cut(strings.TrimSpace(string(archive.Comment)), "\n")
		one := tryCase{File: file, Why: why, Pass: len(t.failures) == 0, Updated: t.changed, Failures: append([]tryFailure{}, t.failures...)}
		if !one.Pass {
			answer.Failed++
		}
		answer.Cases = append(answer.Cases, one)
	}
	code := exitYes
	if answer.Failed > 0 {
		code = exitNo
	}
	if asJSON {
		return e.json(answer, code)
	}
	e.sayTried(answer)
	return code
}

func (e env) sayTried(a tryAnswer) {
	for _, c := range a.Cases {
		word := "ok  "
		switch {
		case !c.Pass:
			word = "FAIL"
		case c.Updated:
			word = "new "
		}
		fmt.Fprintf(e.out, "%s  %s\n", word, c.File)
		for _, f := range c.Failures {
			fmt.Fprintf(e.out, "      %s: %s\n", f.Section, f.What)
			for line := range strings.Lines(f.Diff) {
				fmt.Fprint(e.out, "      ", line)
			}
		}
	}
	if a.Failed > 0 {
		fmt.Fprintf(e.out, "\n%d of %d failed.\n", a.Failed, len(a.Cases))
	}
}
