package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// span is how much time the corpus covers.
const span = 30 * time.Minute

type entry struct {
	at       time.Duration // since the corpus' begin
	line     string
	metadata map[string]string
}

type stream struct {
	labels  map[string]string
	entries []entry
}

// part is one of the two loads of the corpus. What comes late lies among the
// rest in time: every eighth entry.
type part int

const (
	early part = iota
	late
)

func (p part) holds(i int) bool { return (i%8 == 5) == (p == late) }

// corpus makes the pushed streams, the same ones in every run.
func corpus() []stream {
	var all []stream
	add := func(n, entries int, app, format string, line func(*rand.Rand, int) (string, map[string]string)) {
		for i := range n {
			r := rand.New(rand.NewPCG(uint64(len(all)+1), 7))
			s := stream{labels: map[string]string{
				"app": app, "format": format,
				"env":      []string{"prod", "stage", "dev"}[i%3],
				"instance": fmt.Sprintf("10.1.%d.%d:8080", i/4, i),
			}}
			if i%2 == 0 {
				s.labels["region"] = []string{"eu", "us"}[i/2%2]
			}
			step := span / time.Duration(entries)
			for j := range entries {
				text, metadata := line(r, j)
				s.entries = append(s.entries, entry{
					at:   time.Duration(j)*step + time.Duration(r.Int64N(int64(step))),
					line: text, metadata: metadata,
				})
			}
			all = append(all, s)
		}
	}
	add(10, 240, "api", "json", jsonLine)
	add(10, 240, "worker", "logfmt", logfmtLine)
	add(8, 160, "cron", "plain", plainLine)
	add(8, 200, "web", "nginx", nginxLine)
	add(3, 60, "wörld", "unicode", unicodeLine)
	add(2, 20, "dump", "long", longLine)
	add(2, 60, "tty", "ansi", ansiLine)
	add(2, 60, "broken", "json", brokenLine)
	add(1, 62, "globs", "plain", globLine)
	add(1, 40, "marked", "plain", markedLine)
	add(1, 40, "twice", "plain", twiceLine)
	// Entries of the same instant, and ones that come twice.
	for _, s := range all[len(all)-2:] {
		for i := range s.entries {
			s.entries[i].at = time.Duration(i/4) * time.Minute
		}
	}
	return all
}

var (
	levels  = []string{"debug", "info", "info", "info", "warn", "error"}
	methods = []string{"GET", "GET", "POST", "PUT", "DELETE"}
	paths   = []string{"/api/v1/users", "/api/v1/orders", "/api/v1/orders/42", "/health", "/login"}
	codes   = []int{200, 200, 200, 201, 204, 301, 400, 404, 500, 503}
	users   = []string{"ann", "bob", "cyd", "dan o'dell", "eve \"x\"", ""}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func hex(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte("0123456789abcdef"[r.IntN(16)])
	}
	return b.String()
}

func ip(r *rand.Rand) string {
	if r.IntN(8) == 0 {
		return fmt.Sprintf("2001:db8::%x", r.IntN(16))
	}
	return fmt.Sprintf("192.168.%d.%d", r.IntN(4), r.IntN(8))
}

func jsonLine(r *rand.Rand, i int) (string, map[string]string) {
	v := map[string]any{
		"level": pick(r, levels), "msg": pick(r, []string{"request done", "cache miss", "retry later", "took too long"}),
		"method": pick(r, methods), "path": pick(r, paths), "status": pick(r, codes),
		"duration": fmt.Sprintf("%dms", 1+r.IntN(900)), "latency_s": float64(r.IntN(5000)) / 1000,
		"size": fmt.Sprintf("%dKB", r.IntN(64)), "bytes": r.IntN(100_000), "client": ip(r),
		"user":  map[string]any{"name": pick(r, users), "id": r.IntN(50), "tags": []string{"a", pick(r, methods)}},
		"ok":    r.IntN(2) == 0,
		"app":   "inner",
		"a.b-c": "odd key",
	}
	switch i % 10 {
	case 3:
		v["error"] = nil
	case 4:
		v["error"] = "boom: \"quoted\"\nsecond line\ttab \\ backslash é"
	case 5:
		v["deep"] = map[string]any{"one": map[string]any{"two": []any{1, map[string]any{"three": "x"}}}}
	case 6:
		v["empty"], v["spaces"], v["size"] = "", "  ", "not a size"
	case 7:
		v["duration"] = "not a duration"
		v["big"] = 12345678901234567
		v["small"] = 1e-7
		v["float"] = 1.50
	}
	b, _ := json.Marshal(v)
	if i%4 != 0 {
		return string(b), nil
	}
	return string(b), map[string]string{"trace_id": hex(r, 32), "pod": fmt.Sprintf("api-%d", r.IntN(3)), "n": fmt.Sprint(r.IntN(9))}
}

func logfmtLine(r *rand.Rand, i int) (string, map[string]string) {
	user := pick(r, users)
	line := fmt.Sprintf(`ts=2026-01-02T03:04:%02dZ level=%s caller=main.go:%d msg="%s" status=%d duration=%s bytes=%dB addr=%s user=%q`,
		i%60, pick(r, levels), r.IntN(300), pick(r, []string{"job done", "job failed", "waiting for lock"}),
		pick(r, codes), time.Duration(r.IntN(3_000_000_000)).String(), r.IntN(1<<20), ip(r), user)
	switch i % 12 {
	case 3:
		line += ` flag novalue= empty="" esc="a\"b\\c\nd" ünï=cödé`
	case 4:
		line += ` app=inner level_extracted=x a.b=dotted 9lives=cat`
	case 5:
		line += ` broken="never ends`
	case 6:
		line += ` =nokey x=="y" trailing`
	case 7:
		line += ` dup=1 dup=2`
	}
	return line, nil
}

func plainLine(r *rand.Rand, i int) (string, map[string]string) {
	switch i % 5 {
	case 0:
		return fmt.Sprintf("[%s] connection from %s port %d", strings.ToUpper(pick(r, levels)), ip(r), r.IntN(65536)), nil
	case 1:
		return fmt.Sprintf("finished task %d in %d.%03ds", r.IntN(1000), r.IntN(60), r.IntN(1000)), nil
	case 2:
		return fmt.Sprintf("E%04d Error: disk /dev/sd%c is %d%% full", r.IntN(10_000), 'a'+rune(r.IntN(4)), r.IntN(100)), map[string]string{"disk": fmt.Sprintf("sd%c", 'a'+rune(r.IntN(4)))}
	case 3:
		return "   leading and trailing   ", nil
	default:
		return fmt.Sprintf("user=%s panic: runtime error: index out of range [%d]", hex(r, 4), r.IntN(9)), nil
	}
}

func nginxLine(r *rand.Rand, i int) (string, map[string]string) {
	return fmt.Sprintf(`%s - %s [02/Jan/2026:03:04:%02d +0000] "%s %s HTTP/1.1" %d %d "-" "curl/8.%d" %.3f`,
		ip(r), pick(r, []string{"-", "ann"}), i%60, pick(r, methods), pick(r, paths), pick(r, codes), r.IntN(50_000), r.IntN(9), float64(r.IntN(3000))/1000), nil
}

func unicodeLine(r *rand.Rand, _ int) (string, map[string]string) {
	return pick(r, []string{
		"grüße an die Welt: größer als ß", "日本語のログ行 level=error", "emoji 🎉 and 🇪🇺 and ẞ", "ΑΒΓ αβγ σς ΣΑΣ",
		"combining e\u0301 and \u200bzero width", "İstanbul ıI K (kelvin K)", "tab\tand nul\x01 control", "<html>&amp;</html> \u2028 line sep",
	}), map[string]string{"sprache": "größe"}
}

func longLine(r *rand.Rand, i int) (string, map[string]string) {
	var b strings.Builder
	fmt.Fprintf(&b, "seq=%d ", i)
	for b.Len() < 8<<10+r.IntN(24<<10) {
		fmt.Fprintf(&b, "k%d=%s ", r.IntN(100), hex(r, 24))
	}
	b.WriteString("needle-at-the-end")
	return b.String(), nil
}

func ansiLine(r *rand.Rand, i int) (string, map[string]string) {
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m level=%s \x1b[1;4mbold %d\x1b[22;24m \x1b[38;5;%dmx\x1b[K", 31+r.IntN(6), strings.ToUpper(pick(r, levels)), pick(r, levels), i, r.IntN(256)), nil
}

func brokenLine(r *rand.Rand, i int) (string, map[string]string) {
	whole, _ := jsonLine(r, i)
	switch i % 8 {
	case 0:
		return whole[:r.IntN(len(whole))], nil
	case 1:
		return whole + " trailing", nil
	case 2:
		return `["an","array",1]`, nil
	case 3:
		return `"just a string"`, nil
	case 4:
		return `{"a":1,"a":2,"b":{"a":3},"b_a":4}`, nil
	case 5:
		return `{"bad\q":"escape","x":"\ud800"}`, nil
	case 6:
		return `{"_entry":"packed line {\"x\":1}","container":"c1","n":7,"app":"packed"}`, nil
	default:
		return `{}`, nil
	}
}

func twiceLine(_ *rand.Rand, i int) (string, map[string]string) {
	return fmt.Sprintf("same instant %d", i%4/2), nil
}

// markedLine is one line throughout: its metadata alone tells an entry from the
// three others of its instant.
func markedLine(_ *rand.Rand, i int) (string, map[string]string) {
	return "the same line", map[string]string{"mark": fmt.Sprint(i % 4)}
}

// globLine is each word over a and b of one to five letters in turn.
func globLine(_ *rand.Rand, i int) (string, map[string]string) {
	b := fmt.Sprintf("%b", i+2)[1:]
	return strings.NewReplacer("0", "a", "1", "b").Replace(b), nil
}
