package logql

import (
	"sync/atomic"

	"github.com/weir-telemetry/weir/localstore/logql/pipeline"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// reader takes entries in; one goroutine uses it.
type reader struct {
	a       *aggregator
	pipe    *pipeline.Pipeline
	windows windows
	group   *grouper
	tallies []tally // by the grouper's numbers

	lines, bytes, kept int64
}

// tally is what a reader has of a series and not given to it: the entries that
// lie in the same windows, or samples. So readers seldom meet at a series.
type tally struct {
	series       *series
	first, last  int
	count, bytes int64
	samples      []sample
}

func (a *aggregator) reader() (*reader, error) {
	pipe, err := a.pipeline()
	if err != nil {
		return nil, err
	}
	return &reader{a: a, pipe: pipe, windows: *a.windows, group: newGrouper(pipe, a.keep, !a.summed)}, nil
}

func (r *reader) visit(part int, rec *logstore.Record) error {
	r.bytes += int64(len(rec.Line))
	if r.lines++; r.lines%checkEvery == 0 && r.a.q.ctx.Err() != nil {
		return r.a.q.ctx.Err()
	}
	line, keep := r.pipe.Process(rec)
	if !keep {
		return nil
	}
	r.kept++
	i, err := r.group.of(rec)
	if err != nil {
		return err
	}
	if i == len(r.tallies) {
		s, err := r.a.get(r.group.series())
		if err != nil {
			return err
		}
		r.tallies = append(r.tallies, tally{series: s})
	}
	t := &r.tallies[i]
	if r.a.unwrapped {
		t.samples = append(t.samples, sample{rec.Timestamp, r.pipe.Value(), part})
		if r.kept%checkEvery == 0 {
			return r.a.q.hold(checkEvery * sampleBytes)
		}
		return nil
	}
	if first, last := r.windows.of(rec.Timestamp); first != t.first || last != t.last {
		t.flush()
		t.first, t.last = first, last
	}
	t.count++
	t.bytes += int64(len(line))
	return nil
}

// flush gives the series what was counted.
func (t *tally) flush() {
	if t.count > 0 && t.first <= t.last {
		atomic.AddInt64(&t.series.counts[t.first], t.count)
		atomic.AddInt64(&t.series.counts[t.last+1], -t.count)
		if t.series.bytes != nil {
			atomic.AddInt64(&t.series.bytes[t.first], t.bytes)
			atomic.AddInt64(&t.series.bytes[t.last+1], -t.bytes)
		}
	}
	t.count, t.bytes = 0, 0
}

// end gives the series all that is left, when nobody reads any more.
func (r *reader) end() error {
	for i := range r.tallies {
		t := &r.tallies[i]
		if !r.a.unwrapped {
			t.flush()
		} else if t.series.samples == nil {
			t.series.samples = t.samples
		} else {
			t.series.samples = append(t.series.samples, t.samples...)
		}
		t.samples = nil
	}
	st := &r.a.q.stats
	st.Lines, st.Bytes, st.Kept = st.Lines+r.lines, st.Bytes+r.bytes, st.Kept+r.kept
	if !r.a.unwrapped {
		return nil
	}
	return r.a.q.hold(int(r.kept%checkEvery) * sampleBytes)
}
