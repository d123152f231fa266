package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// millis is how most loggers write the time.
const millis = "2006-01-02T15:04:05.000Z07:00"

// corpus is a deterministic mix: 50 streams, a third each of JSON, logfmt and
// nginx lines, random trace ids, every third line with one in its metadata.
func corpus(bytes int) (batches [][]Stream, raw int64, end time.Time) {
	r := rand.New(rand.NewPCG(1, 2))
	now := epoch
	words := []string{"checkout", "payment", "cart", "inventory", "timeout", "retry", "accepted", "user", "session", "cache", "miss", "hit", "database", "query", "slow", "upstream"}
	word := func() string { return words[r.IntN(len(words))] }
	id := func() string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }
	levels := []string{"info", "info", "info", "debug", "warn", "error"}
	for raw < int64(bytes) {
		var batch []Stream
		for range 10 {
			k := r.IntN(50)
			st := Stream{Labels: labels.FromStrings("app", fmt.Sprint("app-", k%10), "namespace", fmt.Sprint("ns-", k%3), "pod", fmt.Sprintf("app-%d-%05x", k%10, k*7919))}
			for range 50 {
				now = now.Add(time.Duration(r.IntN(2_000_000)))
				e := Entry{Timestamp: now.UnixNano()}
				trace := id()
				level := levels[r.IntN(len(levels))]
				switch k % 3 {
				case 0:
					e.Line = fmt.Sprintf(`{"ts":%q,"level":%q,"msg":"%s %s %s","method":"GET","path":"/api/v1/%s/%d","status":%d,"duration_ms":%d,"trace_id":%q,"user":"u%d"}`,
						now.Format(millis), level, word(), word(), word(), word(), r.IntN(10000), 200+r.IntN(4)*100, r.IntN(900), trace, r.IntN(5000))
				case 1:
					e.Line = fmt.Sprintf(`ts=%s level=%s caller=%s.go:%d msg="%s %s %s" component=%s attempt=%d took=%dms bytes=%d`,
						now.Format(millis), level, word(), r.IntN(900), word(), word(), word(), word(), r.IntN(5), r.IntN(3000), r.IntN(100000))
				case 2:
					e.Line = fmt.Sprintf(`10.%d.%d.%d - - [%s] "GET /%s/%s?id=%d HTTP/1.1" %d %d "https://shop.example/%s" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" rt=%.3f`,
						r.IntN(4), r.IntN(256), r.IntN(256), now.Format("02/Jan/2006:15:04:05 -0700"), word(), word(), r.IntN(100000), 200+r.IntN(4)*100, r.IntN(50000), word(), r.Float64())
				}
				if r.IntN(3) == 0 {
					e.Metadata = labels.FromStrings("detected_level", level, "trace_id", trace)
				}
				raw += int64(len(e.Line))
				st.Entries = append(st.Entries, e)
			}
			batch = append(batch, compact(st))
		}
		batches = append(batches, batch)
	}
	return batches, raw, now
}

// compact puts the lines of a batch into one string, as a decoder of a request
// would: otherwise the collector's work for the corpus drowns the store's.
func compact(st Stream) Stream {
	var b strings.Builder
	for _, e := range st.Entries {
		b.WriteString(e.Line)
	}
	rest := b.String()
	for i, e := range st.Entries {
		st.Entries[i].Line, rest = rest[:len(e.Line)], rest[len(e.Line):]
	}
	return st
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const corpusBytes = 128 << 20

// bareZstd is the processor time of compressing the corpus' lines, gathered by
// stream into blocks of 512 KiB: what no store can do without.
func bareZstd(batches [][]Stream) (used time.Duration, size int) {
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	bufs := map[uint64][]byte{}
	var blocks [][]byte
	for _, b := range batches {
		for _, s := range b {
			h := s.Labels.Hash()
			for _, e := range s.Entries {
				bufs[h] = append(bufs[h], e.Line...)
			}
			if len(bufs[h]) >= 512<<10 {
				blocks = append(blocks, bufs[h])
				bufs[h] = nil
			}
		}
	}
	start := cpu()
	var out []byte
	for _, b := range blocks {
		out = enc.EncodeAll(b, out[:0])
		size += len(out)
	}
	for _, b := range bufs {
		out = enc.EncodeAll(b, out[:0])
		size += len(out)
	}
	return cpu() - start, size
}

// BenchmarkIngest appends the corpus with the log synced and all of it flushed.
func BenchmarkIngest(b *testing.B) {
	batches, raw, end := corpus(corpusBytes)
	for b.Loop() {
		bare, bareSize := bareZstd(batches)
		s, err := Open(vfs.OS, b.TempDir(), Options{Now: func() time.Time { return end }, MaintainEvery: -1})
		if err != nil {
			b.Fatal(err)
		}
		start := cpu()
		for _, batch := range batches {
			mustAppend(b, s, batch)
		}
		if err := s.Flush(context.Background()); err != nil {
			b.Fatal(err)
		}
		used := cpu() - start
		st := s.Stats()
		mb := float64(raw) / 1e6
		b.ReportMetric(mb/used.Seconds(), "MB/cpu-s")
		b.ReportMetric(bare.Seconds()/used.Seconds(), "of-bare-zstd")
		b.ReportMetric(float64(st.DiskBytes)/float64(raw), "disk/raw")
		b.ReportMetric(float64(bareSize)/float64(raw), "bare-zstd/raw")
		s.Close()
	}
}

// BenchmarkLines packs and unpacks the lines of blocks, by shape and as they are.
func BenchmarkLines(b *testing.B) {
	batches, _, _ := corpus(32 << 20)
	kinds := []string{"json", "logfmt", "nginx"}
	open := map[string]*linesOf{}
	blocks := map[string][]*linesOf{}
	for _, batch := range batches {
		for _, s := range batch {
			name := s.Labels.Get("pod")
			if open[name] == nil {
				open[name] = &linesOf{}
			}
			l := open[name]
			for _, e := range s.Entries {
				l.text, l.sizes = append(l.text, e.Line...), append(l.sizes, uint64(len(e.Line)))
			}
			if len(l.text) > 512<<10 {
				kind := kinds[strings.IndexByte(`{t1`, l.text[0])]
				blocks[kind] = append(blocks[kind], l)
				delete(open, name)
			}
		}
	}
	for _, kind := range kinds {
		l := blocks[kind][0]
		l.text = slices.Grow(l.text, gramRoom)
		var sh shaper
		var un unshaper
		var shaped, packed, back []byte
		var ends []uint32
		run := func(name string, f func()) {
			b.Run(kind+"/"+name, func(b *testing.B) {
				start := cpu()
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(cpu()-start)/float64(b.N*len(l.text)), "cpu-ns/B")
				b.ReportMetric(float64(len(shaped))/float64(len(l.text)), "shaped/raw")
				b.ReportMetric(float64(len(packed))/float64(len(l.text)), "zstd/raw")
			})
		}
		run("shape", func() { shaped = sh.appendShaped(shaped[:0], l.text, l.sizes) })
		run("zstd", func() { packed = zstdEncoder.EncodeAll(l.text, packed[:0]) })
		run("unshape", func() {
			var err error
			if back, ends, err = un.decode(shaped, back, ends, len(l.sizes), len(l.text), nil); err != nil || string(back) != string(l.text) {
				b.Fatal("not the same lines", err)
			}
		})
		run("unzstd", func() { back, _ = unzip(back, packed, uint32(len(l.text))) })
	}
}

type linesOf struct {
	text  []byte
	sizes []uint64
}

// BenchmarkQuery reads the flushed corpus; figures are per pass over all of it.
func BenchmarkQuery(b *testing.B) {
	batches, raw, end := corpus(corpusBytes)
	dir := b.TempDir()
	s, err := Open(vfs.OS, dir, Options{Now: func() time.Time { return end }, MaintainEvery: -1})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for _, batch := range batches {
		mustAppend(b, s, batch)
	}
	if err := s.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	var trace labels.Label
	for _, e := range batches[len(batches)/2][0].Entries {
		if v := e.Metadata.Get("trace_id"); v != "" {
			trace = labels.Label{Name: "trace_id", Value: v}
		}
	}
	count := func(sel Selection) func(*testing.B) {
		return func(b *testing.B) {
			n := 0
			start := cpu()
			for b.Loop() {
				n = 0
				if err := s.Scan(context.Background(), sel, func(*Record) error { n++; return nil }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(raw)*float64(b.N)/1e6/(cpu()-start).Seconds(), "MB/cpu-s")
			b.ReportMetric(float64(n), "records")
		}
	}
	b.Run("all", count(all))
	b.Run("phrase", count(Selection{To: all.To, Contains: []string{"payment timeout"}}))
	b.Run("absent", count(Selection{To: all.To, Contains: []string{"no such phrase"}}))
	b.Run("trace", count(Selection{To: all.To, Having: []labels.Label{trace}}))
	b.Run("iterate", func(b *testing.B) {
		for b.Loop() {
			it := s.Iterate(context.Background(), all)
			for it.Next() {
			}
			it.Close()
		}
	})
	b.Run("newest100", func(b *testing.B) {
		for b.Loop() {
			it := s.Iterate(context.Background(), Selection{To: all.To, Backward: true})
			for range 100 {
				it.Next()
			}
			it.Close()
		}
	})
	b.Run("open", func(b *testing.B) {
		s.Close()
		for b.Loop() {
			s2, err := Open(vfs.OS, dir, Options{Now: func() time.Time { return end }, MaintainEvery: -1})
			if err != nil {
				b.Fatal(err)
			}
			s2.Close()
		}
	})
}
