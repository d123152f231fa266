package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// TestResponsibilitiesCommands compares with testdata/responsibilities.txtar,
// whose prologue says how to read it. WEIR_UPDATE_GOLDEN=1 writes it anew.
func TestResponsibilitiesCommands(t *testing.T) {
	file, err := filepath.Abs("testdata/responsibilities.txtar")
	require.NoError(t, err)
	sample, err := os.ReadFile("../../config/responsibilities/shop.yaml")
	require.NoError(t, err)
	golden, err := txtar.ParseFile(file)
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("shop.yaml", sample, 0o600))
	blanks := strings.NewReplacer(`"+49 30 5550199"`, `""`, "who: Storage team\n", "who: TBD\n", "  hours: 24/7\n", "").Replace(string(sample))
	require.NoError(t, os.WriteFile("blanks.yaml", []byte(blanks), 0o600))
	update := os.Getenv("WEIR_UPDATE_GOLDEN") != ""
	for i, f := range golden.Files {
		words := strings.Fields(f.Name)
		vars := map[string]string{}
		if name, value, ok := strings.Cut(words[0], "="); ok {
			vars[name], words = value, words[1:]
		}
		var out bytes.Buffer
		code := run(env{out: &out, err: &out, getenv: func(k string) string { return vars[k] }}, words[1:])
		got := out.String() + fmt.Sprintf("exit %d\n", code)
		if update {
			golden.Files[i].Data = []byte(got)
			continue
		}
		assert.Equal(t, string(f.Data), got, f.Name)
	}
	if update {
		require.NoError(t, os.WriteFile(file, txtar.Format(golden), 0o644))
	}
	kept, err := os.ReadFile("shop.yaml")
	require.NoError(t, err)
	assert.Equal(t, sample, kept, "init wrote over a file")
}
