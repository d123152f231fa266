package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/redaction/policy"
)

func TestDiffSaysWhatIsWidenedAndAnswersBySign(t *testing.T) {
	t.Chdir(t.TempDir())
	a, err := txtar.ParseFile(filepath.Join(policyTestdata, "accept.txtar"))
	require.NoError(t, err)
	old := string(a.Files[1].Data)
	write := func(name string, replace ...string) {
		require.NoError(t, os.WriteFile(name, []byte(strings.NewReplacer(replace...).Replace(old)), 0o600))
	}
	write("old.yaml")
	write("remark.yaml", "version: 1", "# a remark\nversion: 1")
	write("narrow.yaml", "[api, worker]", "[api]", "revision: 4", "revision: 5", "error rate per release", "error rate")
	write("wide.yaml", "[api, worker]", "[api, cron]", "revision: 4", "revision: 5")
	write("broken.yaml", "revision: 4", "")

	for _, c := range []struct {
		next string
		code int
		says []string
	}{
		{"old.yaml", exitYes, []string{"= unchanged", "There is no difference."}},
		{"remark.yaml", exitYes, []string{"= unchanged", "There is no difference."}},
		{"narrow.yaml", exitYes, []string{
			"- narrowed  http.server.requests attributes.service.name  removed: worker\n",
			"~ neutral   http.server.requests why                      error rate per release → error rate\n",
			"~ neutral   revision                                      4 → 5\n", "Nothing is widened"}},
		{"wide.yaml", exitNo, []string{
			"+ widened   http.server.requests attributes.service.name  added: cron\n", "- narrowed", "Something is widened"}},
		{"broken.yaml", exitError, []string{"the policy has no revision"}},
		{"gone.yaml", exitError, nil},
	} {
		out, _, code := policyRun("diff", "old.yaml", c.next)
		assert.Equal(t, c.code, code, c.next)
		for _, s := range c.says {
			assert.Contains(t, out, s, c.next)
		}
	}
	out, _, code := policyRun("diff", "old.yaml", "wide.yaml", "--json")
	assert.Equal(t, exitNo, code)
	var answer diffAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Equal(t, policy.Widened, answer.Change)
	assert.Equal(t, 5, answer.New.Revision)
	assert.Positive(t, answer.BitsPerDay.New)
	for _, args := range [][]string{{"old.yaml"}, {"old.yaml", "old.yaml", "old.yaml"}, {"--what", "old.yaml", "old.yaml"}} {
		_, errOut, code := policyRun(append([]string{"diff"}, args...)...)
		assert.Equal(t, exitError, code)
		assert.Contains(t, errOut, "usage: weir policy diff")
	}
}

func TestAnOlderRevisionIsAcceptedOnlyIfItIsMeant(t *testing.T) {
	t.Chdir(t.TempDir())
	a, err := txtar.ParseFile(filepath.Join(policyTestdata, "accept.txtar"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("four.yaml", a.Files[1].Data, 0o600))
	require.NoError(t, os.WriteFile("three.yaml", []byte(strings.Replace(string(a.Files[1].Data), "revision: 4", "revision: 3", 1)), 0o600))
	_, _, code := policyRun("accept", "four.yaml", "--by", "Ada", "--reason", "pilot")
	require.Equal(t, exitYes, code)
	_, errOut, code := policyRun("accept", "three.yaml", "--by", "Ada", "--reason", "pilot")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, errOut, "add --rollback")
	_, _, code = policyRun("accept", "three.yaml", "--by", "Ada", "--reason", "four is broken", "--rollback")
	assert.Equal(t, exitYes, code)
}
