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
)

const tryPolicy = `version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
  region: {enum: [north, south]}
  tenant: {type: hmac}
signals:
  - name: queue.length
    why: whether orders wait
    owner: support@acme.example
    category: utilization
    kind: gauge
    merge: max
    unit: "{order}"
    value: {min: 0, max: 100, step: 10}
`

func tryGauge(value string) string {
	return `{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "queue.length", "unit": "{order}",
		"gauge": {"dataPoints": [{"asDouble": ` + value + `}]}}]}]}]}` + "\n"
}

// tryCaseFile writes a case: name, data, name, data ...
func tryCaseFile(t *testing.T, sections ...string) string {
	t.Helper()
	a := &txtar.Archive{Comment: []byte("Why it is there.\nAnd more.\n")}
	for i := 0; i < len(sections); i += 2 {
		a.Files = append(a.Files, txtar.File{Name: sections[i], Data: []byte(sections[i+1])})
	}
	file := filepath.Join(t.TempDir(), "case.txtar")
	require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o600))
	return file
}

func trySection(t *testing.T, file, name string) string {
	t.Helper()
	a, err := txtar.ParseFile(file)
	require.NoError(t, err)
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func TestTheCasesThatShipPass(t *testing.T) {
	files, err := filepath.Glob("../../policies/tests/*.txtar")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 2)
	out, errOut, code := policyRun(append([]string{"test"}, files...)...)
	assert.Equal(t, exitYes, code, out+errOut)
	assert.Equal(t, len(files), strings.Count(out, "ok  "), out)
}

func TestUpdateWritesWhatThenPasses(t *testing.T) {
	file := tryCaseFile(t, "policy.yaml", tryPolicy, "in.json", tryGauge("34"))
	out, _, code := policyRun("test", file)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "does not say what it wants")

	out, _, code = policyRun("test", "--update", file)
	require.Equal(t, exitYes, code, out)
	want := trySection(t, file, "want.json")
	assert.Contains(t, want, `"asDouble": 30`, "rounded to the step")
	assert.Contains(t, want, digestMark)
	assert.Contains(t, want, `{"key": "region", "value": {"stringValue": "north"}}`)
	out, _, code = policyRun("test", file)
	assert.Equal(t, exitYes, code, out)

	// Laid out otherwise it is the same report; a comment in the policy changes
	// the digest and not the case.
	compact := strings.Join(strings.Fields(want), " ")
	file = tryCaseFile(t, "policy.yaml", "# new\n"+tryPolicy, "in.json", tryGauge("34"), "want.json", compact)
	out, _, code = policyRun("test", file)
	assert.Equal(t, exitYes, code, out)
}

func TestAReportThatDiffersIsShownLineByLine(t *testing.T) {
	file := tryCaseFile(t, "policy.yaml", tryPolicy, "in.json", tryGauge("34"))
	_, _, code := policyRun("test", "--update", file)
	require.Equal(t, exitYes, code)
	want := trySection(t, file, "want.json")
	before := tryCaseFile(t, "policy.yaml", tryPolicy, "in.json", tryGauge("77"), "want.json", want)
	out, _, code := policyRun("test", before, file)
	assert.Equal(t, exitNo, code)
	assert.Regexp(t, `(?m)^ +- .*"asDouble": 30`, out)
	assert.Regexp(t, `(?m)^ +\+ .*"asDouble": 80`, out)
	assert.Contains(t, out, "1 of 2 failed.")

	out, _, code = policyRun("test", "--json", before, file)
	assert.Equal(t, exitNo, code)
	var a tryAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &a))
	require.Len(t, a.Cases, 2)
	assert.Equal(t, 1, a.Failed)
	assert.False(t, a.Cases[0].Pass)
	assert.Equal(t, "want.json", a.Cases[0].Failures[0].Section)
	assert.Contains(t, a.Cases[0].Failures[0].Diff, "+ ")
	assert.True(t, a.Cases[1].Pass)
	assert.Equal(t, "Why it is there.", a.Cases[1].Why)
}

// A gauge is of one interval: what came at 61s is in the second report alone.
func TestTheClockIsMovedByTheSections(t *testing.T) {
	file := tryCaseFile(t, "policy.yaml", tryPolicy,
		"in1.json", tryGauge("90"), "want1.json", "", "in2.json at 61s", tryGauge("20"), "want2.json", "", "want3.json", "")
	_, _, code := policyRun("test", "--update", file)
	require.Equal(t, exitYes, code)
	assert.Contains(t, trySection(t, file, "want1.json"), `"asDouble": 90`)
	assert.Contains(t, trySection(t, file, "want2.json"), `"asDouble": 20`)
	assert.NotContains(t, trySection(t, file, "want3.json"), "asDouble", "no point, no value")

	// Reports that are due before a later input are made.
	file = tryCaseFile(t, "policy.yaml", tryPolicy, "in1.json", tryGauge("90"), "in2.json at 5m", tryGauge("20"), "want.json", "")
	_, _, code = policyRun("test", "--update", file)
	require.Equal(t, exitYes, code)
	assert.Contains(t, trySection(t, file, "want.json"), `"asDouble": 20`)

	for _, at := range []string{"in2.json at noon", "in2.json at -5s", "other.json", "in.yaml", "want.json at 5s"} {
		file = tryCaseFile(t, "policy.yaml", tryPolicy, at, tryGauge("20"), "want.json", "")
		_, _, code = policyRun("test", "--update", file)
		assert.Equal(t, exitNo, code, at)
	}
}

func TestWhatWasDroppedIsToldByReason(t *testing.T) {
	file := tryCaseFile(t, "policy.yaml", tryPolicy, "in.json", strings.Replace(tryGauge("1"), "{order}", "s", 1),
		"want.json", "", "want.dropped", "")
	_, _, code := policyRun("test", "--update", file)
	require.Equal(t, exitYes, code)
	assert.Equal(t, "unit_mismatch 1\n", trySection(t, file, "want.dropped"))
}

func TestARefusedPolicyIsACaseToo(t *testing.T) {
	bad := strings.Replace(tryPolicy, "max: 100,", "max: free,", 1)
	file := tryCaseFile(t, "policy.yaml", bad)
	out, _, code := policyRun("test", "--update", file)
	require.Equal(t, exitYes, code, out)
	assert.Equal(t, "policy.yaml:19:26: max is not a finite number; write a finite decimal number, such as 0, 0.01 or 1e12\n", trySection(t, file, "want.err"))
	// It fails once the policy is accepted, or refused where a report is wanted.
	file = tryCaseFile(t, "policy.yaml", tryPolicy, "want.err", trySection(t, file, "want.err"))
	_, _, code = policyRun("test", file)
	assert.Equal(t, exitNo, code)
	file = tryCaseFile(t, "policy.yaml", bad, "in.json", tryGauge("1"), "want.json", "")
	_, _, code = policyRun("test", "--update", file)
	assert.Equal(t, exitNo, code)
}

func TestACaseWithoutAPolicyTakesTheOneNamed(t *testing.T) {
	file := tryCaseFile(t, "in.json", tryGauge("34"), "want.json", "")
	_, _, code := policyRun("test", "--update", file)
	assert.Equal(t, exitNo, code)
	named := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(named, []byte(tryPolicy), 0o600))
	out, _, code := policyRun("test", "--update", "--policy", named, file)
	assert.Equal(t, exitYes, code, out)
}

func TestWhatCannotBeRunIsNoAnswer(t *testing.T) {
	for _, args := range [][]string{{}, {"none.txtar"}, {"--policy", "none.yaml", "x.txtar"}, {"--what"}} {
		_, errOut, code := policyRun(append([]string{"test"}, args...)...)
		assert.Equal(t, exitError, code, args)
		assert.NotEmpty(t, errOut)
	}
	file := tryCaseFile(t, "policy.yaml", tryPolicy, "in.json", `{"resourceMetrics": [`, "want.json", "")
	out, _, code := policyRun("test", file)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "not JSON")
}
