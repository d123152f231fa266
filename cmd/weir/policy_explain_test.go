package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// Both documents quote the digest that is accepted.
func TestExplainWritesDocuments(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("p.yaml", []byte(tryPolicy), 0o600))
	digest := policy.DigestOf([]byte(tryPolicy)).String()
	html, _, code := policyRun("explain", "--html", "p.yaml")
	assert.Equal(t, exitYes, code)
	assert.True(t, strings.HasPrefix(html, "<!doctype html>"))
	assert.Contains(t, html, digest)
	annex, _, code := policyRun("explain", "p.yaml", "--annex")
	assert.Equal(t, exitYes, code)
	assert.True(t, strings.HasPrefix(annex, "# Annex"))
	assert.Contains(t, annex, digest)

	for _, two := range [][]string{{"--html", "--annex"}, {"--html", "--json"}, {"--annex", "--json"}} {
		out, errOut, code := policyRun("explain", two[0], two[1], "p.yaml")
		assert.Equal(t, exitError, code)
		assert.Contains(t, errOut, "one form at a time")
		assert.Empty(t, out)
	}
}
