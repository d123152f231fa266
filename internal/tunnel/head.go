package tunnel

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

const (
	maxHead  = 64 << 10
	maxHints = 5 // answers of 1xx before the one that counts
)

// ErrNotHTTP is returned if what was read is no head of an answer. The parser's
// own words would quote it.
var ErrNotHTTP = errors.New("what listens there does not speak HTTP as it should")

// ReadHead reads the head of the answer to a request that was written to conn:
// at most 64 KiB, hints (1xx) included. Of the body it reads nothing on purpose;
// rest is how many bytes behind the head came along with it. The error is
// [ErrNotHTTP], or the connection's.
func ReadHead(conn io.Reader) (resp *http.Response, rest int, err error) {
	limited := &io.LimitedReader{R: conn, N: maxHead}
	r := bufio.NewReader(limited)
	for range maxHints {
		resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodHead}) // as if it had no body
		var network net.Error
		switch {
		case err == nil && resp.StatusCode >= 200:
			return resp, r.Buffered(), nil
		case err == nil:
		case limited.N > 0 && (errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)):
			return nil, 0, err
		default:
			return nil, 0, ErrNotHTTP
		}
	}
	return nil, 0, ErrNotHTTP
}
