// Package policies holds the policies that ship with the product. There is no
// code in it; the test keeps the files readable.
package policies

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-telemetry/weir/redaction/policy"
)

func TestEveryPolicyHereIsValid(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.Parse(file, data)
		if err != nil {
			t.Error(err)
			continue
		}
		if len(p.Signals) == 0 {
			t.Errorf("%s lets nothing out", file)
		}
		if !bytes.Contains(readme, []byte("`"+file+"`")) {
			t.Errorf("README.md does not say what %s is for", file)
		}
	}
}

// The demo's fleet can answer what the product promises to answer: version,
// heartbeat, error rate and utilization.
func TestSampleAnswersEachOfSupportsQuestions(t *testing.T) {
	data, err := os.ReadFile("sample-shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.Parse("sample-shop.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	answered := map[policy.Category]bool{}
	for _, s := range p.Signals {
		answered[s.Category] = true
	}
	for _, c := range []policy.Category{policy.CategoryVersion, policy.CategoryHeartbeat, policy.CategoryErrorRate, policy.CategoryUtilization, policy.CategoryHealth} {
		if !answered[c] {
			t.Errorf("no signal answers %s", c)
		}
	}
}
