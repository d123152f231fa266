package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// indexRequest reads what the endpoints about volume have in common; all says that
// a selector may select every stream.
func (l *loki) indexRequest(r *http.Request, all bool) (sel logstore.Selection, end time.Time, err error) {
	start, end, err := l.timeRange(r, defaultRange)
	if err != nil {
		return sel, end, err
	}
	matchers, err := syntax.ParseMatchers(r.Form.Get("query"), all)
	return logstore.Selection{Matchers: matchers, From: start.UnixNano(), To: end.UnixNano() + 1}, end, err
}

// bounded runs f for as long as a query may take.
func (l *loki) bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.engine.Options().Timeout, logql.ErrTimeout)
	defer cancel()
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// eachVolume visits what lies in the selection, exactly; Loki's answer from its
// index is an approximation.
func (l *loki) eachVolume(ctx context.Context, sel logstore.Selection, step time.Duration, visit func(labels.Labels, logstore.Volume)) error {
	return l.bounded(ctx, func(ctx context.Context) error {
		return l.store.Volumes(ctx, sel, int64(step), visit)
	})
}

func (l *loki) indexStats(r *http.Request) (answer, error) {
	sel, _, err := l.indexRequest(r, false)
	if err != nil {
		return nil, err
	}
	var out struct {
		Streams int   `json:"streams"`
		Chunks  int   `json:"chunks"`
		Bytes   int64 `json:"bytes"`
		Entries int64 `json:"entries"`
	}
	var last labels.Labels
	err = l.eachVolume(r.Context(), sel, 0, func(stream labels.Labels, v logstore.Volume) {
		if out.Entries == 0 || !labels.Equal(last, stream) {
			last = stream
			out.Streams++
		}
		out.Entries += v.Entries
		out.Bytes += v.Bytes
	})
	if err != nil {
		return nil, err
	}
	out.Chunks = out.Streams
	return answer{}.json(out), nil
}

// volumes are bytes by what the request aggregates into.
type volumes struct {
	by     []string // names of labels; none: the whole stream
	labels bool     // aggregateBy=labels: names alone

	index  map[string]int
	metric []labels.Labels
	// The keys of the stream before, since volumes come stream by stream.
	last labels.Labels
	at   []int
}

func newVolumes(r *http.Request, matchers []*labels.Matcher) (*volumes, error) {
	v := &volumes{index: map[string]int{}}
	switch by := r.Form.Get("aggregateBy"); by {
	case "", "series":
	case "labels":
		v.labels = true
	default:
		return nil, badRequestf("invalid aggregation option: want series or labels")
	}
	if t := r.Form.Get("targetLabels"); t != "" {
		for name := range strings.SplitSeq(t, ",") {
			v.by = append(v.by, strings.TrimSpace(name))
		}
	} else if !v.labels {
		for _, m := range matchers {
			if m.Name != "" {
				v.by = append(v.by, m.Name)
			}
		}
	}
	slices.Sort(v.by)
	v.by = slices.Compact(v.by)
	return v, nil
}

// of numbers the sums that a stream adds to.
func (v *volumes) of(stream labels.Labels) []int {
	if v.at != nil && labels.Equal(stream, v.last) {
		return v.at
	}
	v.last, v.at = stream.Copy(), []int{}
	kept := stream
	if len(v.by) > 0 {
		kept = stream.MatchLabels(true, v.by...)
	}
	if !v.labels {
		v.at = append(v.at, v.number(kept.Copy()))
		return v.at
	}
	kept.Range(func(l labels.Label) {
		b := labels.NewScratchBuilder(1)
		b.Add(l.Name, "")
		v.at = append(v.at, v.number(b.Labels()))
	})
	return v.at
}

func (v *volumes) number(ls labels.Labels) int {
	key := ls.String()
	i, ok := v.index[key]
	if !ok {
		i = len(v.metric)
		v.index[key] = i
		v.metric = append(v.metric, ls)
	}
	return i
}

// volumeLimit takes 0 for the default, as Loki does here alone.
func volumeLimit(r *http.Request) (int, error) {
	if r.Form.Get("limit") == "0" {
		return defaultLogLimit, nil
	}
	return formLimit(r, "limit", defaultLogLimit)
}

func (l *loki) volume(r *http.Request) (answer, error) {
	sel, end, err := l.indexRequest(r, true)
	if err != nil {
		return nil, err
	}
	limit, err := volumeLimit(r)
	if err != nil {
		return nil, err
	}
	v, err := newVolumes(r, sel.Matchers)
	if err != nil {
		return nil, err
	}
	var sums []int64
	err = l.eachVolume(r.Context(), sel, 0, func(stream labels.Labels, part logstore.Volume) {
		for _, i := range v.of(stream) {
			for len(sums) <= i {
				sums = append(sums, 0)
			}
			sums[i] += part.Bytes
		}
	})
	if err != nil {
		return nil, err
	}
	order := v.largest(sums)
	out := make(logql.Vector, 0, len(sums))
	for _, i := range order[:min(limit, len(order))] {
		out = append(out, logql.Sample{Metric: v.metric[i], Point: logql.Point{T: end.UnixMilli(), V: float64(sums[i])}})
	}
	return queryAnswer(logql.Result{Value: out}, false), nil
}

// volumeRange gives the bytes of every step at its end: steps end where a whole
// number of them has passed since the epoch, the last one where the range does.
func (l *loki) volumeRange(r *http.Request) (answer, error) {
	sel, end, err := l.indexRequest(r, true)
	if err != nil {
		return nil, err
	}
	limit, err := volumeLimit(r)
	if err != nil {
		return nil, err
	}
	step, err := formStep(r, time.Unix(0, sel.From), end)
	if err != nil {
		return nil, err
	}
	v, err := newVolumes(r, sel.Matchers)
	if err != nil {
		return nil, err
	}
	first, _, err := buckets(time.Unix(0, sel.From), end, step)
	if err != nil {
		return nil, err
	}
	var sums []map[int64]int64
	var total []int64
	err = l.eachVolume(r.Context(), sel, step, func(stream labels.Labels, part logstore.Volume) {
		for _, i := range v.of(stream) {
			for len(sums) <= i {
				sums, total = append(sums, map[int64]int64{}), append(total, 0)
			}
			sums[i][part.Step] += part.Bytes
			total[i] += part.Bytes
		}
	})
	if err != nil {
		return nil, err
	}
	if len(sums) == 0 {
		return queryAnswer(logql.Result{Value: logql.Vector{}}, false), nil
	}
	order := v.largest(total)
	out := make(logql.Matrix, 0, len(order))
	for _, i := range order[:min(limit, len(order))] {
		s := logql.Series{Metric: v.metric[i]}
		for k, n := range sums[i] {
			at := min((first+(k+1)*int64(step))/int64(time.Millisecond)-1, end.UnixMilli())
			s.Points = append(s.Points, logql.Point{T: at, V: float64(n)})
		}
		slices.SortFunc(s.Points, func(a, b logql.Point) int { return cmp.Compare(a.T, b.T) })
		out = append(out, s)
	}
	return queryAnswer(logql.Result{Value: out}, false), nil
}

// largest numbers the sums, the largest first.
func (v *volumes) largest(sums []int64) []int {
	order := make([]int, len(sums))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), labels.Compare(v.metric[a], v.metric[b]))
	})
	return order
}
