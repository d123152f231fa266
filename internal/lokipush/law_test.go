package lokipush_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func draw(t *rapid.T) []logstore.Stream {
	name := rapid.StringMatching(`[a-z_][a-z0-9_]{0,5}`)
	text := rapid.String()
	var out []logstore.Stream
	for range rapid.IntRange(0, 3).Draw(t, "streams") {
		set := map[string]string{"job": "x"}
		for range rapid.IntRange(0, 3).Draw(t, "labels") {
			set[name.Draw(t, "name")] = rapid.StringN(1, 8, -1).Draw(t, "value")
		}
		s := logstore.Stream{Labels: labels.FromMap(set), Entries: []logstore.Entry{}}
		for range rapid.IntRange(0, 3).Draw(t, "entries") {
			e := logstore.Entry{
				Timestamp: rapid.Int64Range(-math.MaxInt64/2, math.MaxInt64/2).Draw(t, "ts"),
				Line:      text.Draw(t, "line"),
			}
			meta := map[string]string{}
			for range rapid.IntRange(0, 2).Draw(t, "metadata") {
				meta[rapid.StringN(1, 4, -1).Draw(t, "name")] = text.Draw(t, "value")
			}
			b := labels.NewScratchBuilder(len(meta))
			for k, v := range meta {
				b.Add(k, v)
			}
			b.Sort()
			e.Metadata = b.Labels()
			s.Entries = append(s.Entries, e)
		}
		out = append(out, s)
	}
	return out
}

func toJSON(streams []logstore.Stream) ([]byte, error) {
	type stream struct {
		Stream map[string]string `json:"stream"`
		Values [][]any           `json:"values"`
	}
	doc := struct {
		Streams []stream `json:"streams"`
	}{Streams: []stream{}}
	for _, s := range streams {
		out := stream{Stream: s.Labels.Map(), Values: [][]any{}}
		for _, e := range s.Entries {
			out.Values = append(out.Values, []any{strconv.FormatInt(e.Timestamp, 10), e.Line, e.Metadata.Map()})
		}
		doc.Streams = append(doc.Streams, out)
	}
	return json.Marshal(doc)
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := draw(t)
		body, err := lokipush.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := lokipush.Decode(lokipush.ContentTypeProtobuf, "", bytes.NewReader(body), lokipush.NewDefaultLimits())
		if err != nil || show(got) != show(want) {
			t.Fatalf("protobuf: %v\n%swant\n%s", err, show(got), show(want))
		}
		if body, err = toJSON(want); err != nil {
			t.Fatal(err)
		}
		got, err = lokipush.Decode(lokipush.ContentTypeJSON, "", bytes.NewReader(body), lokipush.NewDefaultLimits())
		if err != nil || show(got) != show(want) {
			t.Fatalf("json: %v\n%swant\n%s", err, show(got), show(want))
		}
	})
}

// FuzzProtobuf compares with Loki's own types: whatever both accept means the
// same. (They also refuse wrong types of fields that we have no use for.)
func FuzzProtobuf(f *testing.F) {
	for _, labels := range []string{`{a="b"}`, `{a="b", c="d\n"}`, `{}`, "{a=`b`}", `x{a="b",}`, `{a="b",a="c"}`} {
		req := push.PushRequest{Streams: []push.Stream{{Labels: labels, Hash: 7, Entries: []push.Entry{
			{Timestamp: time.Unix(1, 2), Line: "x", StructuredMetadata: push.LabelsAdapter{{Name: "k", Value: "v"}, {Name: "k", Value: "w"}}},
			{Timestamp: time.Unix(-1, 2), Line: "\xff", Parsed: push.LabelsAdapter{{Name: "k"}}},
		}}}}
		data, err := req.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := lokipush.Decode("", "", bytes.NewReader(snappy.Encode(nil, data)), small)
		if err != nil {
			return
		}
		var req push.PushRequest
		if err := req.Unmarshal(data); err != nil {
			return
		}
		if len(req.Streams) != len(got) {
			t.Fatalf("%d streams, want %d", len(got), len(req.Streams))
		}
		for i, want := range req.Streams {
			lbs, err := parser.ParseMetric(want.Labels)
			if err != nil {
				// Prometheus' parser refuses U+FFFD in quotes.
				if strings.ContainsRune(got[i].Labels.String(), utf8.RuneError) {
					continue
				}
				t.Fatalf("we accept %q: %v", want.Labels, err)
			}
			if !labels.Equal(lbs.WithoutEmpty(), got[i].Labels) || len(want.Entries) != len(got[i].Entries) {
				t.Fatalf("stream %d: %s, %d entries; want %s, %d", i, got[i].Labels, len(got[i].Entries), lbs, len(want.Entries))
			}
			for j, w := range want.Entries {
				g := got[i].Entries[j]
				meta := map[string]string{}
				for _, l := range w.StructuredMetadata {
					meta[strings.ToValidUTF8(l.Name, "\uFFFD")] = strings.ToValidUTF8(l.Value, "\uFFFD")
				}
				// An entry without a time is the year 1 to them and 1970 to us.
				if (!w.Timestamp.IsZero() && g.Timestamp != w.Timestamp.UnixNano()) || g.Line != w.Line || !reflect.DeepEqual(g.Metadata.Map(), meta) {
					t.Fatalf("entry %d: %d %q %s\nwant %v", j, g.Timestamp, g.Line, g.Metadata, w)
				}
			}
		}
	})
}

// FuzzJSON compares with encoding/json: whatever we accept it accepts, and it
// means the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"k":"v"}],["2","y"]]}]}`))
	f.Add([]byte(`{"x":[1,-0.5e+3,{"y":[true,false,null,"\u00e4"]}],"streams":[{"values":[["1","\ud83d\ude00\ud83d\\\n"]],"stream":{"a":"b"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// The referee replaces what is not UTF-8; lines are ours verbatim.
		valid := utf8.Valid(data)
		got, err := lokipush.Decode("application/json", "", bytes.NewReader(data), small)
		if err != nil || !valid {
			return
		}
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatalf("we accept, encoding/json does not: %v", err)
		}
		var streams []map[string]json.RawMessage
		if err := json.Unmarshal(doc["streams"], &streams); err != nil || len(streams) != len(got) {
			t.Fatalf("%d streams, want %d: %v", len(got), len(streams), err)
		}
		for i, s := range streams {
			var set map[string]string
			var values [][]json.RawMessage
			if err := json.Unmarshal(s["stream"], &set); err != nil {
				t.Fatal(err)
			}
			if s["values"] != nil {
				if err := json.Unmarshal(s["values"], &values); err != nil {
					t.Fatal(err)
				}
			}
			if !labels.Equal(labels.FromMap(set).WithoutEmpty(), got[i].Labels) || len(values) != len(got[i].Entries) {
				t.Fatalf("stream %d: %s, %d entries; want %v, %d", i, got[i].Labels, len(got[i].Entries), set, len(values))
			}
			for j, v := range values {
				var ts, line string
				meta := map[string]string{}
				for k, to := range []any{&ts, &line, &meta}[:len(v)] {
					if err := json.Unmarshal(v[k], to); err != nil {
						t.Fatal(err)
					}
				}
				n, err := strconv.ParseInt(ts, 10, 64)
				g := got[i].Entries[j]
				if err != nil || g.Timestamp != n || g.Line != line || !reflect.DeepEqual(g.Metadata.Map(), meta) {
					t.Fatalf("entry %d: %d %q %s\nwant %s", j, g.Timestamp, g.Line, g.Metadata, v)
				}
			}
		}
	})
}

// A body that expands a thousandfold may cost memory in proportion to the
// limit, not to what it expands to.
func TestMemoryIsBoundedByTheLimits(t *testing.T) {
	limits := lokipush.Limits{CompressedBytes: 1 << 20, DecompressedBytes: 1 << 20, Streams: 100, Entries: 1000}
	zeros := make([]byte, 64<<20)
	entries := snappy.Encode(nil, append([]byte("\x0a\xfe\xff\x3f"), bytes.Repeat([]byte("\x12\x00"), 1<<19-8)...))
	for _, c := range []struct {
		name, media, encoding string
		body                  []byte
	}{
		{"gzip", "application/json", "gzip", compress(t, "gzip", zeros)},
		{"deflate", "application/json", "deflate", compress(t, "deflate", zeros)},
		{"zstd", "application/json", "zstd", compress(t, "zstd", zeros)},
		{"snappy", "", "", snappy.Encode(nil, zeros[:16<<20])},
		{"snappy that claims 4 GB", "", "", []byte("\xff\xff\xff\xff\x0f")},
		{"snappy that claims the limit", "", "", []byte("\x80\x80\x40")},
		{"empty entries", "", "", entries},
		{"nested arrays", "application/json", "", bytes.Repeat([]byte("["), 1<<20)},
		{"endless body", "application/json", "", zeros},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := lokipush.Decode(c.media, c.encoding, bytes.NewReader(c.body), limits)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", c.name)
		}
		// Growing a buffer by doubling costs four times what it holds in
		// the end, twice over; the zstd decoder's window is on top.
		if got := after.TotalAlloc - before.TotalAlloc; got > 24<<20 {
			t.Errorf("%s: allocated %d MiB", c.name, got>>20)
		}
	}
}

func corpus(metadata bool) []logstore.Stream {
	s := make([]logstore.Stream, 10)
	for i := range s {
		s[i].Labels = labels.FromStrings("job", "app", "env", "prod", "instance", strconv.Itoa(i))
		for j := range 200 {
			e := logstore.Entry{
				Timestamp: 1_700_000_000_000_000_000 + int64(j),
				Line:      `{"level":"info","msg":"request served","path":"/api/v1/items","status":200,"duration_ms":12.5,"user":"u-` + strconv.Itoa(j) + `"}`,
			}
			if metadata {
				e.Metadata = labels.FromStrings("trace_id", "0af7651916cd43dd8448eb211c80319c")
			}
			s[i].Entries = append(s[i].Entries, e)
		}
	}
	return s
}

// The cost of a body is per stream and not per entry, as long as entries have
// no structured metadata, which is one allocation an entry.
func TestAllocationCeiling(t *testing.T) {
	for _, c := range []struct {
		metadata bool
		ceiling  float64
	}{{false, 100}, {true, 2100}} {
		streams := corpus(c.metadata)
		pb, err := lokipush.Encode(streams)
		if err != nil {
			t.Fatal(err)
		}
		js, err := toJSON(streams)
		if err != nil {
			t.Fatal(err)
		}
		for media, body := range map[string][]byte{lokipush.ContentTypeProtobuf: pb, lokipush.ContentTypeJSON: js} {
			n := testing.AllocsPerRun(20, func() {
				if _, err := lokipush.Decode(media, "", bytes.NewReader(body), lokipush.NewDefaultLimits()); err != nil {
					t.Fatal(err)
				}
			})
			t.Logf("%s, metadata %v: %.0f", media, c.metadata, n)
			if media == lokipush.ContentTypeJSON {
				n -= 150 // entries grow by appending there
			}
			if n > c.ceiling {
				t.Errorf("%s, metadata %v: %.0f allocations for 2000 entries", media, c.metadata, n)
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	streams := corpus(true)
	pb, err := lokipush.Encode(streams)
	if err != nil {
		b.Fatal(err)
	}
	js, err := toJSON(streams)
	if err != nil {
		b.Fatal(err)
	}
	raw, err := snappy.Decode(nil, pb)
	if err != nil {
		b.Fatal(err)
	}
	run := func(name, media string, body []byte, size int) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := lokipush.Decode(media, "", bytes.NewReader(body), lokipush.NewDefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("protobuf", lokipush.ContentTypeProtobuf, pb, len(raw))
	run("json", lokipush.ContentTypeJSON, js, len(js))
	b.Run("protobuf by pkg push", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			raw, _ := snappy.Decode(nil, pb)
			var req push.PushRequest
			if err := req.Unmarshal(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
