package fleetreceiver

import (
	"crypto/tls"
	"fmt"
	"sync"
	"time"
)

// recheck is how often files of a certificate are read again.
const recheck = time.Minute

// certificateFiles is a server's certificate that somebody else renews.
type certificateFiles struct {
	cert, key string
	now       func() time.Time

	mu   sync.Mutex
	last *tls.Certificate
	at   time.Time
}

// get reads the files at most once in recheck. While they cannot be read, as in
// the middle of a renewal, the last good pair serves.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != nil && f.now().Sub(f.at).Abs() < recheck {
		return f.last, nil
	}
	c, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		if f.last != nil {
			return f.last, nil
		}
		return nil, fmt.Errorf("tls::cert_file: %w", err)
	}
	f.last, f.at = &c, f.now()
	return f.last, nil
}
