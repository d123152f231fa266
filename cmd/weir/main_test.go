package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whoever asks a verb for help gets that of this verb, and whoever knows only
// the first word gets the others.
func TestHelpIsThatOfTheVerb(t *testing.T) {
	try := func(args ...string) (string, string, int) {
		var out, errOut bytes.Buffer
		code := run(env{out: &out, err: &errOut, getenv: func(string) string { return "" }}, args)
		return out.String(), errOut.String(), code
	}
	whole, _, code := try("help")
	assert.Equal(t, exitYes, code)
	for _, c := range commands() {
		for _, flag := range []string{"--help", "-h"} {
			out, errOut, code := try(append(strings.Fields(c.name), flag)...)
			assert.Equal(t, exitYes, code, c.name)
			assert.Empty(t, errOut)
			assert.Contains(t, whole, out)
			assert.True(t, strings.HasPrefix(out, "  weir "+c.name), out)
			assert.Equal(t, 2, strings.Count(out, "\n"), out)
		}
	}
	for _, args := range [][]string{{"policy"}, {"policy", "lnit"}} {
		_, errOut, code := try(args...)
		assert.Equal(t, exitError, code)
		assert.Contains(t, errOut, "init, lint, explain,")
		assert.Equal(t, 1, strings.Count(errOut, "\n"))
	}
	_, errOut, code := try("polcy")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errOut, "weir help")
}
