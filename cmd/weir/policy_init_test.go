package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/redaction/policy"
)

func TestInitWritesAPolicyThatLintsClean(t *testing.T) {
	t.Chdir(t.TempDir())
	out, errOut, code := policyRun("init", "--product", "shop", "--vendor", "acme", "--destination", "https://telemetry.acme.example/in")
	require.Equal(t, exitYes, code, errOut)
	assert.Contains(t, out, "Wrote allowlist.yaml")
	data, err := os.ReadFile("allowlist.yaml")
	require.NoError(t, err)
	p, err := policy.Parse("allowlist.yaml", data)
	require.NoError(t, err)
	assert.Equal(t, "shop", p.Product)
	assert.Equal(t, "acme", p.Vendor)
	assert.Equal(t, "https://telemetry.acme.example/in", p.Destination)
	assert.NotEmpty(t, p.Signals)
	_, _, code = policyRun("lint", "allowlist.yaml")
	assert.Equal(t, exitYes, code)
}

// What the template offers in comments is as valid as the rest.
func TestInitOffersEntriesThatLintClean(t *testing.T) {
	head, entries, ok := strings.Cut(initTemplate, "signals: []\n")
	require.True(t, ok)
	source := head + "signals:\n"
	for line := range strings.Lines(entries) {
		if strings.HasPrefix(line, "#  ") {
			source += line[1:]
		}
	}
	source = strings.NewReplacer("@PRODUCT@", "p", "@VENDOR@", "v", "@DESTINATION@", "https://x.example").Replace(source)
	p, err := policy.Parse("p", []byte(source))
	require.NoError(t, err)
	var own []string
	for _, s := range p.Signals {
		if s.Set == "" {
			own = append(own, s.Name)
		}
	}
	assert.Equal(t, []string{"shop.checkout.duration", "shop.orders", "shop.queue.length"}, own)
}

func TestInitNeverOverwrites(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("mine.yaml", []byte("mine"), 0o600))
	_, errOut, code := policyRun("init", "mine.yaml")
	assert.Equal(t, exitError, code)
	assert.Contains(t, errOut, "stays as it is")
	data, err := os.ReadFile("mine.yaml")
	require.NoError(t, err)
	assert.Equal(t, "mine", string(data))
}

func TestInitTakesNothingThatIsNotAValue(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, args := range [][]string{
		{"--product", "Shop"},
		{"--product", "shop\nexpires: 2027-01-01"},
		{"--vendor", "acme # of old"},
		{"--destination", "http://telemetry.acme.example"},
		{"--destination", "https://telemetry.acme.example # really"},
		{"one.yaml", "two.yaml"},
	} {
		_, errOut, code := policyRun(append([]string{"init"}, args...)...)
		assert.Equal(t, exitError, code, args)
		assert.NotEmpty(t, errOut)
	}
	left, err := filepath.Glob("*")
	require.NoError(t, err)
	assert.Empty(t, left)
}
