package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// policyRun runs `weir policy ...` in the current folder, with its data beside.
func policyRun(args ...string) (out, errOut string, code int) {
	var o, e bytes.Buffer
	code = run(env{out: &o, err: &e, getenv: func(k string) string {
		return map[string]string{"WEIR_DATA": "data"}[k]
	}}, append([]string{"policy"}, args...))
	return o.String(), e.String(), code
}

var acceptedAt = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// Each file of testdata/policy is one command and all that it says. The time of
// an acceptance is written as TIME.
func TestPolicyCommands(t *testing.T) {
	files, err := filepath.Glob("testdata/policy/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	here, err := os.Getwd()
	require.NoError(t, err)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			file := filepath.Join(here, file)
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			require.Len(t, a.Files, 3)
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("allowlist.yaml", a.Files[1].Data, 0o600))
			out, errOut, code := policyRun(strings.Fields(string(a.Files[0].Data))...)
			got := fmt.Sprintf("%s%sexit %d\n", acceptedAt.ReplaceAllString(out, "TIME"), errOut, code)
			if os.Getenv("WEIR_UPDATE_GOLDEN") != "" {
				a.Files[2].Data = []byte(got)
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o644))
				return
			}
			assert.Equal(t, string(a.Files[2].Data), got)
		})
	}
}

func TestAcceptanceIsWhatTheEdgeGoesBy(t *testing.T) {
	t.Chdir(t.TempDir())
	const file = "allowlist.yaml"
	a, err := txtar.ParseFile(filepath.Join(policyTestdata, "accept.txtar"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, a.Files[1].Data, 0o600))
	resolve := func() consent.State { return consent.Resolve(vfs.OS, "data", file, time.Now()).State }

	require.Equal(t, consent.Unaccepted, resolve())
	out, _, code := policyRun("accept", "--json", file, "--by", "Ada Example", "--reason", "reviewed for the pilot")
	require.Equal(t, exitYes, code)
	require.Equal(t, consent.Active, resolve())
	var first, second acceptAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &first))
	assert.Equal(t, policy.DigestOf(a.Files[1].Data), first.Digest)
	assert.Equal(t, "Ada Example", first.By)
	assert.Equal(t, "reviewed for the pilot", first.Reason)
	assert.False(t, first.Before)
	assert.FileExists(t, first.Recorded)

	// A second acceptance changes nothing and says so.
	out, _, code = policyRun("accept", file, "--by", "Bob", "--reason", "again", "--json")
	require.Equal(t, exitYes, code)
	require.NoError(t, json.Unmarshal([]byte(out), &second))
	assert.True(t, second.Before)
	assert.Equal(t, "Ada Example", second.By)

	// What accept says about taking it back is true.
	require.NoError(t, os.Remove(first.Recorded))
	require.Equal(t, consent.Unaccepted, resolve())

	// Where nothing can be written, nothing is accepted.
	require.NoError(t, os.RemoveAll("data"))
	require.NoError(t, os.WriteFile("data", nil, 0o600))
	_, errOut, code := policyRun("accept", file, "--by", "Ada", "--reason", "pilot")
	assert.Equal(t, exitError, code)
	assert.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
}

// policyTestdata is found from any folder: tests change theirs.
var policyTestdata = func() string { d, _ := filepath.Abs("testdata/policy"); return d }()
