package fleetreceiver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/fleet/admission"
	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/fleet/token"
	"github.com/weir-telemetry/weir/internal/bounded"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/receivers/fleetreceiver/internal/metadata"
)

const (
	// maxInFlight bounds the bodies of all requests that are being read or stored.
	maxInFlight = 64 << 20
	// maxHeader holds a statement about a ledger, which stays below 16 KiB.
	maxHeader = 24 << 10
	// headerTime, bodyTime and answerTime bound a slow sender.
	headerTime = 10 * time.Second
	bodyTime   = 30 * time.Second
	answerTime = 60 * time.Second
	// maxExchanges at once, of tokens and renewals.
	maxExchanges = 32
	// maxLabels is how many installs are told apart in own metrics.
	maxLabels = 1000
)

type fleetReceiver struct {
	cfg       *Config
	set       receiver.Settings
	metrics   consumer.Metrics // nil: in no metrics pipeline
	logs      consumer.Logs    // nil: receipts are not kept here
	obs       *receiverhelper.ObsReport
	telemetry *metadata.TelemetryBuilder
	now       func() time.Time
	forget    func()

	door      *admission.Door // nil: plain HTTP
	labels    *bounded.Labels
	memory    *bounded.Budget
	busy      *bounded.Keys // installs of which a request is being served
	exchanges chan struct{}

	started, stopped sync.Once
	server           *http.Server
	addr             net.Addr
	served           sync.WaitGroup
}

func newReceiver(set receiver.Settings, cfg *Config) (*fleetReceiver, error) {
	r := &fleetReceiver{
		cfg: cfg, set: set, now: time.Now, forget: func() {},
		labels: bounded.NewLabels(maxLabels), memory: bounded.NewBudget(maxInFlight), busy: bounded.NewKeys(),
		exchanges: make(chan struct{}, maxExchanges),
	}
	var err error
	if r.obs, err = receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	}); err != nil {
		return nil, err
	}
	r.telemetry, err = metadata.NewTelemetryBuilder(set.TelemetrySettings)
	return r, err
}

// Start listens, once for all pipelines.
func (r *fleetReceiver) Start(_ context.Context, host component.Host) error {
	var err error
	r.started.Do(func() { err = r.start(host) })
	return err
}

func (r *fleetReceiver) start(host component.Host) error {
	var tlsConfig *tls.Config
	if r.cfg.RequireIdentity {
		var err error
		if tlsConfig, err = r.openDoor(); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", r.cfg.Endpoint)
	if err != nil {
		return fmt.Errorf("listen on %s for reports: %w", r.cfg.Endpoint, err)
	}
	r.addr = listener.Addr()
	listener = bounded.NewListener(listener, r.cfg.MaxConnections)
	if tlsConfig != nil {
		listener = tls.NewListener(listener, tlsConfig)
	}
	r.server = &http.Server{
		Handler:           http.HandlerFunc(r.serve),
		ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: answerTime, IdleTimeout: r.cfg.IdleTimeout,
		MaxHeaderBytes: maxHeader,
		ConnContext:    withConnection,
		// A stranger's bad handshake is worth no line of the log, and the library's
		// text may quote what was sent.
		ErrorLog: log.New(io.Discard, "", 0),
		// One request at a time on a connection is all that an edge needs.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	r.set.Logger.Info("The fleet takes reports", zap.Stringer("address", r.addr), zap.Bool("tls", tlsConfig != nil))
	r.served.Go(func() {
		if err := r.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(fmt.Errorf("serve reports on %s: %w", r.cfg.Endpoint, err)))
		}
	})
	return nil
}

// openDoor loads or makes what lies in the state folder.
func (r *fleetReceiver) openDoor() (*tls.Config, error) {
	authority, err := ca.Open(vfs.OS, r.cfg.State, r.now())
	if err != nil {
		return nil, err
	}
	others, err := r.cfg.authorities()
	if err != nil {
		return nil, err
	}
	r.door = &admission.Door{
		CA: authority, Others: others,
		Tokens:   token.Store{FS: vfs.OS, Dir: filepath.Join(r.cfg.State, "tokens")},
		Registry: registry.Registry{FS: vfs.OS, Dir: r.cfg.State},
		Grace:    r.cfg.RenewGrace, Life: ca.Life, Now: r.now,
	}
	c := &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}, Time: r.now,
		// Asked for and not verified here: an expired one may be renewed, a token
		// needs none, and whoever is refused is told why in words.
		ClientAuth: tls.RequestClientCert,
	}
	if r.cfg.TLS.CertFile == "" {
		cert, err := authority.Server(r.serverNames())
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{cert}
		r.door.ServerRoots = authority.Roots()
		return c, nil
	}
	files := &certificateFiles{cert: r.cfg.TLS.CertFile, key: r.cfg.TLS.KeyFile, now: r.now}
	if _, err := files.get(nil); err != nil {
		return nil, err
	}
	c.GetCertificate = files.get
	if r.cfg.TLS.CAFile != "" {
		roots, err := os.ReadFile(r.cfg.TLS.CAFile)
		if err == nil {
			_, err = ca.ParseCertificates(roots)
		}
		if err != nil {
			return nil, fmt.Errorf("tls::ca_file: %w", err)
		}
		r.door.ServerRoots = string(roots)
	}
	return c, nil
}

func (r *fleetReceiver) serverNames() []string {
	names := append([]string{"localhost", "127.0.0.1", "::1"}, r.cfg.Names...)
	if host, _, err := net.SplitHostPort(r.cfg.Endpoint); err == nil {
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, host)
		}
	}
	if host, err := os.Hostname(); err == nil && !strings.ContainsAny(host, " \t") {
		names = append(names, host)
	}
	return names
}

// Shutdown ends what is being served, and stops.
func (r *fleetReceiver) Shutdown(ctx context.Context) error {
	var err error
	r.stopped.Do(func() {
		r.forget()
		if r.server != nil {
			err = r.server.Shutdown(ctx)
			r.served.Wait()
		}
		r.telemetry.Shutdown()
	})
	return err
}
