package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Every configuration that ships is one that the collector takes.
func TestEveryShippedConfigurationIsValid(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "config", "*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("found %d configurations: %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			cmd := exec.Command(collector, "validate", "--config", f)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
