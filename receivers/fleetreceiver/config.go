package fleetreceiver

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/weir-telemetry/weir/fleet/admission"
	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/token"
)

// Config of the receiver.
type Config struct {
	// Endpoint to listen on.
	Endpoint string `mapstructure:"endpoint"`
	// State is the folder that all gateways of the fleet share: the authority,
	// tokens, whose installs are, what is revoked.
	State string `mapstructure:"state"`
	// RequireIdentity is for plain HTTP: false serves that instead of TLS, on
	// loopback only, to anybody, without enrolment and receipts.
	RequireIdentity bool `mapstructure:"require_identity"`
	// Names and addresses of the server's certificate if the fleet's own
	// authority makes it, beside those of the endpoint and of loopback.
	Names []string `mapstructure:"names"`
	// TLS is a certificate of somebody else's authority instead.
	TLS TLSConfig `mapstructure:"tls"`
	// Authorities whose certificates are taken beside the fleet's own.
	Authorities []AuthorityConfig `mapstructure:"authorities"`
	// RenewGrace is for how long an expired certificate can still be renewed.
	RenewGrace time.Duration `mapstructure:"renew_grace"`
	// MaxReportSize is the size of a body, in bytes.
	MaxReportSize int64 `mapstructure:"max_report_size"`
	// MaxConnections at once. One more is closed.
	MaxConnections int `mapstructure:"max_connections"`
	// IdleTimeout closes a connection on which nothing comes.
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`
}

// TLSConfig names files in PEM.
type TLSConfig struct {
	// CertFile and KeyFile are read anew when they change.
	CertFile string `mapstructure:"cert_file"`
	KeyFile  string `mapstructure:"key_file"`
	// CAFile is what enrolled edges shall expect behind the certificate. Empty:
	// what their hosts trust.
	CAFile string `mapstructure:"ca_file"`
}

// AuthorityConfig is a customer's or the vendor's own authority.
type AuthorityConfig struct {
	CAFile string `mapstructure:"ca_file"`
	// Customer is the only one it may speak for. Empty: its certificates say whose
	// they are, which is for the vendor's alone.
	Customer string `mapstructure:"customer"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Endpoint:        "127.0.0.1:4418",
		State:           "./data-fleet/state",
		RequireIdentity: true,
		RenewGrace:      90 * 24 * time.Hour,
		MaxReportSize:   4 << 20,
		MaxConnections:  20_000,
		IdleTimeout:     2 * time.Minute,
	}
}

// Validate says everything that is wrong.
func (c *Config) Validate() error {
	var faults []error
	host, _, err := net.SplitHostPort(c.Endpoint)
	if err != nil {
		faults = append(faults, errors.New("endpoint: is not HOST:PORT, such as 0.0.0.0:4418"))
	} else if addr, err := netip.ParseAddr(host); !c.RequireIdentity && (err != nil || !addr.IsLoopback()) {
		faults = append(faults, errors.New("require_identity: false is plain HTTP, for loopback only: set endpoint to 127.0.0.1:PORT, or require_identity to true"))
	}
	if c.State == "" && c.RequireIdentity {
		faults = append(faults, errors.New("state: is empty; name the folder that the fleet's gateways share, such as ./data-fleet/state"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		faults = append(faults, errors.New("tls: cert_file and key_file go together; set both or neither"))
	}
	if c.TLS.CAFile != "" && c.TLS.CertFile == "" {
		faults = append(faults, errors.New("tls::ca_file: goes with cert_file; without one the fleet's own authority is expected"))
	}
	if c.RenewGrace < 0 {
		faults = append(faults, errors.New("renew_grace: must not be negative, for example 2160h"))
	}
	if c.MaxReportSize <= 0 || c.MaxReportSize > maxInFlight {
		faults = append(faults, fmt.Errorf("max_report_size: must be from 1 to %d bytes, for example 4194304", int64(maxInFlight)))
	}
	if c.MaxConnections <= 0 {
		faults = append(faults, errors.New("max_connections: must be positive, for example 20000"))
	}
	if c.IdleTimeout <= 0 {
		faults = append(faults, errors.New("idle_timeout: must be positive, for example 2m"))
	}
	for i, a := range c.Authorities {
		if a.CAFile == "" {
			faults = append(faults, fmt.Errorf("authorities::%d::ca_file: is empty; name the authority's certificate in PEM", i))
		}
		if a.Customer != "" {
			if err := token.CheckCustomer(a.Customer); err != nil {
				faults = append(faults, fmt.Errorf("authorities::%d::customer: %w", i, err))
			}
		}
	}
	return errors.Join(faults...)
}

func (c *Config) authorities() ([]admission.Authority, error) {
	var list []admission.Authority
	for i, a := range c.Authorities {
		text, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("authorities::%d::ca_file: %w", i, err)
		}
		certs, err := ca.ParseCertificates(text)
		if err != nil {
			return nil, fmt.Errorf("authorities::%d::ca_file: %s: %w", i, a.CAFile, err)
		}
		pool := x509.NewCertPool()
		for _, cert := range certs {
			pool.AddCert(cert)
		}
		list = append(list, admission.Authority{Pool: pool, Customer: a.Customer})
	}
	return list, nil
}
