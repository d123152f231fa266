package laws

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each seeded fault in the table is found by the gate, by what a report of
// known input must say, or by non-interference.
//
// Every mutant is a whole copy of the table's source with one fault, a package
// of its own that exists only in an overlay. One more overlay file hands all of
// them to TestOfMutants, so one binary is linked and each package compiled once.
func TestEveryMutantIsFound(t *testing.T) {
	if testing.Short() {
		t.Log("under -short only the edits are tried, not the mutants")
	}
	if len(mutants) < 20 {
		t.Fatalf("only %d mutants", len(mutants))
	}
	source := readTable(t)
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{}
	write := func(virtual, text string) {
		real := filepath.Join(dir, fmt.Sprintf("%d.go", len(overlay)))
		if err := os.WriteFile(real, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(here, virtual)] = real
	}
	imports, calls := "", ""
	for i, m := range mutants {
		files := map[string]string{}
		for name, text := range source {
			files[name] = text
		}
		for _, e := range m.edits {
			if !strings.Contains(files[e.file], e.from) {
				t.Fatalf("mutant %q: %s does not have %q any more: put the fault where the code is now", m.name, e.file, e.from)
			}
			files[e.file] = strings.ReplaceAll(files[e.file], e.from, e.to)
		}
		files["seen.go"] = "package table\n\nimport \"sync\"\n\nvar seen sync.Map\n"
		for name, text := range files {
			write(fmt.Sprintf("mutants/m%02d/%s", i, name), text)
		}
		imports += fmt.Sprintf("	m%02d \"github.com/weir-telemetry/weir/redaction/laws/mutants/m%02d\"\n", i, i)
		calls += fmt.Sprintf("		%d: func(p *policy.Policy) (projector, error) { return m%02d.New(p, m%02d.Options{Key: key, Identity: install, Start: began}) },\n", i, i, i)
	}
	write("mutants_overlay_test.go", "package laws\n\nimport (\n	\"github.com/weir-telemetry/weir/redaction/policy\"\n"+imports+")\n\nfunc init() {\n	layers = map[int]layer{\n"+calls+"	}\n}\n")
	if testing.Short() {
		return
	}
	manifest, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "test", "-vet=off", "-tags", "remove_all_sd", "-count=1", "-overlay", file, "-run", "^TestOfMutants$", "-v", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	found := 0
	for _, line := range strings.Split(string(out), "\n") {
		if at := strings.Index(line, "mutant:"); at >= 0 {
			t.Log(line[at:])
			found++
		}
	}
	if err != nil || found != len(mutants) {
		t.Fatalf("%d of %d mutants were found: %v\n%s", found, len(mutants), err, out)
	}
	t.Logf("figure mutants %d, found %d", len(mutants), found)
}

// readTable is the source as other processors have it: an overlay cannot hold
// assembly.
func readTable(t *testing.T) map[string]string {
	files, err := filepath.Glob("../table/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("the table's source: %v", err)
	}
	source := map[string]string{}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || strings.HasSuffix(f, "_amd64.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source[filepath.Base(f)] = strings.Replace(string(text), "//go:build !amd64\n", "", 1)
	}
	return source
}

// layers is filled by the overlay alone.
var layers map[int]layer

// TestOfMutants runs inside TestEveryMutantIsFound; by itself it has nothing
// to judge.
func TestOfMutants(t *testing.T) {
	for i, m := range mutants[:len(layers)] {
		verdict := judge(t, layers[i])
		if verdict == "" {
			t.Errorf("lives: the table that %s", m.name)
			continue
		}
		t.Logf("mutant: %-46s found by %s", m.name, verdict)
	}
}
