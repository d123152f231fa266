package lokipush_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each file of testdata/json holds one body and what comes of it: streams as
// this test prints them, or the refusal.
func TestJSONBodies(t *testing.T) {
	files, err := filepath.Glob("testdata/json/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := txtar.Parse(data)
			var body, want string
			for _, f := range a.Files {
				switch f.Name {
				case "body":
					body = string(f.Data)
				case "want":
					want = string(f.Data)
				}
			}
			streams, err := lokipush.Decode("application/json; charset=utf-8", "", strings.NewReader(body), small)
			got := show(streams)
			if err != nil {
				got = err.Error() + "\n"
			}
			if *update {
				a.Files = []txtar.File{{Name: "body", Data: []byte(body)}, {Name: "want", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

// small makes every limit easy to meet.
var small = lokipush.Limits{CompressedBytes: 4096, DecompressedBytes: 8192, Streams: 3, Entries: 5}

func show(streams []logstore.Stream) string {
	var b strings.Builder
	for _, s := range streams {
		fmt.Fprintf(&b, "%s\n", s.Labels)
		for _, e := range s.Entries {
			fmt.Fprintf(&b, "  %d %s", e.Timestamp, strconv.Quote(e.Line))
			if e.Metadata.Len() > 0 {
				fmt.Fprintf(&b, " %s", e.Metadata)
			}
			b.WriteByte('\n')
		}
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

func compress(t testing.TB, encoding string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch encoding {
	case "":
		return data
	case "snappy":
		return snappy.Encode(nil, data)
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "deflate":
		w, err = flate.NewWriter(&b, 9)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	default:
		t.Fatalf("no such encoding: %s", encoding)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryEncodingGivesTheSameStreams(t *testing.T) {
	const body = `{"streams":[{"stream":{"job":"a"},"values":[["1","one"],["2","two",{"k":"v"}]]}]}`
	want := "{job=\"a\"}\n  1 \"one\"\n  2 \"two\" {k=\"v\"}\n"
	for _, enc := range []string{"", "gzip", "zlib", "deflate", "zstd", "snappy"} {
		header := enc
		if enc == "zlib" {
			header = "deflate"
		}
		got, err := lokipush.Decode("application/json", header, bytes.NewReader(compress(t, enc, []byte(body))), small)
		if err != nil || show(got) != want {
			t.Errorf("%q: %v\n%s", enc, err, show(got))
		}
	}
	encoded, err := lokipush.Encode(decode(t, body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"", "snappy"} {
		for _, media := range []string{"", "application/x-protobuf"} {
			got, err := lokipush.Decode(media, header, bytes.NewReader(encoded), small)
			if err != nil || show(got) != want {
				t.Errorf("protobuf %q %q: %v\n%s", media, header, err, show(got))
			}
		}
	}
}

func decode(t testing.TB, json string) []logstore.Stream {
	t.Helper()
	s, err := lokipush.Decode("application/json", "", strings.NewReader(json), lokipush.NewDefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("10.1.2.3: connection reset") }

func TestRefusalsAreTyped(t *testing.T) {
	pb := func(r push.PushRequest) string {
		data, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		return string(snappy.Encode(nil, data))
	}
	stream := func(labels string, n int) push.Stream {
		return push.Stream{Labels: labels, Entries: slices.Repeat([]push.Entry{{Timestamp: time.Unix(1, 0)}}, n)}
	}
	many := strings.Repeat("x", 9000)
	for _, c := range []struct {
		name, media, encoding string
		body                  string
		want                  error
	}{
		{"media type", "text/plain", "", "", lokipush.ErrUnsupported},
		{"media type unreadable", ";;;", "", "", lokipush.ErrUnsupported},
		{"encoding", "application/json", "br", "{}", lokipush.ErrUnsupported},
		{"gzip around protobuf", "application/x-protobuf", "gzip", "", lokipush.ErrUnsupported},
		{"no body", "", "", "", lokipush.ErrMalformed},
		{"not snappy", "", "", "hello, world", lokipush.ErrMalformed},
		{"snappy that lies about its length", "", "", "\xa0\x1f\x00a", lokipush.ErrMalformed},
		{"snappy too long", "", "", string(snappy.Encode(nil, []byte(many))), lokipush.ErrTooLarge},
		{"not protobuf", "", "", string(snappy.Encode(nil, []byte("\x0a\xff"))), lokipush.ErrMalformed},
		{"stream as a number", "", "", string(snappy.Encode(nil, []byte("\x08\x01"))), lokipush.ErrMalformed},
		{"group", "", "", string(snappy.Encode(nil, []byte("\x0b"))), lokipush.ErrMalformed},
		{"no labels", "", "", pb(push.PushRequest{Streams: []push.Stream{stream("{}", 0)}}), lokipush.ErrMalformed},
		{"labels are a selector", "", "", pb(push.PushRequest{Streams: []push.Stream{stream(`{a=~"b"}`, 0)}}), lokipush.ErrMalformed},
		{"labels with a dot", "", "", pb(push.PushRequest{Streams: []push.Stream{stream(`{"a.b"="b"}`, 0)}}), lokipush.ErrMalformed},
		{"labels twice", "", "", pb(push.PushRequest{Streams: []push.Stream{stream(`{a="b",a="c"}`, 0)}}), lokipush.ErrMalformed},
		{"labels not UTF-8", "", "", pb(push.PushRequest{Streams: []push.Stream{stream("{a=\"\xff\"}", 0)}}), lokipush.ErrMalformed},
		{"labels end early", "", "", pb(push.PushRequest{Streams: []push.Stream{stream(`{a="b`, 0)}}), lokipush.ErrMalformed},
		{"streams", "", "", pb(push.PushRequest{Streams: make([]push.Stream, 4)}), lokipush.ErrTooLarge},
		{"entries", "", "", pb(push.PushRequest{Streams: []push.Stream{stream(`{a="b"}`, 3), stream(`{a="c"}`, 3)}}), lokipush.ErrTooLarge},
		{"body", "application/json", "", many, lokipush.ErrTooLarge},
		{"gzip bomb", "application/json", "gzip", string(compress(t, "gzip", []byte(many))), lokipush.ErrTooLarge},
		{"gzip torn", "application/json", "gzip", string(compress(t, "gzip", []byte("{}"))[:20]), lokipush.ErrMalformed},
		{"not gzip", "application/json", "gzip", "{}", lokipush.ErrMalformed},
		{"zstd bomb", "application/json", "zstd", string(compress(t, "zstd", []byte(many))), lokipush.ErrTooLarge},
		{"not zstd", "application/json", "zstd", "{}", lokipush.ErrMalformed},
		{"deflate bomb", "application/json", "deflate", string(compress(t, "deflate", []byte(many))), lokipush.ErrTooLarge},
		{"not deflate", "application/json", "deflate", "\xff\xff", lokipush.ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := lokipush.Decode(c.media, c.encoding, strings.NewReader(c.body), small)
			if !errors.Is(err, c.want) || got != nil {
				t.Errorf("got %v, %d streams; want %v", err, len(got), c.want)
			}
		})
	}
	_, err := lokipush.Decode("", "", brokenReader{}, small)
	if !errors.Is(err, lokipush.ErrRead) || strings.Contains(err.Error(), "10.1.2.3") {
		t.Errorf("broken connection: %v", err)
	}
}

// What a store refuses by itself does not cost the batch that it came with.
func TestSizesAreTheStoresToJudge(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	var metadata []string
	for i := range 300 {
		metadata = append(metadata, fmt.Sprintf(`"m%d":"v"`, i))
	}
	for _, body := range []string{
		`{"streams":[{"stream":{"a":"` + long + `"},"values":[["1","x"]]},{"stream":{"a":"b"},"values":[["1","y"]]}]}`,
		`{"streams":[{"stream":{"` + long + `":"b"},"values":[["1","x"]]},{"stream":{"a":"b"},"values":[["1","y"]]}]}`,
		`{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"m":"` + long + `"}],["1","y"]]}]}`,
		`{"streams":[{"stream":{"a":"b"},"values":[["1","x",{` + strings.Join(metadata, ",") + `}],["1","y"]]}]}`,
	} {
		var entries int
		for _, s := range decode(t, body) {
			entries += len(s.Entries)
		}
		if entries != 2 {
			t.Errorf("%d entries of 2 in %.40s…", entries, body)
		}
	}
	nonsense := `{"streams":[{"stream":{"a":"` + strings.Repeat("x", 2<<20) + `"},"values":[]}]}`
	if _, err := lokipush.Decode("application/json", "", strings.NewReader(nonsense), lokipush.NewDefaultLimits()); !errors.Is(err, lokipush.ErrMalformed) {
		t.Errorf("labels of 2 MiB: %v", err)
	}
}

func TestProtobufTimestampsThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		ts  string // Timestamp's fields
		err error
	}{
		{"\x08\x01\x10\x02", nil},                                   // 1 s, 2 ns
		{"\x08\xff\xff\xff\xff\x7f", lokipush.ErrMalformed},         // 34 thousand million seconds
		{"\x08\x01\x10\x80\x94\xeb\xdc\x03", lokipush.ErrMalformed}, // 1e9 ns
		{"\x0a\x00", lokipush.ErrMalformed},
	} {
		entry := "\x0a" + string(rune(len(c.ts))) + c.ts
		stream := "\x0a\x07{a=\"b\"}\x12" + string(rune(len(entry))) + entry
		req := "\x0a" + string(rune(len(stream))) + stream
		got, err := lokipush.Decode("", "", bytes.NewReader(snappy.Encode(nil, []byte(req))), small)
		if !errors.Is(err, c.err) {
			t.Errorf("%q: %v, want %v", c.ts, err, c.err)
		}
		if c.err == nil && (len(got) != 1 || got[0].Entries[0].Timestamp != 1_000_000_002) {
			t.Errorf("%q: %s", c.ts, show(got))
		}
	}
}
