package logql

import (
	"context"
	"sort"
	"sync"
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
	if err := admitted(sel, out); err != nil {
		return &memoryIterator{err: err}
	}
	sort.SliceStable(out, func(i, j int) bool {
		if sel.Backward {
			i, j = j, i
		}
		return out[i].Timestamp < out[j].Timestamp
	})
	return &memoryIterator{records: out, at: -1}
}

// ScanParts makes a part of every few records and deals them out in turn, each
// by a goroutine of its own.
func (m *memory) ScanParts(ctx context.Context, sel logstore.Selection, visit ...func(int, *logstore.Record) error) error {
	const size = 7
	records := m.selected(sel)
	if err := admitted(sel, records); err != nil {
		return err
	}
	errs := make([]error, len(visit)) // of the first part of each that has one
	parts := make([]int, len(visit))
	var g sync.WaitGroup
	for w := range visit {
		g.Go(func() {
			for i := range records {
				part := i / size
				if part%len(visit) != w {
					continue
				}
				r := records[i]
				if errs[w] = visit[w](part, &r); errs[w] != nil {
					parts[w] = part
					return
				}
			}
		})
	}
	g.Wait()
	lowest := -1
	for w, err := range errs {
		if err != nil && (lowest < 0 || parts[w] < parts[lowest]) {
			lowest = w
		}
	}
	if lowest >= 0 {
		return errs[lowest]
	}
	return ctx.Err()
}

func admitted(sel logstore.Selection, records []logstore.Record) error {
	for _, r := range records {
		if sel.Admit != nil {
			if err := sel.Admit(1, len(r.Line)); err != nil {
				return err
			}
		}
	}
	return nil
}

type memoryIterator struct {
	err     error
	records []logstore.Record
	at      int
}

func (it *memoryIterator) Next() bool           { it.at++; return it.at < len(it.records) }
func (it *memoryIterator) At() *logstore.Record { return &it.records[it.at] }
func (it *memoryIterator) Err() error           { return it.err }
func (it *memoryIterator) Close() error         { return nil }
