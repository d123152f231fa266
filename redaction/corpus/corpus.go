// Package corpus holds reports of the past: bytes that released versions of the
// table have built, with the policies they were built under. An edge may be two
// years older than the fleet that it reports to, so what was right once is right
// for ever; the package's test says so of every gate to come.
//
// testdata/<day>-<version>/<case>/ holds policy.yaml, next.yaml if the reports are
// under the meet of the two, and the reports in order. Nothing in there is ever
// changed or removed. redaction/corpus/add adds a folder, at every release that
// changes what a report can look like.
package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Case is one folder.
type Case struct {
	Name   string
	Policy *policy.Policy
	// Reports are the bodies, in order.
	Reports [][]byte
}

// Load reads all cases under a folder.
func Load(dir string) ([]Case, error) {
	folders, err := filepath.Glob(filepath.Join(dir, "*", "*", "policy.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(folders)
	var list []Case
	for _, f := range folders {
		c, err := load(filepath.Dir(f))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		list = append(list, c)
	}
	return list, nil
}

func load(dir string) (Case, error) {
	c := Case{Name: filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)}
	var err error
	if c.Policy, err = Policy(dir); err != nil {
		return c, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.report"))
	if err != nil {
		return c, err
	}
	slices.Sort(files)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return c, err
		}
		c.Reports = append(c.Reports, b)
	}
	return c, nil
}

// Policy reads policy.yaml in a folder, or its meet with next.yaml.
func Policy(dir string) (*policy.Policy, error) {
	p, err := read(filepath.Join(dir, "policy.yaml"))
	if err != nil {
		return nil, err
	}
	next, err := read(filepath.Join(dir, "next.yaml"))
	if os.IsNotExist(err) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	return policy.Meet(p, next)
}

func read(file string) (*policy.Policy, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return policy.Parse(file, text)
}
