package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-telemetry/weir/demo/canary"
)

// maxInFlight bounds what a slow shop can pile up; beyond it a beat is left out.
const maxInFlight = 256

// load counts what the generator did.
type load struct{ requests, failed int64 }

// request is one thing that a customer does.
type request struct{ method, path string }

// nth is the n-th request. Of every hundred, 57 look at a product, 20 open
// their account and 23 order; five of these end badly (two 404, three 500) and
// two are slow. The order is shuffled, yet the same in every run.
func nth(n int64) request {
	switch k := n * 37 % 100; {
	case k < 2:
		return request{http.MethodGet, "/product/unknown"}
	case k < 5:
		return request{http.MethodPost, "/checkout?mood=declined"}
	case k < 7:
		return request{http.MethodPost, "/checkout?mood=slow"}
	case k < 25:
		return request{http.MethodPost, "/checkout"}
	case k < 45:
		return request{http.MethodGet, "/account/" + canary.Mail}
	default:
		return request{http.MethodGet, "/product/42?token=" + url.QueryEscape(canary.Token)}
	}
}

// generate sends rate requests a second until ctx is done, and returns when
// the last one is answered.
func generate(ctx context.Context, base string, rate float64) load {
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var requests, failed atomic.Int64
	var wait sync.WaitGroup
	slots := make(chan struct{}, maxInFlight)
	ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer ticker.Stop()
	for n := int64(0); ; n++ {
		select {
		case <-ctx.Done():
			wait.Wait()
			return load{requests.Load(), failed.Load()}
		case <-ticker.C:
		}
		select {
		case slots <- struct{}{}:
		default:
			continue
		}
		wait.Go(func() {
			defer func() { <-slots }()
			requests.Add(1)
			if !send(client, base, nth(n)) {
				failed.Add(1)
			}
		})
	}
}

// send does one request as a browser behind a careless proxy would: it begins
// the trace, with the customer's mail in the trace state. It says whether the
// answer was a good one. A request that has begun is not cut short by the end
// of the run.
func send(client *http.Client, base string, do request) bool {
	req, err := http.NewRequest(do.method, base+do.path, nil)
	if err != nil {
		return false
	}
	id := make([]byte, 24)
	_, _ = rand.Read(id) // crypto/rand never fails
	req.Header.Set("traceparent", "00-"+hex.EncodeToString(id[:16])+"-"+hex.EncodeToString(id[16:])+"-01")
	req.Header.Set("tracestate", "shop="+canary.Mail)
	req.Header.Set("User-Agent", "browser of "+canary.Name)
	req.Header.Set("Authorization", "Bearer "+canary.Token)
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode < 400
}
