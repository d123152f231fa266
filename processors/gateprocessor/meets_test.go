package gateprocessor

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// revision is the source with one more signal, so that no two are the same and
// all have `requests` in common.
func revision(t *testing.T, n int, product, signal string) *policy.Policy {
	t.Helper()
	text := strings.NewReplacer("revision: 3", fmt.Sprintf("revision: %d", n), "product: shop", "product: "+product).Replace(source) +
		fmt.Sprintf("  - {name: %s, why: w, owner: o, category: health, kind: sum, unit: \"1\", value: {min: 0, max: 9, step: 1}}\n", signal)
	p, err := policy.Parse("revision", []byte(text))
	require.NoError(t, err)
	return p
}

// known are revisions with a file each.
func known(t *testing.T, list ...*policy.Policy) *revisions {
	t.Helper()
	r := &revisions{pairs: map[pair]policy.Digest{}, met: map[policy.Digest]*policy.Policy{}, files: map[string]file{}}
	for _, p := range list {
		r.files[p.Digest.String()] = file{policy: p}
	}
	r.publish()
	return r
}

// An edge that waits for its customer's word sends under a digest of which no
// file exists. A fleet that has both revisions knows it.
func TestReportsUnderAMeetAreUnderstood(t *testing.T) {
	old, next := revision(t, 4, "shop", "alpha"), revision(t, 5, "shop", "beta")
	sink := new(consumertest.MetricsSink)
	g, _ := newTestGate(t, sink)
	m, err := policy.Meet(old, next)
	require.NoError(t, err)
	under := func(d policy.Digest, n int) pmetric.Metrics {
		md := pmetric.NewMetrics()
		sent(id(1), n).CopyTo(md)
		v, _ := md.ResourceMetrics().At(0).Resource().Attributes().Get("weir.policy.digest")
		v.SetStr(d.String())
		return md
	}
	g.policies = known(t, old)
	assertRefused(t, g.ConsumeMetrics(context.Background(), under(m.Digest, 1)), "policy_unknown")
	g.policies = known(t, old, next)
	require.NoError(t, g.ConsumeMetrics(context.Background(), under(m.Digest, 1)))
	require.Len(t, sink.AllMetrics(), 1)
	back, err := policy.Meet(next, old)
	require.NoError(t, err)
	require.NoError(t, g.ConsumeMetrics(context.Background(), under(back.Digest, 2)), "the older one waits, as after a roll-back")
	// What only one of them has is no part of it.
	extra := under(m.Digest, 3)
	ms := extra.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	ms.At(0).SetName("alpha")
	require.Error(t, g.ConsumeMetrics(context.Background(), extra))
}

func TestOnlyRevisionsOfOneProductMeetAndNotTooMany(t *testing.T) {
	a, b := revision(t, 1, "shop", "alpha"), revision(t, 2, "bank", "beta")
	assert.Empty(t, known(t, a, b).meets)
	var many []*policy.Policy
	for n := range maxRevisions + 10 {
		many = append(many, revision(t, n+1, "shop", fmt.Sprintf("s%d", n)))
	}
	r := known(t, many...)
	// All meet in `requests` alone, under the number of the older or newer.
	assert.Len(t, r.meets, maxRevisions)
	assert.Equal(t, len(many), r.count())
	for _, p := range many {
		got, err := r.find(p.Digest)
		require.NoError(t, err)
		assert.Same(t, p, got)
	}
	for d := range r.meets {
		got, err := r.find(d)
		require.NoError(t, err)
		assert.Equal(t, d, got.Digest)
	}
	assert.LessOrEqual(t, len(r.met), maxMet)
}
