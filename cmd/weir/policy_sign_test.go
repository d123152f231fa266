package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

func TestAPolicyIsSignedByEachAndVerifiedByEnough(t *testing.T) {
	t.Chdir(t.TempDir())
	a, err := txtar.ParseFile(filepath.Join(policyTestdata, "accept.txtar"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("p.yaml", a.Files[1].Data, 0o600))
	keygen := func(name string) string {
		out, errOut, code := policyRun("keygen", "--name", name, "--out", name+".key")
		require.Equal(t, exitYes, code, errOut)
		st, err := os.Stat(name + ".key")
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), st.Mode())
		return strings.TrimSpace(out)
	}
	alice, bob := keygen("alice.example"), keygen("bob.example")
	verify := func(args ...string) (string, int) {
		out, errOut, code := policyRun(append([]string{"verify", "p.yaml"}, args...)...)
		return out + errOut, code
	}
	out, code := verify("--key", alice)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "there is no p.yaml.sig")

	_, errOut, code := policyRun("sign", "p.yaml", "--key", "alice.example.key")
	require.Equal(t, exitYes, code, errOut)
	out, code = verify("--key", alice)
	assert.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "by       alice.example\n")
	out, code = verify("--key", alice, "--key", bob, "--threshold", "2")
	assert.Equal(t, exitNo, code, out)
	_, _, code = policyRun("sign", "p.yaml", "--key", "bob.example.key")
	require.Equal(t, exitYes, code)
	out, code = verify("--key", alice, "--key", bob, "--threshold", "2", "--json")
	assert.Equal(t, exitYes, code, out)
	assert.Contains(t, out, `"valid": true`)

	require.NoError(t, os.WriteFile("p.yaml", append(a.Files[1].Data, '\n'), 0o600))
	out, code = verify("--key", alice)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "another policy")
	_, errOut, code = policyRun("sign", "p.yaml", "--key", "alice.example.key")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errOut, "remove p.yaml.sig")

	for _, args := range [][]string{
		{"keygen", "--name", "alice.example", "--out", "alice.example.key"}, // it is there
		{"keygen", "--name", "two words", "--out", "x.key"},
		{"keygen", "--name", "x"},
		{"sign", "p.yaml"},
		{"sign", "p.yaml", "--key", "p.yaml"},
		{"sign", "p.yaml", "--key", "bob.example.key", "--expires", "2020-01-01"},
		{"verify", "p.yaml"},
		{"verify", "p.yaml", "--key", "alice"},
		{"verify", "p.yaml", "--key", alice, "--threshold", "2"},
		{"verify", "p.yaml", "--key", alice, "--key", alice},
	} {
		_, errOut, code := policyRun(args...)
		assert.Equal(t, exitError, code, args)
		assert.NotEmpty(t, errOut, args)
	}
	assert.NoFileExists(t, "x.key")
}
