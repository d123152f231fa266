package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/identity"
	"github.com/weir-telemetry/weir/internal/simulate"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// install is one edge, as the gateway sees it.
type install struct {
	id       string
	config   *tls.Config
	conn     *tls.Conn
	log      *ledger.Ledger
	receipt  []byte
	sequence uint64
}

// newInstalls makes n of them with certificates, as if they had enrolled.
func newInstalls(n, first int, authority *ca.Authority) ([]*install, error) {
	all := make([]*install, n)
	for i := range all {
		id := simulate.Install(first + i)
		mem := vfs.NewMem()
		log, err := ledger.Open(mem, "ledger", ledger.Options{Install: id, CheckpointInterval: time.Hour})
		if err != nil {
			return nil, err
		}
		verifier, err := vfs.ReadFile(mem, "ledger/verifier.pub")
		if err != nil {
			return nil, err
		}
		p := identity.Peer{Install: id, Customer: "bench", Enrolment: "bench"}
		if err := p.SetLedger(strings.TrimSpace(string(verifier))); err != nil {
			return nil, err
		}
		cert, err := certify(authority, p)
		if err != nil {
			return nil, err
		}
		all[i] = &install{id: id, log: log, config: &tls.Config{
			MinVersion: tls.VersionTLS13, RootCAs: authority.Pool(), ServerName: "localhost", Certificates: []tls.Certificate{cert},
		}}
	}
	return all, nil
}

func certify(authority *ca.Authority, p identity.Peer) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	text, err := authority.Issue(csr, p, time.Now(), ca.Life)
	if err != nil {
		return tls.Certificate{}, err
	}
	block, _ := pem.Decode([]byte(text))
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}, nil
}

func (i *install) connect(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Minute)
	if err != nil {
		return err
	}
	i.conn = tls.Client(conn, i.config)
	return i.conn.Handshake()
}

// request is a recorded report with its statement, as bytes for the wire.
func (i *install) request(p *policy.Policy, source *source) ([]byte, error) {
	i.sequence++
	body, err := source.body(i.id, i.sequence)
	if err != nil {
		return nil, err
	}
	record, err := i.log.Append(ledger.Record{Kind: ledger.KindReport, Sequence: i.sequence, PolicyDigest: p.Digest, Destination: p.Destination, Body: body})
	if err != nil {
		return nil, err
	}
	statement, err := i.log.State(record, i.receipt)
	if err != nil {
		return nil, err
	}
	head := "POST /v1/metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: weir\r\nContent-Type: application/x-protobuf\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\nWeir-Ledger: " + base64.RawURLEncoding.EncodeToString(statement.Encode()) + "\r\n\r\n"
	return append([]byte(head), body...), nil
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 8<<10) }}

// send waits for the acknowledgement and keeps its receipt.
func (i *install) send(request []byte) error {
	if _, err := i.conn.Write(request); err != nil {
		return err
	}
	r := readers.Get().(*bufio.Reader)
	defer readers.Put(r)
	r.Reset(i.conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway answers %s: %.100s", resp.Status, text)
	}
	if i.receipt, err = base64.RawURLEncoding.DecodeString(resp.Header.Get("Weir-Receipt")); err != nil || len(i.receipt) == 0 {
		return fmt.Errorf("an acknowledgement without a receipt")
	}
	return nil
}

// source is one simulated product, used by many installs.
type source struct {
	mu sync.Mutex
	s  *simulate.Source
}

func (s *source) body(install string, sequence uint64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s.Body(install, sequence)
}

func (s *source) next(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.s.Next(now)
}
