// Compare shows side by side what stayed home and what the vendor's fleet
// knows. It reads an edge and a fleet over their public APIs, as Grafana would,
// and the ledger of the edge, and looks for the sample product's canaries in
// everything that left.
//
//	demo-compare [FLAGS]           compare
//	demo-compare free ADDRESS...   say which addresses are in use
//	demo-compare ready URL...      wait until each Weir is ready
//
// Exit codes: 0 nothing that was planted has left, 1 something has, or the
// ledger is not in order, 2 could not tell.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/weir-telemetry/weir/demo/canary"
)

// errLeak is the answer that must not be.
var errLeak = errors.New("something left that should not have")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errLeak):
		fmt.Fprintf(os.Stderr, "compare: %v\n", err)
		os.Exit(1)
	default:
		fmt.Fprintf(os.Stderr, "compare: %v\n", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	verb := ""
	if len(args) > 0 && (args[0] == "free" || args[0] == "ready") {
		verb, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(errs)
	edgeURL := flags.String("edge", "http://127.0.0.1:7070", "the edge's address")
	fleetURL := flags.String("fleet", "http://127.0.0.1:7171", "the fleet's address")
	data := flags.String("data", "", "the edge's data folder, to read the ledger; empty does not read it")
	wait := flags.Int("wait-reports", 0, "wait until the fleet has this many reports")
	timeout := flags.Duration("timeout", 2*time.Minute, "how long to wait")
	width := flags.Int("width", 110, "characters in a line")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return fmt.Errorf("read the flags: %w", err)
	}
	switch verb {
	case "free":
		return free(flags.Args())
	case "ready":
		return ready(ctx, flags.Args(), *timeout)
	}
	edge, fleet := api{strings.TrimSuffix(*edgeURL, "/")}, api{strings.TrimSuffix(*fleetURL, "/")}
	if *wait > 0 {
		if err := waitFor(ctx, edge, fleet, *wait, *timeout, time.Second, errs); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()

	left, err := home(ctx, edge)
	if err != nil {
		return err
	}
	right, err := away(ctx, fleet, time.Now())
	if err != nil {
		return err
	}
	found, series, err := leaked(ctx, fleet)
	if err != nil {
		return err
	}
	var b book
	if *data != "" {
		if b, err = readBook(*data); err != nil {
			return err
		}
	}

	fmt.Fprintln(out)
	fmt.Fprint(out, sideBySide(*width,
		"STAYED HOME, with the customer", "WHAT THE VENDOR'S FLEET KNOWS",
		append([]row{{"asked", edge.base}}, left...), append([]row{{"asked", fleet.base}}, right...)))
	fmt.Fprintln(out)
	below := []row{}
	if *data != "" {
		below = append(below, b.rows()...)
	}
	planted := fmt.Sprintf("%d secrets that the sample product scatters: none of them in the fleet's %s series", len(canary.All()), number(float64(series)))
	if *data != "" {
		planted += ", none in the bytes that left"
	}
	if found = append(found, b.leaked...); len(found) > 0 {
		planted = fmt.Sprintf("LEAKED: %q", found)
	}
	below = append(below, row{"looked for", planted})
	for _, line := range column(*width, "WHAT LEFT", below) {
		fmt.Fprintln(out, line)
	}
	if len(found) > 0 || len(b.faults) > 0 {
		return errLeak
	}
	return nil
}
