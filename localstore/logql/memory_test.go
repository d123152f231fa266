package logql

import (
	"context"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// memory is a store in a slice. It ignores hints, as a store may.
type memory struct{ records []logstore.Record }

func (m *memory) add(stream labels.Labels, at time.Duration, line string, metadata ...string) {
	m.records = append(m.records, logstore.Record{
		Stream: stream, Timestamp: int64(at), Line: []byte(line), Metadata: labels.FromStrings(metadata...),
	})
}

func (m *memory) selected(sel logstore.Selection) []logstore.Record {
	var out []logstore.Record
records:
	for _, r := range m.records {
		if r.Timestamp < sel.From || r.Timestamp >= sel.To {
			continue
		}
		for _, match := range sel.Matchers {
			if !match.Matches(r.Stream.Get(match.Name)) {
				continue records
			}
		}
		out = append(out, r)
	}
	return out
}

func (m *memory) Iterate(_ context.Context, sel logstore.Selection) logstore.Iterator {
	out := m.selected(sel)
	sort.SliceStable(out, func(i, j int) bool {
		if sel.Backward {
			i, j = j, i
		}
		return out[i].Timestamp < out[j].Timestamp
	})
	return &memoryIterator{records: out, at: -1}
}

func (m *memory) Scan(ctx context.Context, sel logstore.Selection, visit func(*logstore.Record) error) error {
	for _, r := range m.selected(sel) {
		if err := visit(&r); err != nil {
			return err
		}
	}
	return ctx.Err()
}

type memoryIterator struct {
	records []logstore.Record
	at      int
}

func (it *memoryIterator) Next() bool           { it.at++; return it.at < len(it.records) }
func (it *memoryIterator) At() *logstore.Record { return &it.records[it.at] }
func (it *memoryIterator) Err() error           { return nil }
func (it *memoryIterator) Close() error         { return nil }
