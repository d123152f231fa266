package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPortInUseIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	taken := l.Addr().String()
	err = run(context.Background(), []string{"free", "127.0.0.1:0", taken}, io.Discard, io.Discard)
	require.ErrorContains(t, err, taken+" is in use")
	require.NotContains(t, err.Error(), "\n", "one line for one port")
	require.NoError(t, l.Close())
	require.NoError(t, run(context.Background(), []string{"free", taken}, io.Discard, io.Discard))
}

func TestReadyWaitsUntilEverybodyIs(t *testing.T) {
	var asked atomic.Int32
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/ready", r.URL.Path)
		if asked.Add(1) < 3 {
			http.Error(w, "reading the WAL", http.StatusServiceUnavailable)
		}
	}))
	defer slow.Close()
	require.NoError(t, run(context.Background(), []string{"ready", "-timeout", "5s", slow.URL}, io.Discard, io.Discard))
	require.EqualValues(t, 3, asked.Load())

	asked.Store(-1000)
	err := run(context.Background(), []string{"ready", "-timeout", "50ms", slow.URL}, io.Discard, io.Discard)
	require.ErrorContains(t, err, slow.URL+" is not ready")
}
