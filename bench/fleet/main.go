package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-telemetry/weir/fleet/ca"
	"github.com/weir-telemetry/weir/internal/simulate"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "the repository")
	flag.StringVar(&o.binary, "collector", "bin/weir-collector", "the collector, from the root")
	flag.StringVar(&o.folder, "o", "", "folder for fleet.md and fleet.svg; empty: only print")
	flag.IntVar(&o.installs, "installs", 10_000, "installs that connect")
	flag.DurationVar(&o.steady, "steady", 60*time.Second, "how long steady reports are sent; a minute is one of each install")
	flag.Parse()
	err := run(o)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "fleet:", err)
	if errors.Is(err, errShort) {
		os.Exit(1)
	}
	os.Exit(2)
}

type options struct {
	root, binary, folder string
	installs             int
	steady               time.Duration
}

const interval = time.Minute

// reportsOfFew is how many reports the cost of one is taken from.
const reportsOfFew = 2000

// connecting is how many installs dial at once: a fleet that comes back does so
// with jitter.
const connecting = 64

func run(o options) error {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	p, file, err := readPolicy(root)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(file))
	b := &bench{options: o, policy: p, start: time.Now()}
	// Certificates and ledgers are the installs' own matter, made before any
	// time is taken.
	if b.gateway, err = startGateway(root, filepath.Join(root, o.binary), file); err != nil {
		return err
	}
	defer func() { _ = b.gateway.stop() }()
	if b.authority, err = ca.Open(vfs.OS, b.gateway.state, time.Now()); err != nil {
		return err
	}
	if err := b.measure(); err != nil {
		return errors.Join(err, b.said())
	}
	return b.finish(o.folder)
}

// readPolicy is the sample shop's, with the interval that it would have in
// earnest, and the file that the gateway reads.
func readPolicy(root string) (*policy.Policy, string, error) {
	text, err := os.ReadFile(filepath.Join(root, "policies/sample-shop.yaml"))
	if err != nil {
		return nil, "", err
	}
	text = bytes.Replace(text, []byte("interval: 5s"), []byte("interval: 60s"), 1)
	dir, err := os.MkdirTemp("", "weir-bench-policy-")
	if err != nil {
		return nil, "", err
	}
	file := filepath.Join(dir, "shop.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, "", err
	}
	p, err := policy.Parse(file, text)
	return p, file, err
}

func (b *bench) newSource(began time.Time) (*source, error) {
	s, err := simulate.New(b.policy, simulate.Product{Version: "1.4.2", Services: []string{"frontend", "cart", "payment"}, Requests: 600, Errors: 3}, began)
	return &source{s: s}, err
}

// measure goes from few installs to many, each with the ones before still there.
func (b *bench) measure() error {
	time.Sleep(3 * time.Second)
	b.idleRSS, _ = b.gateway.memory()
	begin := b.gateway.cpu()
	time.Sleep(2 * time.Second)
	b.idle = float64(b.gateway.cpu()-begin) / float64(2*time.Second)

	for _, n := range []int{b.installs / 100, b.installs / 10} {
		if err := b.few(n); err != nil {
			return fmt.Errorf("%d installs: %w", n, err)
		}
	}
	return b.many(b.installs)
}

// few measures the cost of a report of n installs that are connected: as many
// reports as the many send, one interval of the past after the other.
func (b *bench) few(n int) error {
	all, err := newInstalls(n, b.made, b.authority)
	if err != nil {
		return err
	}
	b.made += n
	rounds := max(2, reportsOfFew/n)
	now := time.Now().Truncate(interval).Add(-time.Duration(rounds+1) * interval)
	source, err := b.newSource(now)
	if err != nil {
		return err
	}
	if err := b.connect(all, source, now.Add(interval)); err != nil {
		return err
	}
	c := cost{installs: n}
	begin, wall := b.gateway.cpu(), time.Now()
	for r := range rounds {
		if err := source.next(now.Add(time.Duration(r+2) * interval)); err != nil {
			return err
		}
		if err := b.pace(all, source); err != nil {
			return err
		}
		c.reports += n
	}
	c.cpu, c.wall = b.gateway.cpu()-begin, time.Since(wall)
	b.close(all)
	return b.count(c)
}

// many is the fleet: all connect, and then report in their minute.
func (b *bench) many(n int) error {
	all, err := newInstalls(n, b.made, b.authority)
	if err != nil {
		return err
	}
	b.made += n
	runtime.GC()
	now := time.Now().Truncate(interval).Add(-4 * interval)
	source, err := b.newSource(now)
	if err != nil {
		return err
	}
	began, own, theirs := time.Now(), ownCPU(), b.gateway.cpu()
	if err := b.connect(all, source, now.Add(interval)); err != nil {
		return err
	}
	b.connected, b.connectOwn, b.connectCPU = time.Since(began), ownCPU()-own, b.gateway.cpu()-theirs
	fmt.Fprintf(os.Stderr, "%d installs connected in %s\n", n, b.connected.Round(time.Millisecond))

	// A steady minute, at whose end the rules know all installs.
	if err := source.next(now.Add(2 * interval)); err != nil {
		return err
	}
	var wall time.Time
	own, theirs, wall = ownCPU(), b.gateway.cpu(), time.Now()
	if err := b.minute(all, source, now.Add(3*interval)); err != nil {
		return err
	}
	b.steadyTook = time.Since(wall)
	b.steadyOwn, b.steadyCPU = ownCPU()-own, b.gateway.cpu()-theirs
	b.rss, b.rssHigh = b.gateway.memory()
	if b.rules, err = b.gateway.rulesTime(); err != nil {
		return err
	}
	if err := b.count(cost{installs: n, reports: len(b.latencies), cpu: b.steadyCPU, wall: b.steadyTook}); err != nil {
		return err
	}
	if b.series, err = b.gateway.ask("weir_local_store_series"); err != nil {
		return err
	}
	if b.alive, err = b.gateway.ask(url.QueryEscape("weir:fleet:installs")); err != nil {
		return err
	}
	b.refused, err = b.gateway.ask(url.QueryEscape("sum(weir_gate_refused_reports_total) or sum(weir_fleet_refused_statements_total) or vector(0)"))
	b.close(all)
	return err
}

// count takes from the processor time what the gateway needs without reports:
// at rest, and for the rules, which run each minute whatever is sent.
func (b *bench) count(c cost) error {
	rules, err := b.gateway.rulesTime()
	c.cpu -= time.Duration((b.idle + float64(rules)/float64(interval)) * float64(c.wall))
	b.costs = append(b.costs, c)
	return err
}

// connect dials all and sends each one's first report.
func (b *bench) connect(all []*install, source *source, now time.Time) error {
	if err := source.next(now); err != nil {
		return err
	}
	var next atomic.Int64
	var failed atomic.Value
	var wait sync.WaitGroup
	for range connecting {
		wait.Go(func() {
			for failed.Load() == nil {
				n := next.Add(1) - 1
				if n >= int64(len(all)) {
					return
				}
				err := all[n].connect(b.gateway.addr)
				if err == nil {
					err = b.one(all[n], source)
				}
				if err != nil {
					failed.CompareAndSwap(nil, fmt.Errorf("connect: %w", err))
				}
			}
		})
	}
	wait.Wait()
	err, _ := failed.Load().(error)
	return err
}

func (b *bench) one(i *install, source *source) error {
	request, err := i.request(b.policy, source)
	if err != nil {
		return err
	}
	return i.send(request)
}

// pace sends one report of each, as many a second as the many send: what is
// synced and woken together costs less.
func (b *bench) pace(all []*install, source *source) error {
	_, err := b.spread(all, source, time.Duration(len(all))*interval/time.Duration(b.installs))
	return err
}

// minute sends the reports of a minute, each install at its own moment, and goes
// on into the next until the time is over.
func (b *bench) minute(all []*install, source *source, following time.Time) error {
	first, err := b.spread(all, source, interval)
	if err != nil {
		return err
	}
	b.latencies = first
	if rest := b.steady - interval; rest > 0 {
		if err := source.next(following); err != nil {
			return err
		}
		more, err := b.spread(all[:int(int64(len(all))*int64(rest)/int64(interval))], source, rest)
		if err != nil {
			return err
		}
		b.latencies = append(b.latencies, more...)
	}
	slices.Sort(b.latencies)
	return nil
}

// spread sends one report of each install within a time, evenly. A latency counts
// from when the report was due, so that a gateway that holds up one does not hide
// the others' wait.
func (b *bench) spread(all []*install, source *source, over time.Duration) ([]time.Duration, error) {
	latencies := make([]time.Duration, len(all))
	var failed atomic.Value
	var wait sync.WaitGroup
	began := time.Now().Add(50 * time.Millisecond)
	for n, i := range all {
		due := began.Add(time.Duration(n) * over / time.Duration(len(all)))
		// The report and its statement are there when it is due, as with an edge,
		// which records first.
		request, err := i.request(b.policy, source)
		if err != nil {
			return nil, err
		}
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		if err, _ := failed.Load().(error); err != nil {
			return nil, err
		}
		sent := time.Now()
		if sent.Sub(due) < 5*time.Millisecond {
			sent = due
		}
		wait.Go(func() {
			if err := i.send(request); err != nil {
				failed.CompareAndSwap(nil, fmt.Errorf("report: %w", err))
			}
			latencies[n] = time.Since(sent)
		})
	}
	wait.Wait()
	err, _ := failed.Load().(error)
	return latencies, err
}

func (b *bench) close(all []*install) {
	for _, i := range all {
		_ = i.conn.Close()
	}
}
