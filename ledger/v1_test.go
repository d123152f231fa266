package ledger_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/ledger"
)

// TestALedgerOfTheFirstVersionGoesOn opens the 40 records in testdata/v1, whose
// segments have no state, and appends to them until some are packed.
func TestALedgerOfTheFirstVersionGoesOn(t *testing.T) {
	s := stored{}
	list, err := os.ReadDir("testdata/v1")
	require.NoError(t, err)
	for _, e := range list {
		s[e.Name()], err = os.ReadFile(filepath.Join("testdata/v1", e.Name()))
		require.NoError(t, err)
	}
	s["signer.key"] = made(t, nil)["signer.key"] // the tests' own, from its seed
	m := s.mem(t)
	v, err := ledger.Verify(m, dir, s["checkpoint"])
	require.NoError(t, err)
	require.Empty(t, v.Faults)

	l := open(t, m)
	want := history(40)
	got := readAll(t, m)
	require.Len(t, got, 40)
	for i, r := range got {
		require.Equal(t, want[i].Body, r.Body)
		require.Equal(t, want[i].Sequence, r.Sequence)
	}
	assert.True(t, l.Accepted(policyDigest()))
	_, err = live(l, 30)
	require.NoError(t, err)
	require.NoError(t, l.TidyErr())
	require.NoError(t, l.Close())
	for i, e := range encodings(t, store(t, m)) {
		if i < 9 {
			assert.EqualValues(t, 1, e, "the old ones are packed too")
		}
	}
	l = open(t, m)
	defer l.Close()
	v, err = ledger.Verify(m, dir, s["checkpoint"])
	require.NoError(t, err)
	assert.Empty(t, v.Faults)
	assert.EqualValues(t, l.Tree().N, v.Records)
}
