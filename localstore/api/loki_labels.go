package api

import (
	"net/http"
	"runtime"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/version"
	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

// labelRequest reads the range and the optional selector of a request for
// labels. The end is taken along: Loki may answer for more than was asked.
func (l *loki) labelRequest(r *http.Request) (matchers []*labels.Matcher, from, to int64, err error) {
	start, end, err := l.timeRange(r, defaultLabelsRange)
	if err != nil {
		return nil, 0, 0, err
	}
	if q := r.Form.Get("query"); q != "" {
		if matchers, err = syntax.ParseMatchers(q, false); err != nil {
			return nil, 0, 0, err
		}
	}
	return matchers, start.UnixNano(), end.UnixNano() + 1, nil
}

func (l *loki) labelNames(r *http.Request) (answer, error) {
	matchers, from, to, err := l.labelRequest(r)
	if err != nil {
		return nil, err
	}
	names, err := l.store.LabelNames(r.Context(), matchers, from, to)
	if err != nil {
		return nil, err
	}
	return listAnswer(names), nil
}

// listAnswer leaves the data away when there is none, as Loki does.
func listAnswer(all []string) answer {
	if len(all) == 0 {
		return answer(`{"status":"success"}`)
	}
	return success(func(a answer) answer { return a.strs(all) })
}

func (l *loki) labelValues(r *http.Request) (answer, error) {
	matchers, from, to, err := l.labelRequest(r)
	if err != nil {
		return nil, err
	}
	values, err := l.store.LabelValues(r.Context(), r.PathValue("name"), matchers, from, to)
	if err != nil {
		return nil, err
	}
	return listAnswer(values), nil
}

// series answers with the streams that meet one of the selectors; without any,
// with all.
func (l *loki) series(r *http.Request) (answer, error) {
	_, from, to, err := l.labelRequest(r)
	if err != nil {
		return nil, err
	}
	selectors := append(slices.Clone(r.Form["match[]"]), r.Form["match"]...)
	if len(selectors) == 0 {
		selectors = []string{"{}"}
	}
	var all []labels.Labels
	for _, s := range selectors {
		matchers, err := syntax.ParseMatchers(s, true)
		if err != nil {
			return nil, err
		}
		found, err := l.store.Series(r.Context(), matchers, from, to)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, labels.Compare)
	all = slices.CompactFunc(all, labels.Equal)
	return success(func(a answer) answer {
		a = append(a, '[')
		for i, ls := range all {
			if i > 0 {
				a = append(a, ',')
			}
			a = a.labels(ls)
		}
		return append(a, ']')
	}), nil
}

func (l *loki) buildInfo(*http.Request) (answer, error) {
	return answer{}.json(struct {
		Version   string `json:"version"`
		Revision  string `json:"revision"`
		Branch    string `json:"branch"`
		BuildUser string `json:"buildUser"`
		BuildDate string `json:"buildDate"`
		GoVersion string `json:"goVersion"`
	}{Version: lokiVersion, Revision: version.Commit, Branch: "weir-" + version.Version, GoVersion: runtime.Version()}), nil
}
