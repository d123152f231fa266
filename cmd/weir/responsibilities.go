package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/weir-telemetry/weir/internal/yamlfile"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

const (
	responsibilitiesLintUsage = "[--json] [FILE]"
	responsibilitiesInitUsage = "[FILE]"
)

func responsibilitiesCommands() []command {
	return []command{
		{
			name: "responsibilities init", usage: responsibilitiesInitUsage,
			short: "Write a form to fill in: who answers for what, how to reach them, when.", run: runResponsibilitiesInit,
		},
		{
			name: "responsibilities lint", usage: responsibilitiesLintUsage,
			short: "Say everything that is blank or wrong; FILE is WEIR_RESPONSIBILITIES if not named.", run: runResponsibilitiesLint,
		},
	}
}

// runResponsibilitiesInit never overwrites a file: somebody filled it in.
func runResponsibilitiesInit(e env, args []string) int {
	file := "responsibilities.yaml"
	files, err := parseArgs("responsibilities init", responsibilitiesInitUsage, args, func(*flag.FlagSet) {})
	switch {
	case err != nil:
		return e.fail(err)
	case len(files) > 1:
		return e.fail(fmt.Errorf("%w: usage: weir responsibilities init %s", errUsage, responsibilitiesInitUsage))
	case len(files) == 1:
		file = files[0]
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return e.fail(fmt.Errorf("%s is there already and stays as it is; name another file", file))
	}
	if err != nil {
		return e.fail(err)
	}
	_, err = f.Write(responsibilities.Template())
	if err = errors.Join(err, f.Close()); err != nil {
		return e.fail(errors.Join(err, os.Remove(file)))
	}
	fmt.Fprintf(e.out, "Wrote %s.\n\nFill it in, then: weir responsibilities lint %s\n", file, file)
	return exitYes
}

// responsibilitiesAnswer is the JSON of lint. Its keys are stable.
type responsibilitiesAnswer struct {
	File   string           `json:"file"`
	Valid  bool             `json:"valid"`
	Areas  int              `json:"areas"`
	Faults []yamlfile.Fault `json:"faults"`
}

func runResponsibilitiesLint(e env, args []string) int {
	asJSON, file := false, e.getenv("WEIR_RESPONSIBILITIES")
	files, err := parseArgs("responsibilities lint", responsibilitiesLintUsage, args, func(fs *flag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "")
	})
	switch {
	case err != nil:
		return e.fail(err)
	case len(files) > 1:
		return e.fail(fmt.Errorf("%w: usage: weir responsibilities lint %s", errUsage, responsibilitiesLintUsage))
	case len(files) == 1:
		file = files[0]
	}
	if file == "" {
		return e.fail(errors.New("no file named: name one, or set WEIR_RESPONSIBILITIES; 'weir responsibilities init' writes one to fill in"))
	}
	data, err := readResponsibilities(file)
	if err != nil {
		return e.fail(err)
	}
	contacts, err := responsibilities.Parse(file, data)
	var faults *yamlfile.Faults
	if err != nil && !errors.As(err, &faults) {
		return e.fail(err)
	}
	code := exitYes
	if faults != nil {
		code = exitNo
	}
	if asJSON {
		a := responsibilitiesAnswer{File: file, Valid: faults == nil, Areas: len(contacts), Faults: []yamlfile.Fault{}}
		if faults != nil {
			a.Faults = faults.List
		}
		return e.json(a, code)
	}
	if faults != nil {
		for _, one := range faults.List {
			fmt.Fprintf(e.out, "%s:%d:%d: %s\n    %s\n", file, one.Line, one.Column, one.What, one.Hint)
		}
		fmt.Fprintf(e.out, "\n%s is not complete: faults: %d.\n", file, len(faults.List))
		return code
	}
	fmt.Fprintf(e.out, "%s names somebody for each of %d areas.\n\n", file, len(contacts))
	for _, a := range responsibilities.Areas {
		c := contacts[a]
		fmt.Fprintf(e.out, "  %-15s %s, %s, %s\n", a, c.Who, c.Reach, c.Hours)
	}
	return code
}

func readResponsibilities(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, yamlfile.MaxSize+1)) // Parse says that it is too large
}
