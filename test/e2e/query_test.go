package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// sample is one series of an instant vector.
type sample struct {
	Metric map[string]string
	Value  float64
}

// get fetches a JSON answer of the node's APIs.
func (n *node) get(path string, q url.Values, into any) error {
	resp, err := http.Get("http://" + n.api + path + "?" + q.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", path, resp.Status, body)
	}
	return json.Unmarshal(body, into)
}

// vector asks for an instant vector from the Prometheus (or, with loki, the
// Loki) API.
func (n *node) vector(path, expr string) ([]sample, error) {
	var answer struct {
		Data struct {
			ResultType string
			Result     []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := n.get(path, url.Values{"query": {expr}}, &answer); err != nil {
		return nil, err
	}
	if answer.Data.ResultType != "vector" {
		return nil, fmt.Errorf("%s answers a %q, want a vector", expr, answer.Data.ResultType)
	}
	var out []sample
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, sample{r.Metric, v})
	}
	return out, nil
}

func (n *node) prom(expr string) ([]sample, error) { return n.vector("/api/v1/query", expr) }
func (n *node) loki(expr string) ([]sample, error) { return n.vector("/loki/api/v1/query", expr) }

// one is the value of an expression that has exactly one.
func one(s []sample, err error) (float64, error) {
	if err != nil {
		return 0, err
	}
	if len(s) != 1 {
		return 0, fmt.Errorf("%d series, want one", len(s))
	}
	return s[0].Value, nil
}

// lines asks the Loki API for log lines of the last hour.
func (n *node) lines(selector string, limit int) ([]string, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Values [][]any
			}
		}
	}
	q := url.Values{"query": {selector}, "limit": {strconv.Itoa(limit)}}
	if err := n.get("/loki/api/v1/query_range", q, &answer); err != nil {
		return nil, err
	}
	var out []string
	for _, s := range answer.Data.Result {
		for _, v := range s.Values {
			text, _ := v[1].(string)
			out = append(out, text)
		}
	}
	return out, nil
}
