//go:build !race

// The race detector drops what sync.Pool holds at random, so under it what is
// pooled allocates now and then.

package pipeline

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

func TestProcessingALineDoesNotAllocate(t *testing.T) {
	for _, stages := range []string{
		`|= "done"`, `|= "done" != "nothing" |~ "requ[e]st.*done"`, `|~ "a|done"`,
		`| json | status=200`, `| logfmt | status >= 200 | took > 1ms`, `| json | level="info"`, `| status=""`,
		`| json s="user.id"`, `| logfmt s="status"`,
	} {
		p := compile(t, stages, Options{Wanted: []string{"level"}})
		records := make([]*logstore.Record, len(hotLines))
		for i, l := range hotLines {
			records[i] = &logstore.Record{Stream: labels.FromStrings("app", "x", "env", "y"), Metadata: labels.FromStrings("trace_id", "t"), Line: []byte(l)}
		}
		record := records[0]
		if strings.Contains(stages, "logfmt") {
			record = records[1]
		}
		p.Process(record)
		require.Zero(t, testing.AllocsPerRun(100, func() { p.Process(record) }), stages)
	}
}
