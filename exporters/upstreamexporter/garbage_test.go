package upstreamexporter

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhateverTheDestinationSaysIsBoundedAndCounted: each of these answers ends
// in a word or in a status, within the time limit, and none of it is kept.
func TestWhateverTheDestinationSaysIsBoundedAndCounted(t *testing.T) {
	noise := make([]byte, 1<<16)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	endless := func(chunk []byte) func(net.Conn) int {
		return func(c net.Conn) int {
			n := 0
			for n < 4<<30 {
				m, err := c.Write(chunk)
				if n += m; err != nil {
					break
				}
			}
			return n
		}
	}
	once := func(s string) func(net.Conn) int {
		return func(c net.Conn) int { n, _ := c.Write([]byte(s)); _ = c.(*net.TCPConn).CloseWrite(); return n }
	}
	after := func(s string, then func(net.Conn) int) func(net.Conn) int {
		return func(c net.Conn) int { _, _ = c.Write([]byte(s)); return then(c) }
	}
	for _, c := range []struct {
		what string
		says func(net.Conn) int
		want string // reason, or a status
	}{
		{"noise without end", endless(noise), "answer"},
		{"zeros without end", endless(make([]byte, 1<<16)), "answer"},
		{"one line without end", endless(bytes.Repeat([]byte("CANARY"), 10_000)), "answer"},
		{"headers without end", after("HTTP/1.1 200 OK\r\n", endless(bytes.Repeat([]byte("X-CANARY: x\r\n"), 1000))), "answer"},
		{"early hints without end", endless(bytes.Repeat([]byte("HTTP/1.1 103 Early Hints\r\nLink: <CANARY>\r\n\r\n"), 1000)), "answer"},
		{"a body without end", after("HTTP/1.1 200 OK\r\n\r\n", endless(noise)), "200"},
		{"gigabytes announced", after("HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n", endless(noise)), "200"},
		{"chunks without end", after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", endless([]byte("6\r\nCANARY\r\n"))), "200"},
		{"a refusal with gigabytes", after("HTTP/1.1 400 CANARY\r\n\r\n", endless(noise)), "400"},
		{"a chunk's extension without end", after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6;", endless(bytes.Repeat([]byte("x"), 1000))), "answer"},
		{"nothing", once(""), "unreachable"},
		{"half a line", once("HTTP/1."), "answer"},
		{"a page from before headers", once("<html>CANARY"), "answer"},
		{"another protocol", once("SSH-2.0-OpenSSH_9\r\n"), "answer"},
		{"a status that is none", once("HTTP/1.1 OK\r\n\r\n"), "answer"},
		{"a status out of range", once("HTTP/1.1 999 CANARY\r\nContent-Length: 0\r\n\r\n"), "999"},
		{"a switch of protocols", once("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "101"},
		{"two lengths", once("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "answer"},
		{"compressed without being asked", once("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), "200"},
		{"silence", func(c net.Conn) int { _, _ = c.Read(make([]byte, 1)); return 0 }, "timeout"},
		{"a byte now and then", func(c net.Conn) int {
			n := 0
			for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + strings.Repeat("X: y\r\n", 100)) {
				if _, err := c.Write([]byte{b}); err != nil {
					break
				}
				n++
				time.Sleep(20 * time.Millisecond)
			}
			return n
		}, "timeout"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			var written atomic.Int64
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 64<<10)) // the request
				written.Store(int64(c.says(conn)))
			}()
			client := testClient(t, TLSConfig{})
			client.http.Timeout = 500 * time.Millisecond
			begun := time.Now()
			a, err := client.post(t.Context(), "http://"+l.Addr().String(), "", []byte("report"), time.Now)
			got := fmt.Sprint(a.status)
			if err != nil {
				got = err.Error()
			}
			assert.Equal(t, c.want, got)
			assert.Less(t, time.Since(begun), 5*time.Second)
			client.close()
			<-ended
			assert.Less(t, written.Load(), int64(64<<20), "what fits into socket buffers, not gigabytes")
		})
	}
	t.Cleanup(func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		assert.Less(t, m.Sys, uint64(512<<20))
	})
}
