package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

func cases(t *testing.T) []Case {
	t.Helper()
	list, err := Load("testdata")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(list), 5)
	return list
}

// An edge of any release is understood.
func TestTheGateTakesEveryReportOfThePast(t *testing.T) {
	// All that a policy can name is in there.
	kinds, domains, merges := map[policy.Kind]bool{}, map[policy.DomainKind]bool{}, map[policy.Merge]bool{}
	points := 0
	for _, c := range cases(t) {
		require.NotEmpty(t, c.Reports, c.Name)
		for n, body := range c.Reports {
			err := gate.CheckBytes(c.Policy, body, gate.Facts{Sequence: uint64(n + 1), Now: time.Now()})
			assert.NoError(t, err, "%s, report %d", c.Name, n+1)
			md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
			require.NoError(t, err)
			points += md.DataPointCount()
		}
		for _, s := range c.Policy.Signals {
			kinds[s.Kind], merges[s.Merge] = true, true
			for _, a := range s.Attributes {
				domains[a.Domain.Kind] = true
			}
		}
	}
	assert.Len(t, kinds, 3)
	assert.Len(t, domains, 6)
	assert.Len(t, merges, 6)
	assert.Greater(t, points, 500)
}

// A built-in set never changes, so a new one brings a case.
func TestEverySetIsInTheCorpus(t *testing.T) {
	included := map[string]bool{}
	for _, c := range cases(t) {
		for _, s := range c.Policy.Signals {
			included[s.Set] = true
		}
	}
	sets, err := policy.Sets()
	require.NoError(t, err)
	require.NotEmpty(t, sets)
	for _, s := range sets {
		assert.True(t, included[s.Name], "%s: add a policy that includes it to redaction/corpus/add/cases, and its reports", s.Name)
	}
}

// mutations are what no policy would have produced.
var mutations = map[string]func(pmetric.Metrics){
	"schema":        func(md pmetric.Metrics) { md.ResourceMetrics().At(0).SetSchemaUrl("x") },
	"second report": func(md pmetric.Metrics) { md.ResourceMetrics().At(0).CopyTo(md.ResourceMetrics().AppendEmpty()) },
	"resource":      func(md pmetric.Metrics) { md.ResourceMetrics().At(0).Resource().Attributes().PutStr("x", "x") },
	"dropped":       func(md pmetric.Metrics) { md.ResourceMetrics().At(0).Resource().SetDroppedAttributesCount(1) },
	"digest": func(md pmetric.Metrics) {
		md.ResourceMetrics().At(0).Resource().Attributes().PutStr("weir.policy.digest", strings.Repeat("ab", 32))
	},
	"no install":  func(md pmetric.Metrics) { md.ResourceMetrics().At(0).Resource().Attributes().Remove("weir.install.id") },
	"scope":       func(md pmetric.Metrics) { scope(md).Scope().SetVersion("1") },
	"name":        func(md pmetric.Metrics) { scope(md).Metrics().At(0).SetName("x") },
	"description": func(md pmetric.Metrics) { scope(md).Metrics().At(0).SetDescription("x") },
	"metadata":    func(md pmetric.Metrics) { scope(md).Metrics().At(0).Metadata().PutStr("x", "x") },
	"unit":        func(md pmetric.Metrics) { scope(md).Metrics().At(0).SetUnit("x") },
	"a metric more": func(md pmetric.Metrics) {
		scope(md).Metrics().At(0).CopyTo(scope(md).Metrics().AppendEmpty())
	},
	"no sequence": func(md pmetric.Metrics) {
		n := scope(md).Metrics().Len() - 1
		scope(md).Metrics().RemoveIf(func(pmetric.Metric) bool { n--; return n < 0 })
	},
	"sequence of zero": func(md pmetric.Metrics) { last(md).SetDoubleValue(0) },
	"half a sequence":  func(md pmetric.Metrics) { last(md).SetDoubleValue(1.5) },
	"time":             func(md pmetric.Metrics) { last(md).SetTimestamp(last(md).Timestamp() + 1) },
	"flags":            func(md pmetric.Metrics) { last(md).SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true)) },
	"exemplar":         func(md pmetric.Metrics) { last(md).Exemplars().AppendEmpty().SetIntValue(1) },
	"attribute":        func(md pmetric.Metrics) { last(md).Attributes().PutStr("x", "x") },
	"integer":          func(md pmetric.Metrics) { last(md).SetIntValue(1) },
	"other times": func(md pmetric.Metrics) {
		last(md).SetTimestamp(pcommon.NewTimestampFromTime(last(md).Timestamp().AsTime().Add(7 * time.Second)))
	},
}

func scope(md pmetric.Metrics) pmetric.ScopeMetrics {
	return md.ResourceMetrics().At(0).ScopeMetrics().At(0)
}

func last(md pmetric.Metrics) pmetric.NumberDataPoint {
	ms := scope(md).Metrics()
	return ms.At(ms.Len() - 1).Gauge().DataPoints().At(0)
}

func TestTheGateRefusesEveryMutatedReportOfThePast(t *testing.T) {
	refused := 0
	for _, c := range cases(t) {
		for n, body := range c.Reports {
			refuse := func(what string, data []byte) {
				t.Helper()
				refused++
				if gate.CheckBytes(c.Policy, data, gate.Facts{Sequence: uint64(n + 1), Now: time.Now()}) == nil {
					t.Errorf("%s, report %d: %s: taken", c.Name, n+1, what)
				}
			}
			for what, mutate := range mutations {
				md, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(body)
				require.NoError(t, err)
				mutate(md)
				data, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
				require.NoError(t, err)
				refuse(what, data)
			}
			for i := 0; i < len(body); i += 1 + len(body)/200 {
				refuse(fmt.Sprintf("cut at %d", i), body[:i])
				refuse(fmt.Sprintf("a byte more at %d", i), slices.Insert(bytes.Clone(body), i, 0))
				refuse(fmt.Sprintf("a byte less at %d", i), slices.Delete(bytes.Clone(body), i, i+1))
			}
			refuse("an unknown field", append(bytes.Clone(body), 0xfa, 0x01, 0x00))
			refuse("twice", append(bytes.Clone(body), body...))
		}
		for _, other := range cases(t) {
			if other.Policy.Digest != c.Policy.Digest {
				require.Error(t, gate.CheckBytes(other.Policy, c.Reports[0], gate.Facts{}), "%s under %s", c.Name, other.Name)
			}
		}
	}
	assert.Greater(t, refused, 5000)
}

// The corpus only grows: what is in it has been sent, and its hashes are in
// somebody's ledger. A new folder brings its own line: write it with what the
// failure prints.
func TestNothingOfTheCorpusChanges(t *testing.T) {
	sums, err := os.ReadFile(filepath.Join("testdata", "SHA256SUMS"))
	require.NoError(t, err)
	var got []string
	require.NoError(t, filepath.WalkDir("testdata", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "SHA256SUMS" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		h := sha256.Sum256(b)
		rel, err := filepath.Rel("testdata", name)
		got = append(got, hex.EncodeToString(h[:])+"  "+filepath.ToSlash(rel))
		return err
	}))
	assert.Equal(t, string(sums), strings.Join(got, "\n")+"\n")
}
