package gateprocessor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// folder holds revisions as files; each change is a moment later, for the
// sake of file systems with coarse times.
type folder struct {
	t    *testing.T
	dir  string
	tick time.Time
}

func newFolder(t *testing.T) *folder {
	return &folder{t: t, dir: t.TempDir(), tick: time.Now().Add(-time.Hour)}
}

func (f *folder) write(name, text string) policy.Digest {
	f.t.Helper()
	file := filepath.Join(f.dir, name)
	require.NoError(f.t, os.WriteFile(file, []byte(text), 0o600))
	f.tick = f.tick.Add(time.Second)
	require.NoError(f.t, os.Chtimes(file, f.tick, f.tick))
	return policy.DigestOf([]byte(text))
}

func (f *folder) remove(name string) {
	require.NoError(f.t, os.Remove(filepath.Join(f.dir, name)))
}

func text(n int) string {
	return strings.Replace(source, "revision: 3", fmt.Sprintf("revision: %d", n), 1) +
		fmt.Sprintf("  - {name: signal%d, why: w, owner: o, category: health, kind: sum, unit: \"1\", value: {min: 0, max: 9, step: 1}}\n", n)
}

func isKnown(t *testing.T, r *revisions, d policy.Digest) bool {
	t.Helper()
	p, err := r.find(d)
	require.NoError(t, err)
	return p != nil
}

func TestEveryRevisionCountsForAsLongAsItsFileIsThere(t *testing.T) {
	f := newFolder(t)
	one := f.write("1.yaml", text(1))
	r, err := newRevisions([]string{f.dir + "/*.yaml"})
	require.NoError(t, err)
	assert.True(t, isKnown(t, r, one))
	look := func() bool {
		t.Helper()
		changed, err := r.look()
		require.NoError(t, err)
		return changed
	}
	assert.False(t, look())

	two := f.write("2.yaml", text(2))
	a, err := policy.Parse("", []byte(text(1)))
	require.NoError(t, err)
	b, err := policy.Parse("", []byte(text(2)))
	require.NoError(t, err)
	m, err := policy.Meet(a, b)
	require.NoError(t, err)
	assert.False(t, isKnown(t, r, m.Digest))
	assert.True(t, look())
	for _, d := range []policy.Digest{one, two, m.Digest} {
		assert.True(t, isKnown(t, r, d))
	}
	assert.Equal(t, 2, r.count())

	f.remove("1.yaml")
	assert.True(t, look())
	assert.False(t, isKnown(t, r, one))
	assert.False(t, isKnown(t, r, m.Digest), "a meet needs both")
	assert.True(t, isKnown(t, r, two))

	other := f.write("2.yaml", text(3))
	assert.True(t, look())
	assert.False(t, isKnown(t, r, two))
	assert.True(t, isKnown(t, r, other))
}

func TestWhatIsBrokenTakesNothingAwayAndIsToldOnce(t *testing.T) {
	f := newFolder(t)
	one := f.write("1.yaml", text(1))
	r, err := newRevisions([]string{f.dir + "/*.yaml"})
	require.NoError(t, err)

	f.write("1.yaml", text(1)[:200]) // in the middle of being written
	_, err = r.look()
	require.ErrorContains(t, err, "1.yaml")
	assert.True(t, isKnown(t, r, one))
	_, err = r.look()
	require.NoError(t, err, "told before")
	two := f.write("1.yaml", text(2))
	changed, err := r.look()
	require.NoError(t, err)
	assert.True(t, changed)
	assert.True(t, isKnown(t, r, two))

	f.remove("1.yaml") // the folder is not mounted
	changed, err = r.look()
	require.ErrorContains(t, err, "no file matches")
	assert.False(t, changed)
	assert.True(t, isKnown(t, r, two))
}

// Reports under what is not known yet are not refused for good.
func TestWhileMeetsAreWorkedOutNothingUnknownIsRefused(t *testing.T) {
	g, tel := newTestGate(t, consumertest.NewNop())
	g.policies.pending = true
	require.NoError(t, g.ConsumeMetrics(context.Background(), sent(id(1), 1)))
	g.policies.known = map[policy.Digest]*policy.Policy{}
	err := g.ConsumeMetrics(context.Background(), sent(id(1), 2))
	require.ErrorContains(t, err, "policies are being read")
	assertCounts(t, tel, "weir_gate_failed_reports", 1)
	g.policies.pending = false
	assertRefused(t, g.ConsumeMetrics(context.Background(), sent(id(1), 2)), "policy_unknown")
}

func TestAnAddedPolicyIsKnownWithoutARestart(t *testing.T) {
	f := newFolder(t)
	f.write("other.yaml", text(9))
	g, _ := newTestGate(t, consumertest.NewNop())
	r, err := newRevisions([]string{f.dir + "/*.yaml"})
	require.NoError(t, err)
	g.policies, g.poll = r, minPoll
	ctx := context.Background()
	require.NoError(t, g.Start(ctx, componenttest.NewNopHost()))
	assertRefused(t, g.ConsumeMetrics(ctx, sent(id(1), 1)), "policy_unknown")
	f.write("3.yaml", source)
	assert.Eventually(t, func() bool { return g.ConsumeMetrics(ctx, sent(id(1), 1)) == nil }, 20*time.Second, 10*time.Millisecond)
	f.remove("3.yaml")
	assert.Eventually(t, func() bool { return g.ConsumeMetrics(ctx, sent(id(2), 1)) != nil }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, g.Shutdown(ctx))
}
