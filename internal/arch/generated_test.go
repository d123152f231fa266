package arch

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// The builder is run as `make generate` runs it, into a folder of its own, and
// must come to what is committed.
func TestTheCollectorIsWhatTheBuilderMakesOfItsList(t *testing.T) {
	dir := t.TempDir()
	list, err := os.ReadFile("../../builder-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "collector")
	list = bytes.Replace(list, []byte("output_path: ./collector"), []byte("output_path: "+out), 1)
	conf := filepath.Join(dir, "builder-config.yaml")
	if err := os.WriteFile(conf, list, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "tool", "builder", "--skip-get-modules", "--skip-compilation", "--config", conf)
	cmd.Dir = "../../tools"
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("run the builder: %v\n%s", err, msg)
	}
	made, err := filepath.Glob(filepath.Join(out, "*.go"))
	if err != nil || len(made) == 0 {
		t.Fatalf("the builder made no Go files (%v)", err)
	}
	for _, f := range made {
		want, err := os.ReadFile(f)
		if err == nil {
			want, err = format.Source(want)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../collector", filepath.Base(f)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("collector/%s differs from what builder-config.yaml gives: run 'make generate'", filepath.Base(f))
		}
	}
}

var gomodLine = regexp.MustCompile(`gomod: (\S+) (v\S+)`)

func TestTheListAndGoModNameTheSameVersions(t *testing.T) {
	list, err := os.ReadFile("../../builder-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	for _, r := range mod.Require {
		have[r.Mod.Path] = r.Mod.Version
	}
	lines := gomodLine.FindAllStringSubmatch(string(list), -1)
	if len(lines) < 10 {
		t.Fatalf("only %d components found in builder-config.yaml", len(lines))
	}
	for _, l := range lines {
		if path, version := l[1], l[2]; path+"/" != module && have[path] != version {
			t.Errorf("builder-config.yaml says %s %s, go.mod %q", path, version, have[path])
		}
	}

	// The set is raised only as a whole (docs/decisions): one stray upgrade
	// mixes releases.
	for path, version := range have {
		want := ""
		switch {
		case path == "github.com/open-telemetry/opentelemetry-collector-contrib/extension/basicauthextension",
			path == "github.com/open-telemetry/opentelemetry-collector-contrib/extension/internal/credentialsfile":
			want = "v0.148.0"
		case strings.HasPrefix(path, "github.com/open-telemetry/opentelemetry-collector-contrib/"):
			want = "v0.149.0"
		case path == "github.com/prometheus/prometheus":
			want = "v0.310.0"
		case strings.HasPrefix(path, "go.opentelemetry.io/collector/"):
			want = "v0.149.0 v1.55.0"
		}
		if want != "" && !strings.Contains(want, version) {
			t.Errorf("go.mod has %s %s, the pinned set has %s", path, version, want)
		}
	}
}
