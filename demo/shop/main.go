// Shop is the sample product of the demonstration: three services in one
// binary (frontend, cart, payment), instrumented with the OpenTelemetry Go SDK
// as three resources, and a load generator that keeps them busy.
//
// It is careless on purpose. Its logs, spans and metrics are full of mails,
// tokens, names, card numbers and SQL, as those of real products are; package
// canary lists them. Everything goes over OTLP/HTTP to
// OTEL_EXPORTER_OTLP_ENDPOINT (http://127.0.0.1:4318 unless set) and, for the
// access logs, into files.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// endpointVar is the SDK's own variable; the exporters read it themselves.
const (
	endpointVar     = "OTEL_EXPORTER_OTLP_ENDPOINT"
	defaultEndpoint = "http://127.0.0.1:4318"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "shop: %v\n", err)
		stop()
		os.Exit(1)
	}
}

// run works until ctx is done or the duration is over, then flushes.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	flags := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.SetOutput(errs)
	duration := flags.Duration("duration", 0, "how long to run; 0 runs until stopped")
	rate := flags.Float64("rate", 20, "requests a second")
	logs := flags.String("logs", "", "folder for frontend.log (JSON) and payment.log (plain text); empty writes no files")
	if err := flags.Parse(args); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return fmt.Errorf("read the flags: %w", err)
	}
	if *rate <= 0 || *rate > 10000 {
		return fmt.Errorf("-rate %v: give between 0 and 10000 requests a second", *rate)
	}
	if *duration < 0 {
		return fmt.Errorf("-duration %v: give a positive duration, or 0 to run until stopped", *duration)
	}
	if os.Getenv(endpointVar) == "" {
		if err := os.Setenv(endpointVar, defaultEndpoint); err != nil {
			return fmt.Errorf("set the default endpoint: %w", err)
		}
	}
	reportErrors(errs, 10*time.Second)

	s, err := open(ctx, *logs)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "shop: frontend %s, cart %s, payment %s; %v requests/s; telemetry to %s\n",
		versions["frontend"], versions["cart"], versions["payment"], *rate, os.Getenv(endpointVar))

	if *duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *duration)
		defer cancel()
	}
	sent := generate(ctx, s.url, *rate)
	err = s.close()
	fmt.Fprintf(out, "shop: %d requests, %d of them failed\n", sent.requests, sent.failed)
	return err
}
