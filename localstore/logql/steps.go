package logql

import (
	"time"
)

// steps are the instants at which a metric query is evaluated, in nanoseconds.
type steps struct {
	start int64
	step  int64
	n     int
}

func (q *query) steps() (steps, error) {
	p := q.params
	if p.Instant {
		return steps{start: p.End.UnixNano(), step: 1, n: 1}, nil
	}
	if p.Step <= 0 {
		return steps{}, &LimitError{"zero or negative query resolution step widths are not accepted. Try a positive integer"}
	}
	if p.End.Before(p.Start) {
		return steps{}, &LimitError{"end timestamp must not be before or equal to start time"}
	}
	n := int64(p.End.Sub(p.Start)/p.Step) + 1
	if n > int64(q.opts.MaxPoints) {
		return steps{}, pointsLimit(q.opts.MaxPoints)
	}
	return steps{start: p.Start.UnixNano(), step: int64(p.Step), n: int(n)}, nil
}

// at is the time of a step.
func (s steps) at(i int) int64 { return s.start + int64(i)*s.step }

// millis is the time of a step as an answer shows it.
func (s steps) millis(i int) int64 { return s.at(i) / int64(time.Millisecond) }

// windows says at which steps an entry counts: at t when it lies in (t-width, t].
type windows struct {
	steps
	width int64
	// The steps of the entry before hold for all up to and including until, if
	// they lie after since; entries of a stream lie close to each other.
	since, until int64
	first, last  int
}

func newWindows(s steps, width, offset time.Duration) *windows {
	s.start -= int64(offset)
	return &windows{steps: s, width: int64(width), since: 1, until: 0}
}

// bounds is the time that all windows cover: from inclusive, to exclusive.
func (w *windows) bounds() (from, to int64) {
	return w.start - w.width + 1, w.at(w.n-1) + 1
}

// of gives the first and the last step at which an entry counts; none if first
// is greater than last.
func (w *windows) of(ts int64) (first, last int) {
	if ts > w.since && ts <= w.until {
		return w.first, w.last
	}
	// The first step at or after ts, and the last one before ts+width.
	lo := ceilDiv(ts-w.start, w.step)
	hi := floorDiv(ts+w.width-1-w.start, w.step)
	// ts may move until it passes a step or leaves a window behind.
	w.since = max(w.start+(lo-1)*w.step, w.start+hi*w.step-w.width)
	w.until = min(w.start+lo*w.step, w.start+(hi+1)*w.step-w.width)
	w.first = int(max(lo, 0))
	w.last = int(min(hi, int64(w.n)-1))
	return w.first, w.last
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }
