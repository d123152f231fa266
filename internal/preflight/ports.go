package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// collector is the name of the edge's process.
const collector = "weir-collector"

// ports looks whether each address can be listened on. One that is taken by a
// collector of Weir's is how it looks while the edge runs.
func (s *Site) ports(context.Context) {
	for _, l := range s.Settings.Listeners {
		f := Finding{Check: "port", About: fmt.Sprintf("%s, for %s", l.Value, l.Component), State: Fine, Evidence: "free", Area: responsibilities.Infrastructure}
		ln, err := net.Listen("tcp", l.Value)
		switch {
		case err == nil:
			_ = ln.Close()
		case errors.Is(err, syscall.EADDRINUSE):
			name, pid := holder(l.Value)
			if name == collector {
				f.Evidence = fmt.Sprintf("%s listens there, process %d", name, pid)
				break
			}
			f.State, f.Evidence = Missing, "taken by another process, which only root can see"
			f.Fix = fmt.Sprintf("stop what listens there ('ss -ltnp' as root names it), or set %s to a free address", l.change())
			if pid > 0 {
				f.Evidence = fmt.Sprintf("taken by %s, process %d", name, pid)
				f.Fix = fmt.Sprintf("stop %s, or set %s to a free address", name, l.change())
			}
		case errors.Is(err, syscall.EACCES):
			f.State, f.Evidence = Missing, "this user may not listen on a port below 1024"
			f.Fix = fmt.Sprintf("set %s to a port from 1024 on, or give the service CAP_NET_BIND_SERVICE", l.change())
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			f.State, f.Evidence = Missing, "this machine has no such address"
			f.Fix = fmt.Sprintf("set %s to an address that 'ip address' shows", l.change())
		default:
			f.State, f.Evidence = Missing, "no address to listen on: "+reason(err)
			f.Fix = fmt.Sprintf("set %s to host:port, such as 127.0.0.1:4317", l.change())
		}
		s.add(f)
	}
}

// reason is the innermost word of an error of the system, without what it was
// about.
func reason(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no.Error()
	}
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}
