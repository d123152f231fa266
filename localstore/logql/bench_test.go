package logql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// BenchmarkQueries asks a real store in memory; a byte is one of a line read.
func BenchmarkQueries(b *testing.B) {
	end := time.Now().Truncate(time.Minute)
	store, bytes := benchStore(b, end)
	e := NewEngine(store, Options{})
	p := Params{Start: end.Add(-time.Hour), End: end, Step: time.Minute}
	for name, query := range map[string]string{
		"phrase":   `sum(count_over_time({app=~".+"} |= "took too long" [1m]))`,
		"regexp":   `sum(count_over_time({app=~".+"} |~ "status.:50[0-9]" [1m]))`,
		"json":     `sum by (level) (count_over_time({app="json"} | json | status >= 500 [1m]))`,
		"logfmt":   `sum by (level) (count_over_time({app="logfmt"} | logfmt | status >= 500 [1m]))`,
		"levels":   `sum by (detected_level) (count_over_time({app=~".+"}[1m]))`,
		"unwrap":   `quantile_over_time(0.9, {app="json"} | json | unwrap duration(took) [1m]) by (level)`,
		"anything": `sum(rate({app=~".+"}[1m]))`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(bytes)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Query(context.Background(), query, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchStore(b *testing.B, end time.Time) (*logstore.Store, int64) {
	store, err := logstore.Open(vfs.NewMem(), "logs", logstore.Options{MaintainEvery: -1})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	r := rand.New(rand.NewPCG(1, 2))
	levels := []string{"debug", "info", "info", "warn", "error"}
	messages := []string{"request done", "cache miss", "took too long", "retrying"}
	const streams, entries = 20, 12_000
	total := int64(0)
	for s := range streams {
		batch := logstore.Stream{Labels: labels.FromStrings("app", []string{"json", "logfmt"}[s%2], "pod", fmt.Sprint(s))}
		for i := range entries {
			level, message, status, took := levels[r.IntN(5)], messages[r.IntN(4)], 200+100*r.IntN(4), r.IntN(900)
			line := fmt.Sprintf(`{"ts":%d,"level":"%s","msg":"%s","status":%d,"took":"%dms","path":"/api/v1/users/%d","trace":"%016x","user":{"id":%d,"name":"ann"}}`, i, level, message, status, took, r.IntN(1000), r.Uint64(), r.IntN(50))
			if s%2 == 1 {
				line = fmt.Sprintf(`ts=%d level=%s msg="%s" status=%d took=%dms path=/api/v1/users/%d trace=%016x user=%d`, i, level, message, status, took, r.IntN(1000), r.Uint64(), r.IntN(50))
			}
			total += int64(len(line))
			batch.Entries = append(batch.Entries, logstore.Entry{
				Timestamp: end.Add(time.Duration(i-entries) * time.Hour / entries).UnixNano(), Line: line,
				Metadata: labels.FromStrings("detected_level", level),
			})
		}
		_, err := store.Append(context.Background(), []logstore.Stream{batch})
		require.NoError(b, err)
	}
	require.NoError(b, store.Flush(context.Background()))
	return store, total
}
