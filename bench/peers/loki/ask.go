package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// reply is what a server said.
type reply struct {
	status int
	body   any    // JSON, with the query's statistics taken out
	stats  object // these statistics
	text   string // when it is no JSON
}

// holds says whether the answer is more than the shape of one.
func (r reply) holds() bool {
	top, ok := r.body.(object)
	if !ok || r.status != http.StatusOK {
		return false
	}
	data, ok := top["data"]
	if !ok {
		delete(top, "status")
		return len(top) > 0
	}
	if o, ok := data.(object); ok {
		data = o["result"]
	}
	list, ok := data.([]any)
	return !ok || len(list) > 0
}

func ask(s *server, q question) (reply, error) {
	method, target, body := "GET", s.base+q.path, ""
	if q.post {
		method, body = "POST", q.form.Encode()
	} else if len(q.form) > 0 {
		target += "?" + q.form.Encode()
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if q.post {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if q.header != "" {
		req.Header.Set("X-Loki-Response-Encoding-Flags", q.header)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode}
	if err := json.Unmarshal(b, &r.body); err != nil {
		r.body, r.text = nil, strings.TrimSpace(string(b))
		return r, nil
	}
	if top, ok := r.body.(object); ok {
		if data, ok := top["data"].(object); ok {
			r.stats, _ = data["stats"].(object)
			delete(data, "stats")
		}
	}
	return r, nil
}
