package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/fleet/receipts"
)

const fleetReceiptsUsage = "--install INSTALL [--since 720h]"

// receiptPage is how many lines one question to the log store asks for.
const receiptPage = 1000

// runFleetReceipts asks the fleet's log store, as anybody who may see its logs
// can.
func runFleetReceipts(e env, args []string) int {
	var install string
	since := 400 * 24 * time.Hour
	rest, err := parseArgs("fleet receipts export", fleetReceiptsUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&install, "install", "", "")
		fs.DurationVar(&since, "since", since, "")
	})
	if err != nil {
		return e.fail(err)
	}
	if len(rest) != 0 || !identity.IsInstall(install) || since <= 0 {
		return e.fail(fmt.Errorf("%w: usage: weir fleet receipts export %s", errUsage, fleetReceiptsUsage))
	}
	listen := e.getenv("WEIR_FLEET_LISTEN")
	if listen == "" {
		listen = "127.0.0.1:7171"
	}
	now := time.Now()
	n, err := newLocalStore(listen).receipts(install, now.Add(-since), now, e.out)
	if err != nil {
		return e.fail(err)
	}
	fmt.Fprintf(e.err, "weir: %d receipts of %s\n", n, install)
	if n == 0 {
		return exitNo
	}
	return exitYes
}

// receipts writes an install's receipts in the order in which they were given.
func (s localStore) receipts(install string, from, to time.Time, out io.Writer) (int, error) {
	query := fmt.Sprintf("{service_name=%q} | kind=%q | install=%q", receipts.Service, receipts.Kind, install)
	written := 0
	seen := map[string]bool{} // lines of the last nanosecond, which the next page begins with
	for {
		page, err := s.lines(query, from, to)
		if err != nil {
			return written, err
		}
		fresh := 0
		for _, entry := range page {
			if entry.at.After(from) {
				clear(seen)
				from = entry.at
			}
			if seen[entry.line] {
				continue
			}
			seen[entry.line] = true
			var r receipts.Receipt
			if json.Unmarshal([]byte(entry.line), &r) != nil || r.Install != install {
				return written, fmt.Errorf("the log store answers with what is no receipt of this install")
			}
			if _, err := fmt.Fprintln(out, entry.line); err != nil {
				return written, err
			}
			written++
			fresh++
		}
		if fresh == 0 || len(page) < receiptPage {
			return written, nil
		}
	}
}

type logEntry struct {
	at   time.Time
	line string
}

// lines asks the Loki API for the oldest entries of a range.
func (s localStore) lines(query string, from, to time.Time) ([]logEntry, error) {
	q := url.Values{
		"query": {query}, "direction": {"forward"}, "limit": {strconv.Itoa(receiptPage)},
		"start": {strconv.FormatInt(from.UnixNano(), 10)}, "end": {strconv.FormatInt(to.UnixNano(), 10)},
	}
	resp, err := s.client.Get(s.base + "/loki/api/v1/query_range?" + q.Encode())
	if err != nil {
		return nil, fmt.Errorf("no fleet answers at %s: start it, or set WEIR_FLEET_LISTEN to where it listens: %w", s.base, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the fleet's log store at %s: status %d", s.base, resp.StatusCode)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Values [][2]string `json:"values"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("read the log store's answer: %w", err)
	}
	var list []logEntry
	for _, stream := range answer.Data.Result {
		for _, v := range stream.Values {
			ns, err := strconv.ParseInt(v[0], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read the log store's answer: a time is no number")
			}
			list = append(list, logEntry{time.Unix(0, ns), v[1]})
		}
	}
	slices.SortStableFunc(list, func(a, b logEntry) int { return a.at.Compare(b.at) })
	return list, nil
}
