package api

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

func tailedStore(t *testing.T) (*logstore.Store, *httptest.Server) {
	store, err := logstore.Open(vfs.NewMem(), "logs", logstore.Options{MaintainEvery: -1})
	require.NoError(t, err)
	server := httptest.NewServer(Loki(store, logql.NewEngine(store, logql.Options{})))
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, store.Close())
	})
	return store, server
}

func put(t *testing.T, store *logstore.Store, at time.Time, lines ...string) {
	t.Helper()
	s := logstore.Stream{Labels: labels.FromStrings("app", "a")}
	for i, l := range lines {
		s.Entries = append(s.Entries, logstore.Entry{Timestamp: at.UnixNano() + int64(i), Line: l})
	}
	_, err := store.Append(context.Background(), []logstore.Stream{s})
	require.NoError(t, err)
}

func dial(t *testing.T, server *httptest.Server, query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+"/loki/api/v1/tail?"+query, header)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	return conn, resp, err
}

func TestATailGivesWhatWasThereAndWhatComesOnce(t *testing.T) {
	store, server := tailedStore(t)
	now := time.Now()
	put(t, store, now.Add(-time.Minute), "no", "yes 1")
	conn, _, err := dial(t, server, `query={app="a"}|="yes"`, nil)
	require.NoError(t, err)
	read := func() string {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
		_, b, err := conn.ReadMessage()
		require.NoError(t, err)
		return string(b)
	}
	want := func(at time.Time, line string) string {
		return fmt.Sprintf(`{"streams":[{"stream":{"app":"a"},"values":[["%d",%q]]}]}`, at.UnixNano(), line)
	}
	require.Equal(t, want(now.Add(-time.Minute).Add(1), "yes 1"), read())
	put(t, store, now, "yes 2", "no")
	require.Equal(t, want(now, "yes 2"), read())
	put(t, store, now.Add(-5*time.Second), "yes, late")
	require.Equal(t, want(now.Add(-5*time.Second), "yes, late"), read())
}

func TestATailNamesWhatItDrops(t *testing.T) {
	store, server := tailedStore(t)
	lines := make([]string, 1003)
	for i := range lines {
		lines[i] = fmt.Sprint("line ", i)
	}
	now := time.Now()
	put(t, store, now, lines...)
	conn, _, err := dial(t, server, `query={app="a"}`, nil)
	require.NoError(t, err)
	_, b, err := conn.ReadMessage()
	require.NoError(t, err)
	require.NotContains(t, string(b), `"line 2"`)
	require.Contains(t, string(b), `"line 3"`)
	require.Contains(t, string(b), fmt.Sprintf(`"dropped_entries":[{"labels":{"app":"a"},"timestamp":"%d"},`, now.UnixNano()+2))
}

func TestTailsAreRefusedBeforeTheyBegin(t *testing.T) {
	_, server := tailedStore(t)
	for query, code := range map[string]int{
		`query={app=`:                         400,
		`query=rate({app="a"}[1m])`:           400,
		`query={app="a"}&start=nonsense`:      400,
		`query={app="a"}&delay_for=6`:         400,
		`query={app="a"}&limit=-1`:            400,
		`query={app="a"}|line_format"{{.x"`:   400,
		`query={app="a"}&delay_for=not-a-sec`: 400,
	} {
		_, resp, err := dial(t, server, query, nil)
		require.Error(t, err, query)
		require.Equal(t, code, resp.StatusCode, query)
	}
	_, resp, err := dial(t, server, `query={app="a"}`, http.Header{"Origin": {"https://evil.example"}})
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	for range maxTails {
		_, _, err := dial(t, server, `query={app="a"}`, nil)
		require.NoError(t, err)
	}
	_, resp, err = dial(t, server, `query={app="a"}`, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
}

// scanned counts the looks into the store.
type scanned struct {
	LogStore
	looks chan struct{}
}

func (s scanned) Iterate(ctx context.Context, sel logstore.Selection) logstore.Iterator {
	select {
	case s.looks <- struct{}{}:
	default:
	}
	return s.LogStore.Iterate(ctx, sel)
}

func TestATailEndsWithItsClient(t *testing.T) {
	store, _ := tailedStore(t)
	s := scanned{store, make(chan struct{}, 1)}
	server := httptest.NewServer(Loki(s, logql.NewEngine(s, logql.Options{})))
	defer server.Close()
	conn, _, err := dial(t, server, `query={app="a"}`, nil)
	require.NoError(t, err)
	<-s.looks
	<-s.looks
	require.NoError(t, conn.NetConn().(*net.TCPConn).SetLinger(0))
	require.NoError(t, conn.Close())
	require.Eventually(t, func() bool {
		select {
		case <-s.looks:
			return false
		case <-time.After(2 * tailEvery):
			return true
		}
	}, 10*time.Second, time.Millisecond)
}

// endless never comes to an end by itself; ended tells when somebody told it to.
type endless struct {
	LogStore
	began, ended chan struct{}
}

func (e endless) ScanParts(_ context.Context, _ logstore.Selection, visit ...func(int, *logstore.Record) error) error {
	close(e.began)
	defer close(e.ended)
	r := logstore.Record{Stream: labels.FromStrings("app", "a"), Timestamp: 1, Line: []byte("x")}
	for {
		if err := visit[0](0, &r); err != nil {
			return err
		}
	}
}

func TestAQueryEndsWithItsClient(t *testing.T) {
	store, _ := tailedStore(t)
	e := endless{store, make(chan struct{}), make(chan struct{})}
	server := httptest.NewServer(Loki(e, logql.NewEngine(e, logql.Options{})))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/loki/api/v1/query?"+url.Values{"query": {`rate({app="a"}[1m])`}}.Encode(), nil)
	require.NoError(t, err)
	go func() {
		<-e.began
		cancel()
	}()
	_, err = http.DefaultClient.Do(req)
	require.ErrorIs(t, err, context.Canceled)
	select {
	case <-e.ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the query goes on without its client")
	}
}
