//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/weir-telemetry/weir/redaction/mask"
)

// corpus makes lines of about 300 bytes: JSON, logfmt and plain in turn, with
// times, ids, durations and paths as services write them. One in twenty has
// something to mask. IPs are among that: a corpus of access logs would have one
// in each line.
func corpus(r *rand.Rand, n int) [][]byte {
	lines := make([][]byte, n)
	for i := range lines {
		secret := ""
		if r.IntN(20) == 0 {
			secret = secrets[r.IntN(len(secrets))]
		}
		lines[i] = []byte([]func(*rand.Rand, string) string{jsonLine, logfmtLine, plainLine}[i%3](r, secret))
	}
	return lines
}

// masked counts the lines that all families change.
func masked(lines [][]byte) (n int) {
	m, err := mask.New(mask.Options{})
	if err != nil {
		return 0
	}
	for _, l := range lines {
		if !m.Clean(l) {
			n++
		}
	}
	return n
}

// All of them are of one of the five families, so that both sides mask the same.
var secrets = []string{
	"mail=ada.lovelace@engine.example", "contact bob@example.com now", "card 4111111111111111 declined", "from 203.0.113.77 port 51422",
	"peer 2001:db8::8a2e:370:7334", "Bearer 7fQx92hvLkPzT04aWm8R", "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
	"basic dXNlcjpwYXNzd29yZA==",
}

var (
	services = strings.Fields("checkout-api inventory-worker billing-scheduler search-indexer gateway-edge session-store")
	verbs    = strings.Fields("GET POST PUT DELETE PATCH")
	paths    = strings.Fields("/api/v2/orders/8841/items /api/v1/customers/search /healthz /internal/jobs/run /static/app.8f3a.js /api/v2/carts/current/checkout")
	levels   = strings.Fields("INFO INFO INFO DEBUG WARN ERROR")
	phrases  = []string{
		"request completed after retrying the upstream twice because the connection pool was exhausted",
		"cache entry for the product listing was refreshed from the primary database replica",
		"background job finished and released its lease on partition of the work queue",
		"slow query detected while joining the order history with the current price table",
		"feature flag evaluation fell back to the default because the provider timed out",
		"upload accepted, waiting for the virus scanner to report before it is published",
	}
)

func hex(r *rand.Rand, n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[r.IntN(16)]
	}
	return string(b)
}

func oneOf(r *rand.Rand, of []string) string { return of[r.IntN(len(of))] }

func stamp(r *rand.Rand) string {
	return fmt.Sprintf("2026-11-%02dT%02d:%02d:%02d.%06dZ", 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e6))
}

func with(phrase, secret string) string {
	if secret == "" {
		return phrase
	}
	return phrase[:20] + " " + secret + " " + phrase[20:]
}

func jsonLine(r *rand.Rand, secret string) string {
	return fmt.Sprintf(`{"time":"%s","level":"%s","service":"%s","trace_id":"%s","span_id":"%s","method":"%s","path":"%s","status":%d,"duration_ms":%.3f,"bytes":%d,"msg":"%s"}`,
		stamp(r), oneOf(r, levels), oneOf(r, services), hex(r, 32), hex(r, 16), oneOf(r, verbs), oneOf(r, paths), 200+r.IntN(300), r.Float64()*900, r.IntN(90000),
		with(oneOf(r, phrases), secret))
}

func logfmtLine(r *rand.Rand, secret string) string {
	return fmt.Sprintf(`ts=%s level=%s caller=handler.go:%d service=%s method=%s path=%s status=%d duration=%.2fms attempt=%d queue=orders-%d trace_id=%s msg="%s"`,
		stamp(r), strings.ToLower(oneOf(r, levels)), r.IntN(900), oneOf(r, services), oneOf(r, verbs), oneOf(r, paths), 200+r.IntN(300), r.Float64()*900, r.IntN(5), r.IntN(16), hex(r, 32),
		with(oneOf(r, phrases), secret))
}

func plainLine(r *rand.Rand, secret string) string {
	return fmt.Sprintf(`%s %-5s [pool-%d-thread-%d] com.example.%s.RequestHandler - %s; took %d ms for tenant acme-%d, correlation %s-%s, next attempt in %ds; %s`,
		strings.Replace(stamp(r), "T", " ", 1), oneOf(r, levels), r.IntN(8), r.IntN(64), strings.Split(oneOf(r, services), "-")[0], with(oneOf(r, phrases), secret),
		r.IntN(4000), r.IntN(200), hex(r, 8), hex(r, 12), r.IntN(60), oneOf(r, phrases))
}
