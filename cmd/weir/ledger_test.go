package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// ledgerFixture makes a ledger that is the same each time: three reports of
// which the first was acknowledged and the second refused.
func ledgerFixture(t *testing.T) (data string) {
	t.Helper()
	data = t.TempDir()
	l := openFixture(t, data)
	policy := []byte("version: 1\n")
	digest := sum256(policy)
	to := "https://telemetry.acme.example"
	add := func(r ledger.Record) ledger.Record {
		r.PolicyDigest, r.Destination = digest, to
		got, err := l.Append(r)
		require.NoError(t, err)
		return got
	}
	add(ledger.Record{Kind: ledger.KindPolicy, Body: policy})
	add(ledger.Record{Kind: ledger.KindAcceptance, Body: []byte(`{"by":"R. Viewer"}`)})
	first := add(ledger.Record{Kind: ledger.KindReport, Sequence: 1, Body: []byte("report one")})
	second := add(ledger.Record{Kind: ledger.KindReport, Sequence: 2, Body: []byte("report two, longer")})
	add(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&first))
	add(ledger.Outcome{Result: ledger.Refused, Status: "4xx"}.Record(&second))
	add(ledger.Record{Kind: ledger.KindReport, Sequence: 3, Body: []byte("report three")})
	require.NoError(t, l.Close())
	return data
}

func openFixture(t *testing.T, data string) *ledger.Ledger {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l, err := ledger.Open(vfs.OS, filepath.Join(data, "ledger"), ledger.Options{
		Install: "6f9619ff-8b86-4d01-b42d-00c04fc964ff",
		Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		},
		Rand: rand.NewChaCha8([32]byte{1}),
	})
	require.NoError(t, err)
	return l
}

// weir runs the command as a shell would.
func weir(data string, args ...string) (out string, code int) {
	var b bytes.Buffer
	e := env{out: &b, err: &b, getenv: func(k string) string {
		if k == "WEIR_DATA" {
			return data
		}
		return ""
	}}
	code = run(e, args)
	return strings.ReplaceAll(b.String(), data, "$WEIR_DATA"), code
}

// TestLedgerCommands compares with testdata/ledger.txtar, whose prologue says
// how to read it. WEIR_UPDATE_GOLDEN=1 writes it anew.
func TestLedgerCommands(t *testing.T) {
	const file = "testdata/ledger.txtar"
	golden, err := txtar.ParseFile(file)
	require.NoError(t, err)
	update := os.Getenv("WEIR_UPDATE_GOLDEN") != ""
	for i, f := range golden.Files {
		t.Run(f.Name, func(t *testing.T) {
			data := ledgerFixture(t)
			words := strings.Fields(f.Name)
			for j := range words {
				words[j] = strings.ReplaceAll(words[j], "$WEIR_DATA", data)
			}
			if words[0] == "(damaged)" {
				damage(t, data)
				words = words[1:]
			}
			out, code := weir(data, words[1:]...)
			got := out + "exit " + string(rune('0'+code)) + "\n"
			if update {
				golden.Files[i].Data = []byte(got)
				return
			}
			assert.Equal(t, string(f.Data), got)
		})
	}
	if update {
		require.NoError(t, os.WriteFile(file, txtar.Format(golden), 0o644))
	}
}

func segment(data string) string {
	return filepath.Join(data, "ledger", "00000000000000000000.seg")
}

// damage flips one bit in the second report's body.
func damage(t *testing.T, data string) {
	t.Helper()
	b, err := os.ReadFile(segment(data))
	require.NoError(t, err)
	i := bytes.Index(b, []byte("report two"))
	require.Positive(t, i)
	b[i] ^= 1
	require.NoError(t, os.WriteFile(segment(data), b, 0o600))
}

func TestLedgerVerifyAgainstACheckpointKeptElsewhere(t *testing.T) {
	data := ledgerFixture(t)
	kept := filepath.Join(t.TempDir(), "kept")
	b, err := os.ReadFile(filepath.Join(data, "ledger", "checkpoint"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, b, 0o600))

	l := openFixture(t, data) // grown since
	_, err = l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: 4, PolicyDigest: sum256([]byte("version: 1\n"))})
	require.NoError(t, err)
	out, code := weir(data, "ledger", "verify", "--checkpoint", kept)
	assert.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "held elsewhere agrees")
	require.NoError(t, l.Close())

	require.NoError(t, os.RemoveAll(filepath.Join(data, "ledger")))
	require.NoError(t, openFixture(t, data).Close()) // a new one, same key
	out, code = weir(data, "ledger", "verify")
	assert.Equal(t, exitYes, code, out)
	out, code = weir(data, "ledger", "verify", "--checkpoint", kept)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "the checkpoint held elsewhere covers 7")
	require.NoError(t, os.WriteFile(kept, nil, 0o600))
	_, code = weir(data, "ledger", "verify", "--checkpoint", kept)
	assert.Equal(t, exitNo, code, "an empty file is not no file")
}

func TestLedgerTailInJSONIsOneObjectALine(t *testing.T) {
	out, code := weir(ledgerFixture(t), "ledger", "tail", "--json", "-n", "5")
	require.Equal(t, exitYes, code)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 5)
	var states []string
	for _, line := range lines {
		var r tailRow
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		states = append(states, r.Kind+" "+r.State)
	}
	assert.Equal(t, []string{"report acknowledged", "report refused", "outcome acknowledged", "outcome refused", "report pending"}, states)
}

func TestLedgerTailFollowsTheEdge(t *testing.T) {
	data := ledgerFixture(t)
	l := openFixture(t, data)
	defer l.Close()
	var b bytes.Buffer
	e := env{out: &b, err: &b, getenv: os.Getenv}
	r, err := ledger.NewReader(vfs.OS, filepath.Join(data, "ledger"), 0)
	require.NoError(t, err)
	tl := tail{env: e, reader: r}
	require.NoError(t, tl.show())
	require.Empty(t, b.String())
	_, err = l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: 4, Destination: "https://x.example\x1b[2J"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*followEvery/2)
	defer cancel()
	assert.Equal(t, exitYes, tl.follow(ctx))
	assert.Contains(t, b.String(), "pending")
	assert.NotContains(t, b.String(), "\x1b", "a file cannot steer the terminal")
	assert.Equal(t, 1, strings.Count(b.String(), "\n"))
}

func sum256(b []byte) [32]byte { return sha256.Sum256(b) }
