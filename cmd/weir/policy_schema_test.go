package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSchemaPrintsTheOneInTheDocs(t *testing.T) {
	want, err := os.ReadFile("../../docs/format/policy.schema.json")
	require.NoError(t, err)
	out, _, code := policyRun("schema")
	assert.Equal(t, exitYes, code)
	assert.Equal(t, string(want), out)
	_, _, code = policyRun("schema", "more")
	assert.Equal(t, exitError, code)
}
