package lokiexporter

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
)

// answered says what a status means: nil, an error to try again, or a permanent
// one. Redirections are not followed, and so permanent.
func answered(code int, retryAfter string) error {
	if code >= 200 && code < 300 {
		return nil
	}
	err := fmt.Errorf("push to Loki: answered with status %d", code)
	if code != http.StatusTooManyRequests && code < 500 {
		return consumererror.NewPermanent(err)
	}
	if wait := parseRetryAfter(retryAfter, time.Now()); wait > 0 {
		return exporterhelper.NewThrottleRetry(err, wait)
	}
	return err
}

// maxWait bounds what a server can make us wait.
const maxWait = time.Hour

// parseRetryAfter reads seconds or a date; zero if it is neither.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxWait)
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, min(at.Sub(now), maxWait))
	}
	return 0
}

// unreachable is why there was no answer. The client's own error quotes the
// address, and of a broken answer the answer; ours names the kind.
func unreachable(err error) error {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var timeout net.Error
	what := "no answer"
	switch {
	case errors.Is(err, context.Canceled):
		what = "canceled"
	case errors.As(err, &dns):
		what = "the name of the host cannot be resolved"
	case errors.As(err, &cert):
		what = "the certificate is not trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		what = "the connection is refused"
	case errors.Is(err, syscall.ECONNRESET):
		what = "the connection is reset"
	case errors.As(err, &timeout) && timeout.Timeout():
		what = "timeout"
	}
	return fmt.Errorf("push to Loki: %s", what)
}
