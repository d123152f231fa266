package rehearsal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/weir-telemetry/weir/internal/netlab"
)

// Elsewhere is the stand-in's address, unless the destination is a literal.
var Elsewhere = netip.MustParseAddr("198.51.100.1")

// Destination is where a policy's reports go, as the lab plays it.
type Destination struct {
	Name string // host, as the certificate has it
	Addr netip.AddrPort
}

// ParseDestination reads a policy's destination. Only https can be rehearsed:
// http never leaves the host.
func ParseDestination(text string) (Destination, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return Destination{}, fmt.Errorf("destination cannot be read")
	}
	if u.Scheme != "https" {
		return Destination{}, fmt.Errorf("the destination is not https: such reports never leave the host, and there is nothing to show")
	}
	d := Destination{Name: u.Hostname()}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	addr := Elsewhere
	if literal, err := netip.ParseAddr(d.Name); err == nil {
		addr = literal
	}
	d.Addr, err = netip.ParseAddrPort(net.JoinHostPort(addr.String(), port))
	if err == nil && (addr.IsLoopback() || d.Name == "localhost") {
		err = fmt.Errorf("the destination is on loopback: such reports never leave the host, and there is nothing to show")
	}
	return d, err
}

// Request is one that the stand-in was sent.
type Request struct {
	Path string
	Head string // request line and headers but the length, which the body has
	Body []byte
}

// World is the stand-in for the vendor.
type World struct {
	CAFile string

	server *http.Server
	mu     sync.Mutex
	got    []Request
	raw    map[netip.AddrPort][]byte // what was read from each connection, inside TCP
	answer http.HandlerFunc
}

// NewWorld starts the stand-in in the lab. Files go into dir.
func NewWorld(lab *netlab.Lab, d Destination, dir string) (*World, error) {
	w := &World{CAFile: filepath.Join(dir, "authority.pem"), raw: map[netip.AddrPort][]byte{}}
	cert, ca, err := certify(d.Name)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.CAFile, ca, 0o600); err != nil {
		return nil, err
	}
	l, err := lab.Listen(d.Addr.String())
	if err != nil {
		return nil, err
	}
	w.server = &http.Server{Handler: http.HandlerFunc(w.serve), ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		_ = w.server.Serve(tls.NewListener(listener{l, w}, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}))
	}()
	return w, nil
}

// Close ends it.
func (w *World) Close() { w.server.Close() }

// Answer sets how requests are answered; nil: 200.
func (w *World) Answer(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = h
}

// Requests are those that came so far.
func (w *World) Requests() []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Request(nil), w.got...)
}

// Heard says whether a stream of packets is what arrived here.
func (w *World) Heard(s netlab.Stream) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	heard, ok := w.raw[s.Src]
	// What is behind the last byte that was read lay in a socket that was closed:
	// the end of a TLS connection.
	return ok && bytes.HasPrefix(s.Data, heard) && len(s.Data)-len(heard) < 64
}

func (w *World) serve(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	head := bytes.NewBufferString(r.Method + " " + r.URL.String() + " " + r.Proto + "\nHost: " + r.Host + "\n")
	_ = r.Header.WriteSubset(head, map[string]bool{"Content-Length": true})
	w.mu.Lock()
	w.got = append(w.got, Request{r.URL.Path, head.String(), body})
	answer := w.answer
	w.mu.Unlock()
	if answer != nil {
		answer(rw, r)
	}
}

// listener and tee keep what is read from connections.
type listener struct {
	net.Listener
	w *World
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		c.Close()
		return nil, err
	}
	l.w.mu.Lock()
	l.w.raw[from] = nil
	l.w.mu.Unlock()
	return tee{c, l.w, from}, nil
}

type tee struct {
	net.Conn
	w    *World
	from netip.AddrPort
}

func (t tee) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.w.mu.Lock()
	t.w.raw[t.from] = append(t.w.raw[t.from], b[:n]...)
	t.w.mu.Unlock()
	return n, err
}

// certify makes an authority and a certificate of it, good for a day.
func certify(host string) (tls.Certificate, []byte, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	// Clocks are tried too: the certificate is good whatever they show.
	from, until := time.Now().AddDate(-2, 0, 0), time.Now().AddDate(3, 0, 0)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "weir rehearsal"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: from, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{host}
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), nil
}
