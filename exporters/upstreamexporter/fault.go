package upstreamexporter

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
)

// fault is why an attempt came to no answer: a word out of a closed set, and
// the error behind it, which is never printed; it may quote the other side.
type fault struct {
	reason string
	err    error
}

func (f *fault) Error() string { return f.reason }
func (f *fault) Unwrap() error { return f.err }

// reasonOf is the word for an error of post. answered says whether a first byte
// had come.
func reasonOf(err error, answered bool) string {
	var (
		f       *fault
		name    *net.DNSError
		invalid *tls.CertificateVerificationError
		alert   *net.OpError
		record  tls.RecordHeaderError
		timeout net.Error
	)
	switch {
	case errors.Is(err, errDestination):
		return "destination"
	case errors.Is(err, errPin):
		return "pin"
	case errors.As(err, &f):
		return f.reason
	case errors.As(err, &name):
		return "name"
	case errors.As(err, &invalid), errors.As(err, &record),
		// How crypto/tls says that either side sent an alert, such as about a
		// client's certificate.
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error"):
		return "tls"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case answered:
		return "answer" // not HTTP, or more of it than is read
	}
	return "unreachable"
}
