package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// load sends the corpus to a server: each stream over the push API, then one
// OTLP request.
func load(s *server, begin time.Time) error {
	for _, st := range corpus() {
		if err := push(s, begin, st); err != nil {
			return err
		}
	}
	return post(s, "/otlp/v1/logs", otlpCorpus(begin))
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
