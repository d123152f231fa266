package fleetreceiver

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/weir-telemetry/weir/fleet/admission"
)

// connection remembers what was found out about its certificate: checking a
// chain costs more than all else about a report.
type connection struct {
	once sync.Once
	peer admission.Verified
	err  error
}

type connectionKey struct{}

func withConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

// peer is who sends, by a chain that was verified once. Whether it still may is
// asked for each request.
func (r *fleetReceiver) peer(req *http.Request) (admission.Verified, error) {
	c, ok := req.Context().Value(connectionKey{}).(*connection)
	if !ok || req.TLS == nil {
		return r.door.Verify(nil)
	}
	c.once.Do(func() { c.peer, c.err = r.door.Verify(req.TLS.PeerCertificates) })
	return c.peer, c.err
}
