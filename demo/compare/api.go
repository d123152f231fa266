package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what one answer may hold.
const maxAnswer = 32 << 20

// api asks one Weir over Prometheus' and Loki's HTTP APIs, as Grafana would.
type api struct{ base string }

// sample is one element of an instant query's vector.
type sample struct {
	labels map[string]string
	value  float64
}

// get returns the data part of an answer.
func (a api) get(ctx context.Context, path string, params url.Values) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+path+"?"+params.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.base, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", a.base, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s%s: %w", a.base, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask %s%s: %s: %s", a.base, path, resp.Status, strings.TrimSpace(string(body[:min(len(body), 200)])))
	}
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read the answer of %s%s: %w", a.base, path, err)
	}
	return answer.Data, nil
}

// metrics runs an instant PromQL query.
func (a api) metrics(ctx context.Context, query string) ([]sample, error) {
	data, err := a.get(ctx, "/api/v1/query", url.Values{"query": {query}})
	if err != nil {
		return nil, err
	}
	return vector(data)
}

// counts runs an instant LogQL query that answers numbers.
func (a api) counts(ctx context.Context, query string) ([]sample, error) {
	data, err := a.get(ctx, "/loki/api/v1/query", url.Values{"query": {query}})
	if err != nil {
		return nil, err
	}
	return vector(data)
}

// newestLine returns the newest log line of the last hour that a LogQL query
// selects; empty if there is none.
func (a api) newestLine(ctx context.Context, query string) (string, error) {
	data, err := a.get(ctx, "/loki/api/v1/query_range", url.Values{
		"query": {query}, "limit": {"1"}, "direction": {"backward"},
		"start": {strconv.FormatInt(time.Now().Add(-time.Hour).UnixNano(), 10)},
		"end":   {strconv.FormatInt(time.Now().Add(time.Minute).UnixNano(), 10)},
	})
	if err != nil {
		return "", err
	}
	var answer struct {
		Result []struct{ Values [][]json.RawMessage }
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return "", fmt.Errorf("read the log lines: %w", err)
	}
	if len(answer.Result) == 0 || len(answer.Result[0].Values) == 0 {
		return "", nil
	}
	// With a limit of one there is one stream with one entry.
	entry, line := answer.Result[0].Values[0], ""
	if len(entry) < 2 || json.Unmarshal(entry[1], &line) != nil {
		return "", errors.New("read the log lines: an entry is not a time and a line")
	}
	return line, nil
}

// vector reads a query's result. A scalar or a matrix is a fault of the query.
func vector(data json.RawMessage) ([]sample, error) {
	var answer struct {
		ResultType string
		Result     []struct {
			Metric map[string]string
			Value  []json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.ResultType != "vector" {
		return nil, fmt.Errorf("read the answer: want a vector, have %q", answer.ResultType)
	}
	all := make([]sample, 0, len(answer.Result))
	for _, r := range answer.Result {
		var text string
		if len(r.Value) != 2 || json.Unmarshal(r.Value[1], &text) != nil {
			return nil, errors.New("read the answer: a value is not a time and a number")
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		all = append(all, sample{r.Metric, v})
	}
	return all, nil
}
