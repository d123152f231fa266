package lokireceiver

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/xconfmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"pgregory.net/rapid"

	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/otlplogs"
	"github.com/weir-telemetry/weir/receivers/lokireceiver/internal/metadata"
	"github.com/weir-telemetry/weir/receivers/lokireceiver/internal/metadatatest"
)

func settings() receiver.Settings { return receivertest.NewNopSettings(metadata.Type) }

func load(t *testing.T, yaml map[string]any) (*Config, error) {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, confmap.NewFromStringMap(yaml).Unmarshal(cfg))
	return cfg, xconfmap.Validate(cfg)
}

// listening is a receiver with a listener of its own, and the address of its
// push endpoint.
func listening(t *testing.T, set receiver.Settings, next consumer.Logs) (*lokiReceiver, string) {
	t.Helper()
	cfg, err := load(t, map[string]any{
		"http":   map[string]any{"endpoint": "127.0.0.1:0"},
		"limits": map[string]any{"compressed_bytes": 10_000, "decompressed_bytes": 20_000},
	})
	require.NoError(t, err)
	l, err := NewFactory().CreateLogs(t.Context(), set, cfg, next)
	require.NoError(t, err)
	require.NoError(t, l.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, l.Shutdown(context.Background())) })
	r := l.(*lokiReceiver)
	return r, "http://" + r.addr.String() + lokipush.Path
}

func post(t *testing.T, url, media, encoding string, body []byte) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", media)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(text)
}

func TestAListenerOfItsOwnIsOpenToThisMachineAlone(t *testing.T) {
	for endpoint, ok := range map[string]bool{"127.0.0.1:3100": true, "[::1]:3100": true, "0.0.0.0:3100": false, ":3100": false, "10.0.0.1:3100": false} {
		_, err := load(t, map[string]any{"http": map[string]any{"endpoint": endpoint}})
		if ok {
			require.NoError(t, err, endpoint)
		} else {
			require.ErrorContains(t, err, "http::auth", endpoint)
		}
		_, err = load(t, map[string]any{"http": map[string]any{"endpoint": endpoint, "auth": map[string]any{"authenticator": "basicauth"}}})
		require.NoError(t, err, endpoint)
	}
}

const push = `{"streams":[{"stream":{"job":"shop","service_name":"api"},"values":[["1700000000000000000","paid"],["1700000000000000001","sent",{"trace_id":"abc"}]]}]}`

func zipped(t *testing.T, s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, s)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestWhatIsPushedReachesThePipelineBeforeTheAnswer(t *testing.T) {
	sink := &consumertest.LogsSink{}
	_, url := listening(t, settings(), sink)
	streams, err := lokipush.Decode("application/json", "", strings.NewReader(push), lokipush.NewDefaultLimits())
	require.NoError(t, err)
	pb, err := lokipush.Encode(streams)
	require.NoError(t, err)
	for i, c := range []struct {
		media, encoding string
		body            []byte
	}{
		{"application/json", "", []byte(push)},
		{"application/json", "gzip", zipped(t, push)},
		{"application/x-protobuf", "", pb},
		{"application/x-protobuf", "snappy", pb},
	} {
		resp, text := post(t, url, c.media, c.encoding, c.body)
		require.Equal(t, http.StatusNoContent, resp.StatusCode, text)
		all := sink.AllLogs()
		require.Len(t, all, i+1)
		rl := all[i].ResourceLogs().At(0)
		require.Equal(t, map[string]any{"job": "shop", "service_name": "api"}, rl.Resource().Attributes().AsRaw())
		require.Equal(t, "github.com/weir-telemetry/weir/receivers/lokireceiver", rl.ScopeLogs().At(0).Scope().Name())
		rec := rl.ScopeLogs().At(0).LogRecords().At(1)
		require.EqualValues(t, 1700000000000000001, rec.Timestamp())
		require.Equal(t, "sent", rec.Body().Str())
		require.Equal(t, map[string]any{"trace_id": "abc", "detected_level": "unknown"}, rec.Attributes().AsRaw())
	}
	resp, _ := post(t, url, "application/json", "", []byte(`{"streams":[]}`))
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Len(t, sink.AllLogs(), 4, "nothing is passed on for nothing")
	resp, err = http.Get(url)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
}

func TestRefusalsSayWhereAndNeverWhat(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	_, url := listening(t, metadatatest.NewSettings(tel), consumertest.NewNop())
	const canary = "canary-4711"
	for _, c := range []struct {
		media, encoding string
		body            []byte
		code            int
		text            string
	}{
		{"application/json", "", []byte(`{"streams":[{"stream":{"a.b":"` + canary + `"}}]}`), 400, "malformed push request: label name at byte 43"},
		{"application/json", "", []byte(`{"streams":"` + canary + `"}`), 400, "malformed push request: want an array at byte 11"},
		{"application/x-protobuf", "", []byte(canary), 400, "malformed push request"},
		{"text/" + canary, "", []byte(push), 415, "unsupported content type or encoding"},
		{"application/json", canary, []byte(push), 415, "unsupported content type or encoding"},
		{"application/json", "", bytes.Repeat([]byte(canary), 1000), 413, "push request too large: more than 10000 bytes of body"},
		{"application/json", "gzip", zipped(t, strings.Repeat(canary, 2000)), 413, "push request too large: more than 20000 bytes after decompression"},
	} {
		resp, text := post(t, url, c.media, c.encoding, c.body)
		require.Equal(t, c.code, resp.StatusCode, text)
		require.Contains(t, text, c.text)
		require.NotContains(t, text, canary)
		require.Empty(t, resp.Header.Get("Retry-After"))
	}
	point := func(reason string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attribute.String("reason", reason))}
	}
	metadatatest.AssertEqualLokiReceiverRefusedRequests(t, tel, []metricdata.DataPoint[int64]{
		point("malformed", 3), point("unsupported", 2), point("too_large", 2),
	}, metricdatatest.IgnoreTimestamp())
}

func TestPipelineErrorsBecomeAnswersWithoutTheirText(t *testing.T) {
	const canary = "customer@example.com"
	plain := errors.New(canary)
	for _, c := range []struct {
		err   error
		code  int
		retry bool
	}{
		{plain, 503, true},
		{consumererror.NewPermanent(plain), 500, false},
		{consumererror.NewRetryableError(plain), 503, true},
		{consumererror.NewOTLPHTTPError(plain, 429), 429, true},
		{consumererror.NewOTLPHTTPError(plain, 400), 500, false},
		{status.Error(codes.ResourceExhausted, canary), 429, true},
		{fmt.Errorf("wrapped: %w", context.DeadlineExceeded), 503, true},
	} {
		tel := componenttest.NewTelemetry()
		_, url := listening(t, metadatatest.NewSettings(tel), consumertest.NewErr(c.err))
		resp, text := post(t, url, "application/json", "", []byte(push))
		require.Equal(t, c.code, resp.StatusCode, c.err)
		require.Equal(t, c.retry, resp.Header.Get("Retry-After") != "", c.err)
		require.NotContains(t, text, canary)
		for _, span := range tel.SpanRecorder.Ended() {
			require.NotContains(t, fmt.Sprint(span.Status(), span.Attributes(), span.Events()), canary)
		}
		m, err := tel.GetMetric("otelcol_receiver_refused_log_records")
		require.NoError(t, err)
		require.EqualValues(t, 2, m.Data.(metricdata.Sum[int64]).DataPoints[0].Value)
		require.NoError(t, tel.Shutdown(context.Background()))
	}
}

type store struct {
	component.Component
	mux *http.ServeMux
	err error
}

func (s *store) Mount(pattern string, h http.Handler) error {
	if s.err == nil {
		s.mux.Handle(pattern, h)
	}
	return s.err
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func TestTheHandlerIsMountedOnTheLocalStore(t *testing.T) {
	cfg, err := load(t, map[string]any{"local_store": "local_store/main"})
	require.NoError(t, err)
	id := component.MustNewIDWithName("local_store", "main")
	sink := &consumertest.LogsSink{}
	create := func() receiver.Logs {
		l, err := NewFactory().CreateLogs(t.Context(), settings(), cfg, sink)
		require.NoError(t, err)
		return l
	}
	require.ErrorContains(t, create().Start(t.Context(), host{}), "local_store/main does not run")
	require.ErrorContains(t, create().Start(t.Context(), host{id: nil}), "is no local store")
	require.ErrorContains(t, create().Start(t.Context(), host{id: &store{err: errors.New("taken")}}), "taken")

	s := &store{mux: http.NewServeMux()}
	l := create()
	require.NoError(t, l.Start(t.Context(), host{id: s}))
	server := httptest.NewServer(s.mux)
	defer server.Close()
	resp, _ := post(t, server.URL+lokipush.Path, "application/json", "", []byte(push))
	require.Equal(t, http.StatusNoContent, resp.StatusCode)

	// The listener outlives the receiver.
	require.NoError(t, l.Shutdown(t.Context()))
	resp, _ = post(t, server.URL+lokipush.Path, "application/json", "", []byte(push))
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.NotEmpty(t, resp.Header.Get("Retry-After"))
	require.Len(t, sink.AllLogs(), 1)
}

func TestRequestsAreBoundedInNumber(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	next, err := consumer.NewLogs(func(context.Context, plog.Logs) error {
		entered <- struct{}{}
		<-leave
		return nil
	})
	require.NoError(t, err)
	cfg, err := load(t, map[string]any{"local_store": "local_store", "max_concurrent_requests": 1})
	require.NoError(t, err)
	r, err := newReceiver(settings(), cfg, next)
	require.NoError(t, err)
	r.patience = 10 * time.Millisecond
	request := func(code chan<- int) {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, lokipush.Path, strings.NewReader(push))
		req.Header.Set("Content-Type", "application/json")
		r.handler(pushEndpoint).ServeHTTP(w, req)
		code <- w.Code
	}
	first, second, third := make(chan int, 1), make(chan int, 1), make(chan int, 1)
	go request(first)
	<-entered
	go request(second)
	require.Equal(t, http.StatusTooManyRequests, <-second)

	r.patience = time.Hour
	go request(third)
	leave <- struct{}{}
	require.Equal(t, http.StatusNoContent, <-first)
	<-entered // the third got the slot

	// A shutdown waits for what is being served, as long as it may.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, r.Shutdown(ctx), "did not end in time")
	leave <- struct{}{}
	require.Equal(t, http.StatusNoContent, <-third)
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestABodyThatBreaksOffIsAskedForAgain(t *testing.T) {
	_, url := listening(t, settings(), consumertest.NewNop())
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), lokipush.Path)
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", lokipush.Path)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(answer), "503 Service Unavailable")
	require.Contains(t, string(answer), "Retry-After: 2")
}

// What was pushed is what the local store gets.
func TestOTLPIsARoundTrip(t *testing.T) {
	require.Empty(t, toLogs([]logstore.Stream{{Labels: labels.FromStrings("a", "b")}}).ResourceLogs().Len())
	rapid.Check(t, func(t *rapid.T) {
		var want []logstore.Stream
		for i := range rapid.IntRange(0, 3).Draw(t, "streams") {
			s := logstore.Stream{Labels: labels.FromStrings("a", fmt.Sprint(i), "service_name", rapid.StringN(1, 5, -1).Draw(t, "value"))}
			for range rapid.IntRange(1, 3).Draw(t, "entries") {
				e := logstore.Entry{Timestamp: rapid.Int64Range(0, 1<<62).Draw(t, "time"), Line: rapid.String().Draw(t, "line")}
				// What the receiver would add is given here; that it adds is another test.
				e.Metadata = labels.FromStrings("detected_level", "info")
				if rapid.Bool().Draw(t, "has metadata") {
					e.Metadata = labels.FromStrings("detected_level", "info", "trace.id", rapid.StringN(1, 5, -1).Draw(t, "value"))
				}
				s.Entries = append(s.Entries, e)
			}
			want = append(want, s)
		}
		got := otlplogs.Streams(toLogs(want))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

func TestConfigFaultsComeTogether(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	_, err := load(t, map[string]any{"local_store": "local_store", "http": map[string]any{}, "limits": map[string]any{"streams": 0}, "max_concurrent_requests": -1})
	require.ErrorContains(t, err, "local_store and http are both set")
	require.ErrorContains(t, err, "limits::streams is 0")
	require.ErrorContains(t, err, "max_concurrent_requests is -1")
	_, err = load(t, map[string]any{})
	require.ErrorContains(t, err, "neither local_store nor http is set")
}

func TestAPortInUseIsOneClearLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	cfg, err := load(t, map[string]any{"http": map[string]any{"endpoint": taken.Addr().String()}})
	require.NoError(t, err)
	l, err := NewFactory().CreateLogs(t.Context(), settings(), cfg, consumertest.NewNop())
	require.NoError(t, err)
	err = l.Start(t.Context(), componenttest.NewNopHost())
	require.ErrorContains(t, err, "listen on "+taken.Addr().String()+" for Loki push")
	require.NoError(t, l.Shutdown(t.Context()))
}
