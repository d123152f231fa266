package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

func (p *Probe) dns(ctx context.Context) (Reason, *float64) {
	addresses, err := p.resolver().LookupNetIP(ctx, "ip", p.Target)
	if err == nil && len(addresses) == 0 {
		return NoSuchName, nil
	}
	return reasonOf(err), nil
}

// resolver asks Resolver, or whom the system asks. It is Go's own in any case,
// which ends with its context.
func (p *Probe) resolver() *net.Resolver {
	r := &net.Resolver{PreferGo: true}
	if p.Resolver != "" {
		server := p.Resolver
		if _, _, err := net.SplitHostPort(server); err != nil {
			server = net.JoinHostPort(server, "53")
		}
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return p.system.Dial(ctx, network, server)
		}
	}
	return r
}

func (p *Probe) tcp(ctx context.Context) (Reason, *float64) {
	c, err := p.system.Dial(ctx, "tcp", p.Target)
	if err != nil {
		return reasonOf(err), nil
	}
	_ = c.Close()
	return OK, nil
}

// reasonOf is the word for an error of the network. The error itself goes no
// further: it may quote the other side.
func reasonOf(err error) Reason {
	var (
		name    *net.DNSError
		timeout net.Error
	)
	switch {
	case err == nil:
		return OK
	case errors.As(err, &name) && name.IsNotFound:
		return NoSuchName
	case errors.As(err, &name):
		return NoResolver
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return Timeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	}
	return Unreachable
}
