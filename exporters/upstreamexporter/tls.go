package upstreamexporter

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// TLSConfig names files in PEM.
type TLSConfig struct {
	// CAFile, if set, replaces the system's authorities.
	CAFile string `mapstructure:"ca_file"`
	// CertFile and KeyFile are the client's certificate. They are read anew for each connection.
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`
	// Pins, if set, are demanded beside a valid chain: one of its certificates must
	// have one of these keys. Each is "sha256/" and the base64 of the SHA-256 of a
	// SubjectPublicKeyInfo. Two of them let a key be changed.
	Pins []string `mapstructure:"pins"`
}

const pinPrefix = "sha256/"

var errPin = errors.New("no certificate of the destination has a pinned key")

// parsePin reads a pin.
func parsePin(s string) ([]byte, error) {
	text, ok := strings.CutPrefix(s, pinPrefix)
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(b) != sha256.Size {
		return nil, errors.New("write sha256/ and 44 characters of base64, as from: openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64")
	}
	return b, nil
}

func (t *TLSConfig) validate() []error {
	var errs []error
	if (t.CertFile == "") != (t.KeyFile == "") {
		errs = append(errs, errors.New("tls: cert_file and key_file go together; set both or neither"))
	}
	for i, p := range t.Pins {
		if _, err := parsePin(p); err != nil {
			errs = append(errs, fmt.Errorf("tls::pins[%d]: %w", i, err))
		}
	}
	return errs
}

// load reads the files, so that what is wrong with them is said at the start.
func (t *TLSConfig) load() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}
	var err error
	if t.CAFile != "" {
		if c.RootCAs, err = loadPool("tls::ca_file", t.CAFile); err != nil {
			return nil, err
		}
	}
	if t.CertFile != "" {
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			return nil, fmt.Errorf("tls::cert_file: %w", err)
		}
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			return &cert, err
		}
	}
	if len(t.Pins) > 0 {
		var pins [][]byte
		for _, s := range t.Pins {
			p, err := parsePin(s)
			if err != nil {
				return nil, fmt.Errorf("tls::pins: %w", err)
			}
			pins = append(pins, p)
		}
		// Called after the chain was verified, also when a session is resumed.
		c.VerifyConnection = func(s tls.ConnectionState) error { return checkPins(pins, s.VerifiedChains) }
	}
	return c, nil
}

func checkPins(pins [][]byte, chains [][]*x509.Certificate) error {
	for _, chain := range chains {
		for _, cert := range chain {
			sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
			for _, p := range pins {
				if bytes.Equal(p, sum[:]) {
					return nil
				}
			}
		}
	}
	return errPin
}

func loadPool(what, file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in %s", what, file)
	}
	return pool, nil
}
