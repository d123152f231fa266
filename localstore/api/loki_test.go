package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

var updateLoki = flag.Bool("update-loki", false, "rewrite the expected answers of Loki's API")

// The clock of these tests stands still, so that execTime is zero.
var lokiNow = time.Unix(1700000600, 0)

// Every testdata/loki/*.txtar holds a file "logs" (a line is the time in
// seconds, the stream, the structured metadata, the line) and then requests:
// method and path, a parameter or a header on each line, a line of dashes, the
// status with the type, the body. The store is the real one; the answers hold
// with the logs in its head as well as in its blocks, and in both.
func TestLokiAnswersExactly(t *testing.T) {
	paths, err := filepath.Glob("testdata/loki/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			ar := txtar.Parse(data)
			require.Equal(t, "logs", ar.Files[0].Name)
			logs := string(ar.Files[0].Data)
			for _, lies := range []struct {
				in string
				h  http.Handler
			}{{"blocks", serveLogs(t, logs, inBlocks)}, {"both", serveLogs(t, logs, inBoth)}, {"head", serveLogs(t, logs, inHead)}} {
				for i, f := range ar.Files[1:] {
					t.Run(f.Name+" in "+lies.in, func(t *testing.T) {
						ask, want, _ := strings.Cut(string(f.Data), "----\n")
						got := chunks.ReplaceAllString(askLoki(t, lies.h, ask), "${1}0")
						ar.Files[i+1].Data = []byte(ask + "----\n" + got)
						if !*updateLoki {
							require.Equal(t, want, got)
						}
					})
				}
			}
			if *updateLoki {
				require.NoError(t, os.WriteFile(path, txtar.Format(ar), 0o644))
			}
		})
	}
}

// How many of a number of entries are written to blocks before the others come.
func inHead(int) int     { return 0 }
func inBoth(n int) int   { return n / 2 }
func inBlocks(n int) int { return n }

func serveLogs(t testing.TB, text string, blocks func(n int) int) http.Handler {
	t.Helper()
	now := func() time.Time { return lokiNow }
	store, err := logstore.Open(vfs.NewMem(), "logs", logstore.Options{Now: now, MaintainEvery: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	var streams []logstore.Stream
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		at, rest, _ := strings.Cut(sc.Text(), " ")
		seconds, err := strconv.ParseInt(at, 10, 64)
		require.NoError(t, err, sc.Text())
		parts := strings.SplitN(rest, "} ", 3)
		require.Len(t, parts, 3, sc.Text())
		stream, err := parser.ParseMetric(parts[0] + "}")
		require.NoError(t, err)
		metadata, err := parser.ParseMetric(parts[1] + "}")
		require.NoError(t, err)
		line := parts[2]
		if unquoted, err := strconv.Unquote(line); err == nil {
			line = unquoted
		}
		streams = append(streams, logstore.Stream{Labels: stream, Entries: []logstore.Entry{
			{Timestamp: seconds * int64(time.Second), Line: line, Metadata: metadata},
		}})
	}
	add := func(part []logstore.Stream) {
		res, err := store.Append(context.Background(), part)
		require.NoError(t, err)
		require.Equal(t, len(part), res.Accepted)
	}
	n := blocks(len(streams))
	add(streams[:n])
	require.NoError(t, store.Flush(context.Background()))
	add(streams[n:])
	require.Equal(t, n > 0, store.Stats().Blocks > 0)
	require.Equal(t, n < len(streams), store.Stats().HeadBytes > 0)
	return newLoki(store, logql.NewEngine(store, logql.Options{Now: now}), now)
}

func askLoki(t *testing.T, h http.Handler, ask string) string {
	lines := strings.Split(strings.TrimSpace(ask), "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	form, header := url.Values{}, http.Header{}
	for _, l := range lines[1:] {
		if name, value, ok := strings.Cut(l, ": "); ok && strings.HasPrefix(l, "X-") {
			header.Set(name, value)
			continue
		}
		name, value, ok := strings.Cut(l, "=")
		require.True(t, ok, l)
		form.Add(name, value)
	}
	target, body := "/loki/api/v1/"+path, ""
	if method == "POST" {
		body = form.Encode()
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else if len(form) > 0 {
		target += "?" + form.Encode()
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	out := w.Body.String()
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		require.True(t, json.Valid(w.Body.Bytes()), out)
	}
	if header.Get("X-Statistics") == "" {
		out = statistics.ReplaceAllString(out, `"stats":{}}}`)
	}
	return strconv.Itoa(w.Code) + " " + w.Header().Get("Content-Type") + "\n" + out
}

// statistics are shown by one request, which says so by a header of its own; in
// the others they would hide the answer.
var statistics = regexp.MustCompile(`"stats":\{.*\}\}`)

// chunks are counted where there are blocks alone.
var chunks = regexp.MustCompile(`("totalChunks(?:Ref|Downloaded)":)\d+`)

func TestLokiSaysWhichVersionItSpeaks(t *testing.T) {
	w := httptest.NewRecorder()
	serveLogs(t, `1700000000 {app="a"} {} hello`, inHead).ServeHTTP(w, httptest.NewRequest("GET", "/loki/api/v1/status/buildinfo", nil))
	var info map[string]string
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &info))
	require.Equal(t, "3.7.0", info["version"])
	for _, key := range []string{"revision", "branch", "buildUser", "buildDate", "goVersion"} {
		require.Contains(t, info, key)
	}
}

func TestLokiCompressesForThoseWhoAccept(t *testing.T) {
	h := serveLogs(t, `1700000000 {app="a"} {} hello`, inHead)
	get := func(accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/loki/api/v1/labels", nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const want = `{"status":"success","data":["app"]}` + "\n"
	for _, accept := range []string{"gzip", "deflate, gzip;q=1.0"} {
		w := get(accept)
		require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
		z, err := gzip.NewReader(w.Body)
		require.NoError(t, err)
		body, err := io.ReadAll(z)
		require.NoError(t, err)
		require.Equal(t, want, string(body))
	}
	for _, accept := range []string{"", "identity", "gzip;q=0"} {
		w := get(accept)
		require.Empty(t, w.Header().Get("Content-Encoding"))
		require.Equal(t, want, w.Body.String())
	}
}

func TestAnyStringIsValidJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "q\"b\\", "\x00\x1f\x7f", "\n\r\t", "é日\u2028", "bad\xffutf\xc3", "\xff"} {
		var got string
		require.NoError(t, json.Unmarshal(answer{}.str(s), &got), "%q", s)
		require.Equal(t, string(bytes.ToValidUTF8([]byte(s), []byte("\uFFFD"))), got)
	}
}

func TestLokiReadsTimesAsDocumented(t *testing.T) {
	for s, want := range map[string]int64{
		"1700000000":                     1700000000e9,
		"1700000000.5":                   1700000000.5e9,
		"1700000000000000001":            1700000000000000001,
		"2023-11-14T22:13:20Z":           1700000000e9,
		"2023-11-14T22:13:20.000000007Z": 1700000000e9 + 7,
	} {
		got, err := parseTime(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got.UnixNano(), s)
	}
	_, err := parseTime("yesterday")
	require.Error(t, err)
}
