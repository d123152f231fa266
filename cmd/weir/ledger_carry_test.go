package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

// TestWhatIsCarriedOverAnAirGapComesBackAsReceipts goes the whole way: an
// encrypted file out, receipts in, and a ledger in which nothing waits.
func TestWhatIsCarriedOverAnAirGapComesBackAsReceipts(t *testing.T) {
	data := ledgerFixture(t)
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	file := filepath.Join(data, "out")
	l := openFixture(t, data) // while the edge runs
	out, code := weir(data, "ledger", "export", "--recipient", id.Recipient().String(), file)
	require.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "signed, encrypted")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, string(b), "http.server.requests")
	var sequences []uint64
	s, err := ledger.ReadExport(bytes.NewReader(b), []age.Identity{id}, func(r ledger.Record, st ledger.Statement) error {
		if r.Kind == ledger.KindReport {
			sequences = append(sequences, r.Sequence)
			key, err := ledger.LoadVerifier(vfs.OS, filepath.Join(data, "ledger"))
			require.NoError(t, err)
			return st.Check(r.Body, "6f9619ff-8b86-4d01-b42d-00c04fc964ff", key, nil)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []uint64{3}, sequences)
	assert.EqualValues(t, 374, s.Bytes)

	key, receipts := filepath.Join(data, "fleet.pub"), filepath.Join(data, "receipts.jsonl")
	out, code = weir(data, "ledger", "import", "--fleet-key", key, receipts)
	assert.Equal(t, exitError, code)
	assert.Contains(t, out, "the edge is running and has the ledger; stop it")
	require.NoError(t, l.Close())
	out, code = weir(data, "ledger", "import", "--fleet-key", key, receipts)
	assert.Equal(t, exitYes, code, out)
	out, code = weir(data, "ledger", "import", "--fleet-key", key, receipts)
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, "0 recorded, 2 known already", "twice is once")

	out, code = weir(data, "ledger", "verify")
	assert.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "0 pending")
	assert.Contains(t, out, "receipts 1")
	out, code = weir(data, "ledger", "show", "6")
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, "acknowledged (2xx), says record 7, with the fleet's receipt")
	out, code = weir(data, "ledger", "export", filepath.Join(data, "again"))
	assert.Equal(t, exitError, code)
	assert.Contains(t, out, "no report waits")
	out, code = weir(data, "ledger", "reconcile", "--fleet-key", key, "--receipts", filepath.Join(data, "empty"))
	assert.Equal(t, exitError, code, out)
	require.NoError(t, os.WriteFile(filepath.Join(data, "empty"), nil, 0o600))
	out, code = weir(data, "ledger", "reconcile", "--fleet-key", key, "--receipts", filepath.Join(data, "empty"))
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "at the fleet: sequence 3, record 6: the fleet does not show a report that it gave a receipt for")
}

// TestLongVerbsSayHowFarTheyAre, on the error stream, so that what is read by
// machines stays as it is.
func TestLongVerbsSayHowFarTheyAre(t *testing.T) {
	data := ledgerFixture(t)
	after, every := progressAfter, progressEvery
	defer func() { progressAfter, progressEvery = after, every }()
	progressAfter, progressEvery = 0, time.Nanosecond
	for _, verb := range [][]string{
		{"ledger", "verify", "--json"}, {"ledger", "stats", "--json"}, {"ledger", "show", "2", "--json"},
		{"ledger", "reconcile", "--json", "--receipts", filepath.Join(data, "receipts.jsonl")},
	} {
		var out, errs bytes.Buffer
		e := env{out: &out, err: &errs, getenv: func(string) string { return data }}
		require.Equal(t, exitYes, run(e, verb), errs.String())
		assert.Contains(t, errs.String(), "weir: "+verb[0]+" "+verb[1]+": ")
		assert.Contains(t, errs.String(), " % read\n")
		assert.NotContains(t, out.String(), "% read")
	}
}
