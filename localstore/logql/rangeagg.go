package logql

import (
	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// column is a series with one value a step; absent marks steps without one.
type column struct {
	metric labels.Labels
	values []float64
}

// rangeAggregation computes a range aggregation at every step. by, if not nil,
// is a sum around it: counts can be added up while reading, which saves a series
// for every set of labels in the logs.
//
// Parts of the logs are read at the same time. Nothing of that shows in the
// answer: whole numbers add up in any order, and samples are put back into the
// order of the logs before they are looked at.
func (q *query) rangeAggregation(e *syntax.RangeAggregation, by *syntax.Grouping, st steps) ([]column, error) {
	a := newAggregator(q, e, by, st)
	pipe, err := a.pipeline()
	if err != nil {
		return nil, err
	}
	from, to := a.windows.bounds()
	sel := logstore.Selection{
		Matchers: e.Log.Matchers, From: from, To: to,
		Contains: pipe.Contains(), Having: pipe.Having(), Admit: q.admit, Stats: &q.scanned,
	}
	processors, release := q.processors()
	defer release()
	readers := make([]*reader, processors)
	visits := make([]func(int, *logstore.Record) error, processors)
	for i := range visits {
		visits[i] = func(part int, rec *logstore.Record) error {
			if readers[i] == nil {
				var err error
				if readers[i], err = a.reader(); err != nil {
					return err
				}
			}
			return readers[i].visit(part, rec)
		}
	}
	if err := q.src.ScanParts(q.ctx, sel, visits...); err != nil {
		return nil, err
	}
	for _, r := range readers {
		if r == nil {
			continue
		}
		if err := r.end(); err != nil {
			return nil, err
		}
	}
	return a.columns()
}

// processors is how many may work on the query at one time: one, and those that
// no other query uses. They are free again after release.
func (q *query) processors() (n int, release func()) {
	n = 1
	for {
		select {
		case q.spare <- struct{}{}:
			n++
			continue
		default:
		}
		return n, func() {
			for range n - 1 {
				<-q.spare
			}
		}
	}
}
