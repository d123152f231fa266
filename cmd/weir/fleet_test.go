package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/vfs"
)

// with runs a command in an environment of its own.
func with(vars map[string]string, args ...string) (out, errs string, code int) {
	var o, e bytes.Buffer
	code = run(env{out: &o, err: &e, getenv: func(k string) string { return vars[k] }}, args)
	return o.String(), e.String(), code
}

func TestATokenIsPrintedAloneAndKnownToTheFleet(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	vars := map[string]string{"WEIR_FLEET_STATE": state, "WEIR_FLEET_URL": "https://fleet.example"}
	out, errs, code := with(vars, "fleet", "enroll", "acme", "--expires", "2h")
	require.Equal(t, exitYes, code, errs)
	require.Equal(t, 1, strings.Count(out, "\n"), "it can be piped into a file")
	tok, err := token.Store{FS: vfs.OS, Dir: filepath.Join(state, "tokens")}.Find(out, time.Now())
	require.NoError(t, err)
	assert.Equal(t, "acme", tok.Customer)
	assert.Equal(t, "https://fleet.example", tok.URL)
	assert.Len(t, tok.Pin, 32)
	assert.WithinDuration(t, time.Now().Add(2*time.Hour), tok.Expires, time.Minute)
	assert.NotContains(t, errs, out)

	out, _, code = with(vars, "fleet", "enroll", "--json", "acme", "--public-ca", "--url", "https://other.example")
	require.Equal(t, exitYes, code)
	var answer fleetEnrollAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Empty(t, answer.Pin)
	assert.True(t, strings.HasPrefix(answer.Verifier, "weir-fleet-"))

	ca := filepath.Join(state, "ca.pem")
	out, _, code = with(vars, "fleet", "enroll", "--json", "acme", "--ca", ca)
	require.Equal(t, exitYes, code)
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Len(t, answer.Pin, 64)
}

func TestFleetVerbsSayWhatIsWrong(t *testing.T) {
	state := t.TempDir()
	vars := map[string]string{"WEIR_FLEET_STATE": state}
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"fleet", "enroll", "acme"}, "--url (or WEIR_FLEET_URL)", exitError},
		{[]string{"fleet", "enroll"}, "usage: weir fleet enroll", exitError},
		{[]string{"fleet", "enroll", "Acme Inc", "--url", "https://f.example"}, "customer's name", exitError},
		{[]string{"fleet", "enroll", "acme", "--url", "http://f.example"}, "https://HOST", exitError},
		{[]string{"fleet", "enroll", "acme", "--url", "https://f.example", "--expires", "9999h"}, "up to 744h", exitError},
		{[]string{"fleet", "enroll", "acme", "--url", "https://f.example", "--ca", filepath.Join(state, "none")}, "no such file", exitError},
		{[]string{"fleet", "revoke"}, "usage: weir fleet revoke", exitError},
		{[]string{"fleet", "revoke", "0194f3c2-5a31-4d2b-9c1e-1234567890ab"}, "never enrolled", exitNo},
		{[]string{"fleet", "revoke", "../x"}, "never enrolled", exitNo},
		{[]string{"fleet", "receipts", "export", "--install", "x"}, "usage: weir fleet receipts", exitError},
		{[]string{"enroll"}, "no token", exitError},
		{[]string{"enroll", "weir1.secret"}, "usage: weir enroll", exitError},
		{[]string{"enroll", "--token-file", filepath.Join(state, "none")}, "no such file", exitError},
	} {
		_, errs, code := with(vars, c.args...)
		assert.Equal(t, c.code, code, c.args)
		assert.Contains(t, errs, c.want)
		assert.NotContains(t, errs, "secret")
	}
	_, errs, code := with(map[string]string{"WEIR_FLEET_STATE": filepath.Join(state, "gone")}, "fleet", "revoke", "0194f3c2-5a31-4d2b-9c1e-1234567890ab")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errs, "WEIR_FLEET_STATE names")
}

func TestRevokingSaysWhoIsOut(t *testing.T) {
	const id = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"
	state := t.TempDir()
	r := registry.Registry{FS: vfs.OS, Dir: state}
	require.NoError(t, r.Bind(id, "acme"))
	require.NoError(t, r.Record(id, registry.Enrolment{ID: "one"}))
	out, _, code := with(map[string]string{"WEIR_FLEET_STATE": state}, "fleet", "revoke", id)
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, "Revoked: "+id+" of acme")
	out, _, code = with(map[string]string{"WEIR_FLEET_STATE": state}, "fleet", "revoke", "--json", id)
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, `"revoked"`)
}

// Nothing is sent with a token that cannot be right.
func TestAnEdgeDoesNotUseABadToken(t *testing.T) {
	asked := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer server.Close()
	expired, err := token.NewRandom("acme", server.URL, nil, time.Now().Add(-time.Second))
	require.NoError(t, err)
	good, err := token.NewRandom("acme", server.URL, make([]byte, 32), time.Now().Add(time.Hour))
	require.NoError(t, err)
	policyFile := filepath.Join("..", "..", "policies", "sample-shop.yaml")
	for name, c := range map[string]struct {
		line, policy, want string
		code               int
	}{
		"malformed":        {"weir1.AAAA", "", "not an enrolment token", exitNo},
		"expired":          {expired.Text(), "", "has expired", exitNo},
		"elsewhere":        {good.Text(), policyFile, "another fleet than the policy's destination", exitNo},
		"another fleet":    {good.Text(), "", "not of the authority", exitError},
		"policy not there": {good.Text(), "/nowhere.yaml", "no such file", exitError},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			_, errs, code := with(map[string]string{"WEIR_DATA": data, "WEIR_ENROLL_TOKEN": c.line, "WEIR_POLICY": c.policy}, "enroll")
			assert.Equal(t, c.code, code)
			assert.Contains(t, errs, c.want)
			assert.NotContains(t, errs, c.line)
			_, err := os.Stat(filepath.Join(data, "identity", "fleet.json"))
			assert.ErrorIs(t, err, os.ErrNotExist)
		})
	}
	assert.Zero(t, asked)
}

// More receipts than one question answers, many at one moment, and two lines alike.
func TestReceiptsAreExportedWholeAndOnce(t *testing.T) {
	const id = "0194f3c2-5a31-4d2b-9c1e-1234567890ab"
	type entry struct {
		at   int64
		line string
	}
	start := time.Now().Add(-time.Hour).UnixNano()
	var all []entry
	for i := range 2500 {
		all = append(all, entry{start + int64(i/3), fmt.Sprintf(`{"install":%q,"index":%d,"checkpoint":"c"}`, id, i)})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, `{service_name="weir-fleet"} | kind="receipt" | install="`+id+`"`, r.FormValue("query"))
		from, _ := strconv.ParseInt(r.FormValue("start"), 10, 64)
		limit, _ := strconv.Atoi(r.FormValue("limit"))
		values := [][2]string{}
		for _, e := range all {
			if e.at >= from && len(values) < limit {
				values = append(values, [2]string{strconv.FormatInt(e.at, 10), e.line})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"result": []any{map[string]any{"values": values}}}})
	}))
	defer server.Close()
	out, errs, code := with(map[string]string{"WEIR_FLEET_LISTEN": strings.TrimPrefix(server.URL, "http://")}, "fleet", "receipts", "export", "--install", id)
	require.Equal(t, exitYes, code, errs)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, len(all))
	for i, e := range all {
		require.Equal(t, e.line, lines[i])
	}
}
