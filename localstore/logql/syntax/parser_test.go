package syntax

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// equal compares trees without positions: printing moves things.
func equal(a, b Expr) string {
	return cmp.Diff(a, b, cmpopts.EquateNaNs(),
		cmp.FilterPath(func(p cmp.Path) bool {
			f, ok := p.Last().(cmp.StructField)
			return ok && f.Name() == "Pos"
		}, cmp.Ignore()),
		cmp.Comparer(func(a, b *labels.Matcher) bool {
			if a == nil || b == nil {
				return a == b
			}
			return a.Type == b.Type && a.Name == b.Name && a.Value == b.Value
		}))
}

// requireRoundTrip is the law of the printer.
func requireRoundTrip(t *testing.T, query string) {
	t.Helper()
	first, err := Parse(query)
	require.NoError(t, err, query)
	printed := first.String()
	second, err := Parse(printed)
	require.NoError(t, err, "%s\nprinted as %s", query, printed)
	require.Empty(t, equal(first, second), "%s\nprinted as %s", query, printed)
	require.Equal(t, printed, second.String())
}

// Each pair of lines in testdata/queries.txtar is a query and its printed form.
func TestQueriesPrintAsExpected(t *testing.T) {
	for _, f := range archive(t, "queries.txtar") {
		t.Run(f.Name, func(t *testing.T) {
			for _, pair := range strings.Split(strings.TrimSpace(string(f.Data)), "\n\n") {
				query, want, ok := strings.Cut(pair, "\n=> ")
				require.True(t, ok, pair)
				e, err := Parse(query)
				require.NoError(t, err, query)
				require.Equal(t, strings.TrimSpace(want), e.String())
				requireRoundTrip(t, query)
			}
		})
	}
}

func TestFaultsSayWhereAndWhat(t *testing.T) {
	for _, f := range archive(t, "faults.txtar") {
		t.Run(f.Name, func(t *testing.T) {
			for _, pair := range strings.Split(strings.TrimSpace(string(f.Data)), "\n\n") {
				query, want, ok := strings.Cut(pair, "\n=> ")
				require.True(t, ok, pair)
				_, err := Parse(query)
				require.Error(t, err, query)
				require.True(t, IsError(err))
				require.Equal(t, strings.TrimSpace(want), err.Error(), query)
			}
		})
	}
}

func archive(t testing.TB, name string) []txtar.File {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	files := txtar.Parse(data).Files
	require.NotEmpty(t, files)
	return files
}

func TestDeepNestingIsAnErrorAndNoCrash(t *testing.T) {
	for _, query := range []string{
		strings.Repeat("(", 10000) + "1" + strings.Repeat(")", 10000),
		strings.Repeat("sum(", 10000),
		strings.Repeat("1^", 10000) + "1",
		`{a="b"} | ` + strings.Repeat("(", 10000),
		"rate" + strings.Repeat("(", 10000),
	} {
		_, err := Parse(query)
		require.ErrorContains(t, err, "nests too deeply")
	}
	_, err := Parse(strings.Repeat(" ", maxInput+1))
	require.ErrorContains(t, err, "input size too long")
}

func FuzzParsedQueriesSurvivePrinting(f *testing.F) {
	for _, file := range archive(f, "queries.txtar") {
		for _, pair := range strings.Split(string(file.Data), "\n\n") {
			query, _, _ := strings.Cut(pair, "\n=> ")
			f.Add(query)
		}
	}
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 4096 {
			return
		}
		e, err := Parse(query)
		if err != nil {
			if !IsError(err) {
				t.Fatalf("not a parse error: %v", err)
			}
			return
		}
		printed := e.String()
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%q printed as %q: %v", query, printed, err)
		}
		if d := equal(e, again); d != "" {
			t.Fatalf("%q printed as %q differs:\n%s", query, printed, d)
		}
	})
}
