package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/fleet/receipts"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// fixturePolicy is what the fixture's reports are made under.
const fixturePolicy = `version: 1
product: shop
vendor: acme
revision: 3
destination: https://telemetry.acme.example
interval: 60s
identity:
  weir.install.id: {type: uuid}
signals:
  - name: http.server.requests
    why: error rate per release, to see an incident before the customer has to call
    owner: support@acme.example
    category: error_rate
    kind: sum
    unit: "1"
    value: {min: 0, max: 1e12, step: 1}
    attributes:
      http.response.status_class: {enum: [2xx, 5xx], otherwise: other}
  - name: system.cpu.utilization
    why: headroom
    owner: support@acme.example
    category: utilization
    kind: gauge
    unit: "1"
    merge: mean
    value: {min: 0, max: 1, step: 0.01}
`

// fixtureReport is a report under that policy.
func fixtureReport(t *testing.T, sequence int) []byte {
	t.Helper()
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("weir.install.id", "6f9619ff-8b86-4d01-b42d-00c04fc964ff")
	rm.Resource().Attributes().PutStr("weir.policy.digest", hex.EncodeToString(policyOfFixture()))
	sm := rm.ScopeMetrics().AppendEmpty()
	m := sm.Metrics().AppendEmpty()
	m.SetName("http.server.requests")
	m.SetUnit("1")
	s := m.SetEmptySum()
	for i, class := range []string{"2xx", "5xx"} {
		dp := s.DataPoints().AppendEmpty()
		dp.SetDoubleValue(float64(sequence * 100 / (1 + 99*i)))
		dp.Attributes().PutStr("http.response.status_class", class)
	}
	m = sm.Metrics().AppendEmpty()
	m.SetName("system.cpu.utilization")
	m.SetUnit("1")
	m.SetEmptyGauge().DataPoints().AppendEmpty().SetDoubleValue(0.25)
	m = sm.Metrics().AppendEmpty()
	m.SetName("weir.report.sequence")
	m.SetUnit("{report}")
	m.SetEmptyGauge().DataPoints().AppendEmpty().SetDoubleValue(float64(sequence))
	b, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
	require.NoError(t, err)
	return b
}

func policyOfFixture() []byte {
	d := sum256([]byte(fixturePolicy))
	return d[:]
}

// ledgerFixture makes a ledger that is the same each time: three reports of
// which the first was acknowledged and the second refused. Beside it lie the
// fleet's receipts for the first and the third, a file of them that was changed,
// and the fleet's key.
func ledgerFixture(t *testing.T) (data string) {
	t.Helper()
	data = t.TempDir()
	l := openFixture(t, data)
	digest := [32]byte(policyOfFixture())
	add := func(r ledger.Record) ledger.Record {
		r.PolicyDigest, r.Destination = digest, "https://telemetry.acme.example"
		got, err := l.Append(r)
		require.NoError(t, err)
		return got
	}
	report := func(sequence int) ledger.Record {
		return add(ledger.Record{Kind: ledger.KindReport, Sequence: uint64(sequence), Body: fixtureReport(t, sequence)})
	}
	add(ledger.Record{Kind: ledger.KindPolicy, Body: []byte(fixturePolicy)})
	add(ledger.Record{Kind: ledger.KindAcceptance, Body: []byte(`{"by":"R. Viewer"}`)})
	first, second := report(1), report(2)
	add(ledger.Outcome{Result: ledger.Acknowledged, Status: "2xx"}.Record(&first))
	add(ledger.Outcome{Result: ledger.Refused, Status: "4xx"}.Record(&second))
	third := report(3)
	require.NoError(t, l.Close())
	fixtureReceipts(t, data, first, third)
	return data
}

func fixtureReceipts(t *testing.T, data string, reports ...ledger.Record) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{2}), "fleet.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(private)
	require.NoError(t, err)
	b, err := ledger.OpenBook(vfs.OS, filepath.Join(data, "ledger"))
	require.NoError(t, err)
	signed, err := ledger.Countersign(b.Note, signer)
	require.NoError(t, err)
	write := func(name string, change func(*receipts.Receipt)) {
		var out bytes.Buffer
		for _, r := range reports {
			s, err := b.State(r)
			require.NoError(t, err)
			line, err := receipts.New(b.Checkpoint.Install, "acme", s, r.Body, signed, b.Key)
			require.NoError(t, err)
			change(&line)
			require.NoError(t, json.NewEncoder(&out).Encode(line))
		}
		require.NoError(t, os.WriteFile(filepath.Join(data, name), out.Bytes(), 0o600))
	}
	write("receipts.jsonl", func(*receipts.Receipt) {})
	write("changed.jsonl", func(r *receipts.Receipt) {
		if r.Sequence == 3 {
			r.SHA256 = strings.Repeat("0", 64)
		} else {
			r.Sequence = 9
		}
	})
	write("others.jsonl", func(r *receipts.Receipt) { r.Install = "11111111-2222-4333-8444-555555555555" })
	require.NoError(t, os.WriteFile(filepath.Join(data, "fleet.pub"), []byte(public+"\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(data, "garbage"), []byte("garbage\n"), 0o600))
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
	i := bytes.Index(b, fixtureReport(t, 2))
	require.Positive(t, i)
	b[i+40] ^= 1
	require.NoError(t, os.WriteFile(segment(data), b, 0o600))
}

func TestLedgerVerifyAgainstACheckpointKeptElsewhere(t *testing.T) {
	data := ledgerFixture(t)
	kept := filepath.Join(t.TempDir(), "kept")
	b, err := os.ReadFile(filepath.Join(data, "ledger", "checkpoint"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(kept, b, 0o600))

	l := openFixture(t, data) // grown since
	_, err = l.Append(ledger.Record{Kind: ledger.KindReport, Sequence: 4, PolicyDigest: [32]byte(policyOfFixture())})
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
