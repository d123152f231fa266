package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// versions are the releases that the three services claim to be.
var versions = map[string]string{"frontend": "1.4.2", "cart": "2.0.1", "payment": "0.9.3"}

// shop is the running product.
type shop struct {
	url     string // the frontend's
	servers []*http.Server
	tels    []*telemetry
	files   []*logFile
}

// open starts the three services on free loopback ports. logs is the folder
// for the access logs; empty writes none.
func open(ctx context.Context, logs string) (s *shop, err error) {
	s = &shop{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
	}()
	frontendLog, err := s.logFile(logs, "frontend.log")
	if err != nil {
		return s, err
	}
	paymentLog, err := s.logFile(logs, "payment.log")
	if err != nil {
		return s, err
	}
	payment, err := s.serve(ctx, "payment", func(t *telemetry) (http.Handler, error) { return newPayment(t, paymentLog) })
	if err != nil {
		return s, err
	}
	cart, err := s.serve(ctx, "cart", func(t *telemetry) (http.Handler, error) { return newCart(t, payment) })
	if err != nil {
		return s, err
	}
	s.url, err = s.serve(ctx, "frontend", func(t *telemetry) (http.Handler, error) { return newFrontend(t, frontendLog, cart) })
	return s, err
}

// serve starts one service and returns its URL.
func (s *shop) serve(ctx context.Context, name string, build func(*telemetry) (http.Handler, error)) (string, error) {
	t, err := newTelemetry(ctx, name, versions[name])
	if err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	s.tels = append(s.tels, t)
	h, err := build(t)
	if err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start %s: %w", name, err)
	}
	server := &http.Server{Handler: t.handler(h), ReadHeaderTimeout: 5 * time.Second}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // ends with close, and says only that
	return "http://" + listener.Addr().String(), nil
}

func (s *shop) logFile(folder, name string) (*logFile, error) {
	if folder == "" {
		return nil, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("create the log folder: %w", err)
	}
	f, err := openLogFile(filepath.Join(folder, name), maxLogFile)
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, f)
	return f, nil
}

// close stops the frontend first, so that no request is cut in two, then
// flushes the telemetry.
func (s *shop) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	var errs []error
	for i := len(s.servers) - 1; i >= 0; i-- {
		errs = append(errs, s.servers[i].Shutdown(ctx))
	}
	done := make(chan error, len(s.tels))
	for _, t := range s.tels {
		go func() { done <- t.close(ctx) }()
	}
	for range s.tels {
		errs = append(errs, <-done)
	}
	for _, f := range s.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
