package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestReadyIsWhatTheStoreAnswers(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ready" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	listen := map[string]string{"WEIR_LISTEN": strings.TrimPrefix(server.URL, "http://")}
	out, _, code := with(listen, "ready")
	assert.Equal(t, exitYes, code)
	assert.Equal(t, "ready\n", out)
	_, _, code = with(nil, "ready", "--url", server.URL+"/")
	assert.Equal(t, exitYes, code)
	status = http.StatusServiceUnavailable
	_, said, code := with(listen, "ready")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, said, "answers with 503")
	server.Close()
	_, said, code = with(listen, "ready")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, said, "nobody answers at http://127.0.0.1:")
	for _, bad := range [][]string{{"x"}, {"--url", "127.0.0.1:1"}, {"--url", "ftp://a"}} {
		_, _, code = with(nil, append([]string{"ready"}, bad...)...)
		assert.Equal(t, exitError, code, bad)
	}
}
