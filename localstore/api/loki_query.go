package api

import (
	"net/http"
	"time"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

func (l *loki) query(r *http.Request) (answer, error) {
	p := logql.Params{Instant: true, End: l.now(), Categorize: categorize(r)}
	var err error
	if s := r.Form.Get("time"); s != "" {
		if p.End, err = parseTime(s); err != nil {
			return nil, err
		}
	}
	if p.Limit, err = formLimit(r, "limit", defaultLogLimit); err != nil {
		return nil, err
	}
	if p.Direction, err = formDirection(r); err != nil {
		return nil, err
	}
	expr, err := syntax.Parse(r.Form.Get("query"))
	if err != nil {
		return nil, err
	}
	return l.eval(r, expr, p)
}

func (l *loki) queryRange(r *http.Request) (answer, error) {
	p := logql.Params{Categorize: categorize(r)}
	var err error
	if p.Start, p.End, err = l.timeRange(r, defaultRange); err != nil {
		return nil, err
	}
	if p.Limit, err = formLimit(r, "limit", defaultLogLimit); err != nil {
		return nil, err
	}
	if p.Direction, err = formDirection(r); err != nil {
		return nil, err
	}
	if p.Step, err = formStep(r, p.Start, p.End); err != nil {
		return nil, err
	}
	if p.Interval, err = formInterval(r); err != nil {
		return nil, err
	}
	expr, err := syntax.Parse(r.Form.Get("query"))
	if err != nil {
		return nil, err
	}
	if _, ok := expr.(syntax.Metric); ok {
		// Loki aligns metric queries so that a dashboard that refreshes asks for
		// the same instants again.
		p.Start, p.End = align(p.Start, p.Step), align(p.End.Add(p.Step-1), p.Step)
	}
	return l.eval(r, expr, p)
}

func align(t time.Time, step time.Duration) time.Time {
	ns := t.UnixNano()
	return time.Unix(0, ns-((ns%int64(step))+int64(step))%int64(step))
}

func (l *loki) eval(r *http.Request, expr syntax.Expr, p logql.Params) (answer, error) {
	res, err := l.engine.Eval(r.Context(), expr, p)
	if err != nil {
		return nil, err
	}
	return queryAnswer(res, p.Categorize), nil
}

func (l *loki) formatQuery(r *http.Request) (answer, error) {
	expr, err := syntax.Parse(r.Form.Get("query"))
	if err != nil {
		return nil, &formatError{err}
	}
	return success(func(a answer) answer { return a.str(expr.String()) }), nil
}
