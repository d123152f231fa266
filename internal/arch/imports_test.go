// Package arch holds the laws of the house that a compiler does not: which room
// may import which, and that what is generated matches what it is made from.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/weir-telemetry/weir/"

type pkg struct {
	ImportPath string
	Imports    []string
}

// packages lists the module's packages with what they import, tests left out.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags", "remove_all_sd", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the packages: %v\n%s", err, stderr.String())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages listed: the law would hold of nothing", len(all))
	}
	return all
}

var componentRooms = []string{"receivers/", "processors/", "connectors/", "exporters/", "extensions/"}

// under says whether a package lies in one of the rooms.
func under(path string, rooms ...string) bool {
	rel, ok := strings.CutPrefix(path, module)
	if !ok {
		return false
	}
	for _, r := range rooms {
		if strings.HasPrefix(rel+"/", strings.TrimSuffix(r, "/")+"/") {
			return true
		}
	}
	return false
}

// room is the component's own folder, its internal packages included.
func room(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, module), "/")
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func TestComponentsNeverImportEachOther(t *testing.T) {
	for _, p := range packages(t) {
		if !under(p.ImportPath, componentRooms...) {
			continue
		}
		for _, imp := range p.Imports {
			if under(imp, componentRooms...) && room(imp) != room(p.ImportPath) {
				t.Errorf("%s imports %s: components meet only through interfaces of the pure packages", p.ImportPath, imp)
			}
		}
	}
}

func TestPurePackagesKnowNoCollector(t *testing.T) {
	const pdata = "go.opentelemetry.io/collector/pdata"
	for _, p := range packages(t) {
		if !under(p.ImportPath, "redaction", "ledger", "localstore", "vitals", "fleet", "internal") {
			continue
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, "go.uber.org/zap") ||
				strings.HasPrefix(imp, "go.opentelemetry.io/collector/") && !strings.HasPrefix(imp, pdata) {
				t.Errorf("%s imports %s: pure packages may know pdata, never component, confmap or zap", p.ImportPath, imp)
			}
		}
	}
}

// order is the one direction in which imports point: a package may import
// those before it in a chain, never those after.
var order = [][]string{
	{"redaction/policy", "redaction/consent", "processors/allowlistprocessor"},
	{"redaction/policy", "redaction/table", "processors/allowlistprocessor"},
	{"redaction/policy", "redaction/gate", "exporters/upstreamexporter"},
	{"internal/vfs", "ledger", "exporters/upstreamexporter"},
	{"internal/vfs", "fleet/token", "fleet/identity", "fleet/ca", "fleet/admission", "receivers/fleetreceiver"},
	{"localstore/promengine", "localstore/rules", "extensions/localstoreextension"},
	{"internal/vfs", "localstore/logstore", "localstore/logql", "localstore/api", "extensions/localstoreextension"},
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		for _, chain := range order {
			for i, earlier := range chain {
				if !under(p.ImportPath, earlier) {
					continue
				}
				for _, imp := range p.Imports {
					if under(imp, chain[i+1:]...) {
						t.Errorf("%s imports %s, which builds on it", p.ImportPath, imp)
					}
				}
			}
		}
	}
}

func TestTheGateAndTheTableAreStrangers(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if under(p.ImportPath, "redaction/gate") && under(imp, "redaction/table") ||
				under(p.ImportPath, "redaction/table") && under(imp, "redaction/gate") {
				t.Errorf("%s imports %s: the gate proves nothing if it shares the table's code", p.ImportPath, imp)
			}
		}
	}
}

func TestNoPackageThatServesProfilesOrTracesOfItself(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range p.Imports {
			if imp == "net/http/pprof" || strings.Contains(imp, "zpagesextension") || strings.Contains(imp, "pprofextension") {
				t.Errorf("%s imports %s: pprof and zpages are not built in (docs: SECURITY.md)", p.ImportPath, imp)
			}
		}
	}
}
