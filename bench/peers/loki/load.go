package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// loadBoth sends the corpus to both servers such that their answers come from
// what each has written away: Loki's from its index and chunks, Weir's from its
// blocks and, in between, from a head with the entries that came late.
// It counts these blocks.
func loadBoth(ctx context.Context, loki, weir *server, begin time.Time) (float64, error) {
	for _, s := range []*server{loki, weir} {
		if err := load(s, begin, early); err != nil {
			return 0, err
		}
	}
	// A store writes its head into blocks when it is closed.
	if err := weir.restart(ctx); err != nil {
		return 0, err
	}
	written, err := blocks(weir, begin)
	if err != nil {
		return 0, err
	}
	if streams := len(corpus()); written < float64(streams) {
		return 0, fmt.Errorf("weir holds %d streams in %v blocks: not all of them are written away", streams, written)
	}
	for _, s := range []*server{loki, weir} {
		if err := load(s, begin, late); err != nil {
			return 0, err
		}
	}
	// What lies in memory is in no index: only then does Loki count streams.
	return written, post(loki, "/flush", nil)
}

// load sends a part of the corpus to a server: each stream over the push API,
// then one OTLP request.
func load(s *server, begin time.Time, p part) error {
	for _, st := range corpus() {
		entries := st.entries
		st.entries = nil
		for i, e := range entries {
			if p.holds(i) {
				st.entries = append(st.entries, e)
			}
		}
		if err := push(s, begin, st); err != nil {
			return err
		}
	}
	return post(s, "/otlp/v1/logs", otlpCorpus(begin, p))
}

// blocks counts Weir's blocks of the corpus, by the statistics of a query that
// reads all of them.
func blocks(weir *server, begin time.Time) (float64, error) {
	q := question{path: "/loki/api/v1/query", form: url.Values{
		"query": {fmt.Sprintf(`sum(count_over_time({service_name=~".+"}[%s]))`, span+time.Minute)},
		"time":  {fmt.Sprint(begin.Add(span).UnixNano())},
	}}
	r, err := ask(weir, q)
	if err != nil {
		return 0, err
	}
	querier, _ := r.stats["querier"].(object)
	store, _ := querier["store"].(object)
	n, ok := store["totalChunksRef"].(float64)
	if !ok {
		return 0, fmt.Errorf("no statistics of blocks: %s", short(r))
	}
	return n, nil
}

func push(s *server, begin time.Time, st stream) error {
	values := make([][]any, len(st.entries))
	for i, e := range st.entries {
		values[i] = []any{fmt.Sprint(begin.Add(e.at).UnixNano()), e.line}
		if e.metadata != nil {
			values[i] = append(values[i], e.metadata)
		}
	}
	b, err := json.Marshal(object{"streams": []object{{"stream": st.labels, "values": values}}})
	if err != nil {
		return err
	}
	return post(s, "/loki/api/v1/push", b)
}

func post(s *server, path string, body []byte) error {
	resp, err := http.Post(s.base+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s refuses %s: %s: %s", s.name, path, resp.Status, text)
	}
	return nil
}
