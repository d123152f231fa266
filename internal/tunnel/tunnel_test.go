package tunnel

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxied is a Dial to a proxy that reads a request and says something.
func proxied(says string, asked *http.Request) Dial {
	return func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			r, err := http.ReadRequest(bufio.NewReader(there))
			if err != nil {
				return // it was not asked after all
			}
			if asked != nil {
				*asked = *r
			}
			_, _ = io.WriteString(there, says)
		}()
		return here, nil
	}
}

// An answer other than yes is a word that holds nothing of the answer's text.
func TestTheProxysAnswerIsAStatusAndNothingElse(t *testing.T) {
	const secret = "secret"
	notHTTP := "the proxy did not answer: " + ErrNotHTTP.Error()
	for says, want := range map[string]string{
		"HTTP/1.1 200 OK\r\n\r\n":                                               "",
		"HTTP/1.1 407 " + secret + "\r\n\r\n":                                   "the proxy denies the connection: it answered 407",
		"HTTP/1.1 403 " + secret + "\r\n\r\n":                                   "the proxy denies the connection: it answered 403",
		"HTTP/1.1 502 " + secret + "\r\nX: " + secret + "\r\n\r\n" + secret:     "the proxy answered 502",
		"HTTP/1.1 103 " + secret + "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n":            "",
		secret + "\r\n\r\n":                                                     notHTTP,
		strings.Repeat("HTTP/1.1 103 "+secret+"\r\n\r\n", maxHints):             notHTTP,
		"HTTP/1.1 200 OK\r\n\r\n" + secret:                                      "the proxy spoke out of turn",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat(secret, maxHead) + "\r\n\r\n": notHTTP,
	} {
		p := &Proxy{Address: "proxy:3128", UserAgent: "weir"}
		conn, err := p.Connect(t.Context(), proxied(says, nil), "fleet:443")
		if want == "" {
			require.NoError(t, err)
			conn.Close()
			continue
		}
		assert.EqualError(t, err, want)
		assert.Equal(t, strings.Contains(want, "denies"), errors.Is(err, ErrDenied), want)
	}
}

func TestTheProxyHearsTheAddressAndWhoAsks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("open:sesame\n"), 0o600))
	var asked http.Request
	p := &Proxy{Address: "proxy:3128", UserAgent: "weir", Authorization: func() (string, error) { return Basic("ada", "unused", file) }}
	conn, err := p.Connect(t.Context(), proxied("HTTP/1.1 200 OK\r\n\r\n", &asked), "fleet:443")
	require.NoError(t, err)
	conn.Close()
	assert.Equal(t, "CONNECT fleet:443", asked.Method+" "+asked.Host)
	asked.Header.Set("Authorization", asked.Header.Get("Proxy-Authorization"))
	user, password, _ := asked.BasicAuth()
	assert.Equal(t, "ada open:sesame", user+" "+password)
	asked.Header.Del("Authorization")
	assert.Len(t, asked.Header, 2, "%v", asked.Header)

	require.NoError(t, os.Remove(file))
	_, err = p.Connect(t.Context(), proxied("HTTP/1.1 200 OK\r\n\r\n", nil), "fleet:443")
	assert.ErrorIs(t, err, ErrDenied)
	auth, err := Basic("", "nobody's", "")
	assert.NoError(t, err)
	assert.Empty(t, auth)
}

func TestAProxyThatSaysNothingDoesNotOutlastTheAttempt(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := (&Proxy{}).Connect(ctx, proxied("", nil), "fleet:443")
	assert.ErrorIs(t, err, ErrSilent)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.NotErrorIs(t, err, ErrDenied)
}

func TestTheProxysPortIsItsSchemes(t *testing.T) {
	for text, want := range map[string]string{
		"http://proxy": "proxy:80", "https://proxy": "proxy:443", "http://proxy:3128": "proxy:3128", "https://[::1]": "[::1]:443",
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		assert.Equal(t, want, Address(u))
	}
}
