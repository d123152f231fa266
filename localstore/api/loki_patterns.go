package api

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/patterns"
)

// maxPatterns is how many patterns an answer names, the most frequent ones.
const maxPatterns = 300

// patterns finds what the lines of a selector have in common, at the time of the
// question and over its range: nothing is kept for it while logs come in.
func (l *loki) patterns(r *http.Request) (answer, error) {
	start, end, err := l.timeRange(r, defaultRange)
	if err != nil {
		return nil, err
	}
	step, err := formStep(r, start, end)
	if err != nil {
		return nil, err
	}
	matchers, err := syntax.ParseMatchers(r.Form.Get("query"), false)
	if err != nil {
		return nil, err
	}
	first, buckets, err := buckets(start, end, step)
	if err != nil {
		return nil, err
	}
	f := patterns.NewFinder(patterns.Options{Buckets: buckets, Limit: maxPatterns})
	sel := logstore.Selection{Matchers: matchers, From: start.UnixNano(), To: end.UnixNano()}
	err = l.bounded(r.Context(), func(ctx context.Context) error {
		n := 0
		return l.store.Scan(ctx, sel, func(r *logstore.Record) error {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			level := cmp.Or(r.Metadata.Get("detected_level"), r.Stream.Get("detected_level"))
			f.Add(r.Line, level, int((r.Timestamp-first)/int64(step)))
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return success(func(a answer) answer { return a.patterns(f.Patterns(), first, step) }), nil
}

// buckets divides a range into steps that begin where a whole number of them has
// passed since the epoch.
func buckets(start, end time.Time, step time.Duration) (first int64, n int, err error) {
	first = align(start, step).UnixNano()
	count := (end.UnixNano()-first)/int64(step) + 1
	if count > maxSteps {
		return 0, 0, badRequestf("exceeded maximum resolution of %d points per time series. Try increasing the value of the step parameter", maxSteps)
	}
	return first, int(count), nil
}

// patterns writes a list; buckets without lines are left out.
func (a answer) patterns(all []patterns.Pattern, first int64, step time.Duration) answer {
	a = append(a, '[')
	for i, p := range all {
		if i > 0 {
			a = append(a, ',')
		}
		a = append(a, `{"pattern":`...)
		a = a.str(p.Text)
		if p.Level != "" {
			a = append(a, `,"level":`...)
			a = a.str(p.Level)
		}
		a = append(a, `,"samples":[`...)
		comma := false
		for b, n := range p.Counts {
			if n == 0 {
				continue
			}
			if comma {
				a = append(a, ',')
			}
			comma = true
			a = append(a, '[')
			a = strconv.AppendInt(a, (first+int64(b)*int64(step))/int64(time.Second), 10)
			a = append(a, ',')
			a = strconv.AppendInt(a, n, 10)
			a = append(a, ']')
		}
		a = append(a, "]}"...)
	}
	return append(a, ']')
}
