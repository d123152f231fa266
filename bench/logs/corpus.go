package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logstore"
)

// corpus writes the same lines in each run: 50 streams of ten services, in JSON,
// logfmt, plain text and nginx's format, with random trace ids: in the line of
// JSON and in the structured metadata of logfmt and plain text. It tells its
// batches in the order of time.
type corpus struct {
	r     *rand.Rand
	begin time.Time
	step  time.Duration // mean time from line to line
	now   time.Time
	lines, bytes,
	metadata int64
	// inLine and inMetadata are trace ids from the middle, each of one line.
	inLine, inMetadata string
}

const (
	streams      = 50
	entriesBatch = 40
	streamsBatch = 12
	// lineBytes is what a line has on average.
	lineBytes = 217
)

// newCorpus spreads about so many bytes over a span of time.
func newCorpus(begin time.Time, span time.Duration, bytes int64) *corpus {
	return &corpus{r: rand.New(rand.NewPCG(1, 2)), begin: begin, now: begin, step: span * lineBytes / time.Duration(bytes)}
}

var (
	words  = []string{"checkout", "payment", "cart", "inventory", "retry", "accepted", "user", "session", "cache", "miss", "hit", "database", "query", "slow", "upstream", "order", "shipping", "worker", "queue", "commit"}
	levels = []string{"info", "info", "info", "info", "info", "debug", "debug", "warn", "error"}
	agents = []string{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "curl/8.5.0", "Go-http-client/1.1", "okhttp/4.12.0"}
)

// phrases are rare: one line in a thousand has the first, fewer the second.
const (
	rarePhrase  = "connection reset by peer"
	rarerPhrase = "certificate has expired"
)

func (c *corpus) word() string { return words[c.r.IntN(len(words))] }

func (c *corpus) id() string { return fmt.Sprintf("%016x%016x", c.r.Uint64(), c.r.Uint64()) }

func (c *corpus) message() string {
	switch n := c.r.IntN(5000); {
	case n < 5:
		return rarePhrase
	case n == 5:
		return rarerPhrase
	case n < 50:
		return fmt.Sprintf("timeout after %dms", c.r.IntN(9000))
	}
	return c.word() + " " + c.word() + " " + c.word()
}

// millis is how most loggers write the time; a record's own has nanoseconds.
const millis = "2006-01-02T15:04:05.000Z07:00"

var formats = []string{"json", "logfmt", "plain", "nginx"}

// batch makes one request's worth.
func (c *corpus) batch() []logstore.Stream {
	out := make([]logstore.Stream, 0, streamsBatch)
	first := c.r.IntN(streams)
	for i := range streamsBatch {
		k := (first + i) % streams
		out = append(out, logstore.Stream{Labels: labels.FromStrings(
			"app", fmt.Sprint("app-", k%10), "format", formats[k%4], "namespace", fmt.Sprint("ns-", k%3), "pod", fmt.Sprintf("app-%d-%05x", k%10, k*7919))})
	}
	for range entriesBatch {
		for i := range out {
			c.now = c.now.Add(time.Duration(c.r.Int64N(int64(2 * c.step))))
			out[i].Entries = append(out[i].Entries, c.entry(i, (first+i)%streams))
		}
	}
	for _, st := range out {
		share(st.Entries)
	}
	return out
}

func (c *corpus) entry(i, k int) logstore.Entry {
	e := logstore.Entry{Timestamp: c.now.UnixNano()}
	level, trace := levels[c.r.IntN(len(levels))], c.id()
	switch formats[k%4] {
	case "json":
		e.Line = fmt.Sprintf(`{"ts":%q,"level":%q,"logger":"com.example.shop.http","msg":%q,"method":"GET","path":"/api/v1/%s/%d","status":%d,"duration_ms":%d,"trace_id":%q,"user":"u%d","host":"shop.example"}`,
			c.now.UTC().Format(millis), level, c.message(), c.word(), c.r.IntN(10000), c.status(), c.r.IntN(900), trace, c.r.IntN(5000))
		if c.inLine == "" && c.lines > 20_000 {
			c.inLine = trace
		}
	case "logfmt":
		e.Line = fmt.Sprintf(`ts=%s level=%s caller=%s.go:%d msg=%q component=%s attempt=%d took=%dms bytes=%d tenant=t%d region=eu-west-%d version=1.%d.0 host=shop.example environment=production`,
			c.now.UTC().Format(millis), level, c.word(), c.r.IntN(900), c.message(), c.word(), c.r.IntN(5), c.r.IntN(3000), c.r.IntN(100000), c.r.IntN(40), c.r.IntN(3), c.r.IntN(9))
	case "plain":
		e.Line = fmt.Sprintf("%s %-5s [%s-%d] com.example.shop.%s.%sService - %s while it was working for customer %d in region eu-west-%d after %d attempts, %d items left",
			c.now.UTC().Format("2006-01-02 15:04:05.000"), strings.ToUpper(level), c.word(), c.r.IntN(16), c.word(), c.word(), c.message(), c.r.IntN(100000), c.r.IntN(3), c.r.IntN(4), c.r.IntN(100))
	case "nginx":
		e.Line = fmt.Sprintf(`10.%d.%d.%d - - [%s] "GET /%s/%s?id=%d HTTP/1.1" %d %d "https://shop.example/%s" %q rt=%.3f uct=%.3f host=shop.example`,
			c.r.IntN(4), c.r.IntN(256), c.r.IntN(256), c.now.UTC().Format("02/Jan/2006:15:04:05 -0700"), c.word(), c.word(), c.r.IntN(100000), c.status(), c.r.IntN(50000), c.word(), agents[c.r.IntN(len(agents))], c.r.Float64(), c.r.Float64())
	}
	if k%4 == 1 || k%4 == 2 {
		e.Metadata = labels.FromStrings("trace_id", trace)
		c.metadata += int64(len("trace_id") + len(trace))
		if c.inMetadata == "" && c.lines > 20_000 {
			c.inMetadata = trace
		}
	}
	c.lines++
	c.bytes += int64(len(e.Line))
	return e
}

func (c *corpus) status() int {
	return []int{200, 200, 200, 200, 200, 200, 204, 301, 404, 500, 503}[c.r.IntN(11)]
}

// share puts the lines of a stream's batch into one string, as whoever decodes
// a request does: else the collector's work for so many small strings is
// counted as the store's.
func share(entries []logstore.Entry) {
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(e.Line)
	}
	rest := b.String()
	for i := range entries {
		n := len(entries[i].Line)
		entries[i].Line, rest = rest[:n], rest[n:]
	}
}
