package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// compareTails opens the tail of both, pushes the same entries to both, and
// compares what comes.
func compareTails(loki, weir *server, query string) (string, error) {
	var got [2]map[string][]any
	for i, s := range []*server{loki, weir} {
		from := time.Now()
		target := "ws" + strings.TrimPrefix(s.base, "http") + "/loki/api/v1/tail?" + url.Values{
			"query": {query}, "limit": {"100"}, "start": {fmt.Sprint(from.UnixNano())},
		}.Encode()
		conn, resp, err := websocket.DefaultDialer.Dial(target, nil)
		if err != nil {
			if resp != nil {
				return fmt.Sprintf("%s answers a tail with %s", s.name, resp.Status), nil
			}
			return "", err
		}
		defer conn.Close()
		time.Sleep(500 * time.Millisecond)
		st := stream{labels: map[string]string{"app": "tailed", "level": "info"}}
		for j := range 5 {
			st.entries = append(st.entries, entry{at: time.Duration(j) * time.Millisecond, line: fmt.Sprintf(`{"n":%d,"odd":%v}`, j, j%2 == 1), metadata: map[string]string{"trace_id": "t"}})
		}
		if err := push(s, time.Now(), st); err != nil {
			return "", err
		}
		if got[i], err = readTail(conn, 5*time.Second); err != nil {
			return "", err
		}
	}
	return comparer{}.differ("", anyOf(got[0]), anyOf(got[1])), nil
}

// readTail gathers lines by their stream until nothing more comes.
func readTail(conn *websocket.Conn, patience time.Duration) (map[string][]any, error) {
	lines := map[string][]any{}
	until := time.Now().Add(patience)
	for {
		_ = conn.SetReadDeadline(until)
		_, b, err := conn.ReadMessage()
		if err != nil {
			return lines, nil // nothing came any more
		}
		var m struct {
			Streams []struct {
				Stream map[string]string
				Values [][]any
			}
			DroppedEntries []any `json:"dropped_entries"`
		}
		if err := json.Unmarshal(b, &m); err != nil {
			return nil, fmt.Errorf("a message of the tail: %w", err)
		}
		for _, s := range m.Streams {
			var key []string
			for _, name := range slices.Sorted(maps.Keys(s.Stream)) {
				key = append(key, name+"="+s.Stream[name])
			}
			for _, v := range s.Values {
				lines[strings.Join(key, ",")] = append(lines[strings.Join(key, ",")], v[1:]...)
			}
		}
		if len(m.Streams) > 0 {
			until = time.Now().Add(1500 * time.Millisecond)
		}
	}
}

func anyOf(m map[string][]any) any {
	o := object{}
	for k, v := range m {
		o[k] = v
	}
	return o
}
