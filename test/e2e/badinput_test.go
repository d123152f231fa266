package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/golang/snappy"
)

func TestMalformedTelemetryGetsAReasonAndNoEcho(t *testing.T) {
	e := newEdge(t, "").start()
	garbage := []byte("\xff\xfe" + slot("garbage"))
	for _, c := range []struct {
		name, url, contentType string
		body                   []byte
		header                 []string
		status                 []int
	}{
		{"OTLP logs, not protobuf", "http://" + e.otlp + "/v1/logs", protobuf, garbage, nil, []int{400}},
		{"OTLP metrics, not protobuf", "http://" + e.otlp + "/v1/metrics", protobuf, garbage, nil, []int{400}},
		{"OTLP traces, not JSON", "http://" + e.otlp + "/v1/traces", "application/json", []byte(`{"resourceSpans": [` + slot("json")), nil, []int{400}},
		{"OTLP, wrong content type", "http://" + e.otlp + "/v1/logs", "text/plain", []byte("x"), nil, []int{415}},
		{"push, not JSON", "http://" + e.api + "/loki/api/v1/push", "application/json", []byte(`{"streams": [{"stream": {` + slot("push")), nil, []int{400}},
		{"push, not snappy", "http://" + e.api + "/loki/api/v1/push", protobuf, garbage, nil, []int{400}},
		{"push, snappy but not protobuf", "http://" + e.api + "/loki/api/v1/push", protobuf, snappy.Encode(nil, garbage), nil, []int{400}},
		{"push, no labels", "http://" + e.api + "/loki/api/v1/push", "application/json", []byte(`{"streams":[{"stream":{},"values":[["1","x"]]}]}`), nil, []int{400}},
		{"push, a label that is none", "http://" + e.api + "/loki/api/v1/push", "application/json", []byte(`{"streams":[{"stream":{"a b":"c"},"values":[["1","x"]]}]}`), nil, []int{400}},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, text := post(t, c.url, c.contentType, c.body, c.header...)
			ok := false
			for _, s := range c.status {
				ok = ok || status == s
			}
			if !ok || strings.TrimSpace(text) == "" {
				t.Errorf("status %d, want %v, with a reason; text %q", status, c.status, text)
			}
			// The stock OTLP receiver quotes to a sender what it sent, no further.
			if strings.HasPrefix(c.url, "http://"+e.api) {
				wantNoCanary(t, "the answer", []byte(text))
			}
		})
	}
	e.stop()
	wantNoCanary(t, "what the edge says", []byte(e.out.String()))
}

// A body that is too large, or that unpacks to something too large, is refused
// before it costs memory.
func TestOversizedBodiesAreRefusedWithBoundedMemory(t *testing.T) {
	e := newEdge(t, "").start()
	before := e.peakMB()
	var bomb bytes.Buffer
	zw := gzip.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 1024 { // 1 GiB
		if _, err := zw.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), 40<<20)
	// A snappy header that claims 4 GiB - 1, and a few bytes.
	claim := []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0}

	for range 3 {
		for _, c := range []struct {
			name, url, contentType string
			body                   []byte
			header                 []string
		}{
			{"OTLP bomb", "http://" + e.otlp + "/v1/logs", protobuf, bomb.Bytes(), []string{"Content-Encoding", "gzip"}},
			{"OTLP large", "http://" + e.otlp + "/v1/logs", protobuf, large, nil},
			{"push bomb", "http://" + e.api + "/loki/api/v1/push", "application/json", bomb.Bytes(), []string{"Content-Encoding", "gzip"}},
			{"push large", "http://" + e.api + "/loki/api/v1/push", "application/json", large, nil},
			{"OTLP claim", "http://" + e.otlp + "/v1/logs", protobuf, claim, []string{"Content-Encoding", "snappy"}},
			{"push claim, named as an encoding", "http://" + e.api + "/loki/api/v1/push", protobuf, claim, []string{"Content-Encoding", "snappy"}},
			{"push claim", "http://" + e.api + "/loki/api/v1/push", protobuf, claim, nil},
		} {
			status, text := post(t, c.url, c.contentType, c.body, c.header...)
			// A server may also close the connection on a sender that goes on.
			if status != 400 && status != 413 && !(status == 0 && strings.Contains(text, "connection reset") || strings.Contains(text, "broken pipe")) {
				t.Errorf("%s: status %d %q, want it refused", c.name, status, text[:min(len(text), 200)])
			}
		}
	}
	if grown := e.peakMB() - before; grown > 250 {
		t.Errorf("peak memory grew by %d MB", grown)
	}
	if status, text := post(t, "http://"+e.otlp+"/v1/logs", protobuf, otlpLines(t, []string{"still alive"})); status != 200 {
		t.Errorf("afterwards: %d %s", status, text)
	}
	e.stop()
}

// peakMB is the most memory the process ever had resident.
func (n *node) peakMB() int {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.cmd.Process.Pid))
	if err != nil {
		n.t.Fatal(err)
	}
	for _, l := range strings.Split(string(status), "\n") {
		var kb int
		if _, err := fmt.Sscanf(l, "VmHWM: %d kB", &kb); err == nil {
			return kb / 1024
		}
	}
	n.t.Fatal("no VmHWM")
	return 0
}

func TestAWrongConfigurationIsAnsweredWithEveryFault(t *testing.T) {
	e := newEdge(t, "")
	e.launch(
		"--config=yaml:extensions::local_store::http::endpoint: 0.0.0.0:7070",
		"--config=yaml:connectors::vitals::interval: -1s",
		"--config=yaml:exporters::upstream::timeout: -1s",
	)
	if exit := e.waitExit(); exit != 1 {
		t.Errorf("exit code %d, want 1", exit)
	}
	for _, want := range []string{"extensions::local_store", "connectors::vitals", "exporters::upstream"} {
		if !strings.Contains(e.out.String(), want) {
			t.Errorf("the answer does not name %s:\n%s", want, e.out.String())
		}
	}
}

func TestWhatStopsTheStartIsSaidInOneLine(t *testing.T) {
	first := newEdge(t, "").start()
	for name, c := range map[string]struct {
		change func(e *node)
		want   []string
	}{
		"the port of the APIs is taken": {func(e *node) { e.env = append(e.env, "WEIR_LISTEN="+first.api) }, []string{first.api, "in use"}},
		"an OTLP port is taken":         {func(e *node) { e.env = append(e.env, "WEIR_OTLP_HTTP="+first.otlp) }, []string{first.otlp, "in use"}},
		"the data folder is taken":      {func(e *node) { e.env = append(e.env, "WEIR_DATA="+first.data) }, []string{first.data, "in use by another process"}},
		"the data folder is a file": {func(e *node) {
			if err := os.WriteFile(e.data, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"not a directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, "")
			c.change(e)
			e.launch()
			if exit := e.waitExit(); exit != 1 {
				t.Errorf("exit code %d, want 1", exit)
			}
			said := strings.TrimSpace(e.out.String())
			last := said[strings.LastIndex(said, "\n")+1:]
			for _, want := range c.want {
				if !strings.Contains(last, want) {
					t.Errorf("the last line does not say %q: %s", want, last)
				}
			}
		})
	}
	first.stop()
}

// After a crash the edge says how much it reads again; where that takes longer
// than two seconds it says how far it is (extensions/localstoreextension).
func TestAStartAfterACrashSaysWhatItReadsAgain(t *testing.T) {
	e := newEdge(t, "").start()
	line := strings.Repeat("a line that is long enough to fill a log ", 20)
	var lines []string
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("%s %d", line, i))
	}
	for range 8 { // some 32 MB
		if status, text := post(t, "http://"+e.otlp+"/v1/logs", protobuf, otlpLines(t, lines)); status != 200 {
			t.Fatalf("logs: %d %s", status, text)
		}
	}
	e.kill()
	e.out = &output{}
	e.start()
	said := regexp.MustCompile(`write-ahead logs are read again.*logs_bytes=[1-9]`)
	if !said.MatchString(e.out.String()) {
		t.Errorf("nothing is said of the log that was read again:\n%s", e.out.String())
	}
	e.stop()
}
