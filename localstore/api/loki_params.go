package api

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const (
	defaultRange       = time.Hour     // of queries
	defaultLabelsRange = 6 * time.Hour // of labels
	defaultLogLimit    = 100
	maxSteps           = 11_000 // in an answer
)

// parseTime reads nanoseconds, seconds (ten digits or fewer, or with a
// fraction) or RFC 3339.
func parseTime(s string) (time.Time, error) {
	if strings.Contains(s, ".") {
		if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) < math.MaxInt64/1e9 {
			sec, frac := math.Modf(f)
			return time.Unix(int64(sec), int64(math.Round(frac*1e9))), nil
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if len(s) <= 10 {
			return time.Unix(n, 0), nil
		}
		return time.Unix(0, n), nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, badRequestf("could not parse timestamp %q: want Unix nanoseconds, seconds or RFC 3339", s)
	}
	return t, nil
}

// timeRange reads start, end and since.
func (l *loki) timeRange(r *http.Request, ago time.Duration) (start, end time.Time, err error) {
	now := l.now()
	end = now
	if s := r.Form.Get("end"); s != "" {
		if end, err = parseTime(s); err != nil {
			return start, end, err
		}
	}
	if s := r.Form.Get("since"); s != "" {
		d, err := syntax.ParseDuration(s)
		if err != nil {
			return start, end, badRequestf("could not parse 'since' parameter: %w", err)
		}
		ago = d
	}
	from := end
	if from.After(now) {
		from = now
	}
	start = from.Add(-ago)
	if s := r.Form.Get("start"); s != "" {
		if start, err = parseTime(s); err != nil {
			return start, end, err
		}
	}
	if end.Before(start) {
		return start, end, badRequestf("end timestamp must not be before or equal to start time")
	}
	return start, end, nil
}

func formLimit(r *http.Request, name string, def int) (int, error) {
	s := r.Form.Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, badRequestf("could not parse %q: want a number", name)
	}
	if n <= 0 {
		return 0, badRequestf("%s must be a positive value", name)
	}
	return n, nil
}

func formDirection(r *http.Request) (logql.Direction, error) {
	switch s := r.Form.Get("direction"); strings.ToUpper(s) {
	case "", "BACKWARD":
		return logql.Backward, nil
	case "FORWARD":
		return logql.Forward, nil
	default:
		return 0, badRequestf("invalid direction '%s'", s)
	}
}

// formStep defaults to a 250th of the range in whole seconds, one at least.
func formStep(r *http.Request, start, end time.Time) (time.Duration, error) {
	s := r.Form.Get("step")
	if s == "" {
		return time.Duration(max(math.Floor(end.Sub(start).Seconds()/250), 1)) * time.Second, nil
	}
	d, ok := syntax.ParseStep(s)
	switch {
	case strings.HasPrefix(s, "-"), ok && d == 0:
		return 0, badRequestf("zero or negative query resolution step widths are not accepted. Try a positive integer")
	case !ok:
		return 0, badRequestf("cannot parse %q to a valid duration", s)
	}
	return d, nil
}

func formInterval(r *http.Request) (time.Duration, error) {
	s := r.Form.Get("interval")
	if s == "" {
		return 0, nil
	}
	d, ok := syntax.ParseStep(s)
	switch {
	case strings.HasPrefix(s, "-"):
		return 0, badRequestf("interval must be >= 0")
	case !ok:
		return 0, badRequestf("cannot parse %q to a valid duration", s)
	}
	return d, nil
}

// categorize says whether the client asked for structured metadata and parsed
// labels apart from the stream's.
func categorize(r *http.Request) bool {
	for _, flags := range r.Header.Values("X-Loki-Response-Encoding-Flags") {
		for flag := range strings.SplitSeq(flags, ",") {
			if strings.TrimSpace(flag) == "categorize-labels" {
				return true
			}
		}
	}
	return false
}
