//go:build !race

// The race detector drops what sync.Pool holds at random, so under it regexp
// allocates now and then.

package logql

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// Counting lines is the hot path: the number of lines may not show in the
// number of allocations.
func TestCountingDoesNotAllocatePerLine(t *testing.T) {
	stream := labels.FromStrings("app", "a", "env", "x")
	for _, query := range []string{
		`sum(count_over_time({app="a"} |= "done" [1m]))`,
		`count_over_time({app="a"} |= "done" != "nope" |~ "re.*st" [1m])`,
		`sum by (env) (rate({app="a"} |= "done" [1m]))`,
		`sum by (status) (count_over_time({app="a"} | json | level="info" [1m]))`,
		`sum by (trace) (bytes_over_time({app="a"} [1m]))`,
	} {
		cost := func(n int) float64 {
			m := &memory{}
			for i := range n {
				m.add(stream, time.Duration(i)*time.Millisecond, `{"level":"info","msg":"request done","status":200}`, "trace", "t1")
			}
			e := NewEngine(&scanOnly{m}, Options{})
			p := Params{Instant: true, End: time.Unix(60, 0)}
			return testing.AllocsPerRun(3, func() {
				if _, err := e.Query(context.Background(), query, p); err != nil {
					t.Fatal(err)
				}
			})
		}
		few, many := cost(1000), cost(5000)
		require.InDelta(t, few, many, 20, "%s: %v for 1000 lines, %v for 5000", query, few, many)
	}
}

// scanOnly visits its records without copying them.
type scanOnly struct{ *memory }

func (s *scanOnly) ScanParts(_ context.Context, _ logstore.Selection, visit ...func(int, *logstore.Record) error) error {
	for i := range s.records {
		if err := visit[0](0, &s.records[i]); err != nil {
			return err
		}
	}
	return nil
}
