package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/internal/canary"
	"github.com/weir-telemetry/weir/internal/netlab"
	"github.com/weir-telemetry/weir/internal/rehearsal"
	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
	"github.com/weir-telemetry/weir/redaction/consent"
)

// enough is how many reports are waited for.
const enough = 3

func (p *prover) run() (*proof, error) {
	d, err := rehearsal.ParseDestination(p.policy.Destination)
	if err != nil {
		return nil, err
	}
	lab, err := netlab.New(d.Addr.Addr())
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	world, err := rehearsal.NewWorld(lab, d, p.dir)
	if err != nil {
		return nil, err
	}
	defer world.Close()
	edge := &rehearsal.Edge{
		Lab: lab, Collector: p.collector, Config: p.config, Root: filepath.Dir(filepath.Dir(p.config)), Dir: p.dir,
		Policy: p.file, CAFile: world.CAFile, Resolve: d,
	}
	target, err := edge.ServeTarget()
	if err != nil {
		return nil, err
	}
	defer target.Close()
	r := &proof{
		Policy: fmt.Sprintf("%s %s revision %d, every %v", p.policy.Vendor, p.policy.Product, p.policy.Revision, p.policy.Interval),
		Digest: p.policy.Digest.String(), Destination: p.policy.Destination, Address: d.Addr.String(), Inputs: rehearsal.Inputs,
	}
	if err := edge.Start(); err != nil {
		return nil, err
	}
	defer edge.Kill()
	if err := edge.Ready(60 * time.Second); err != nil {
		return nil, fmt.Errorf("%w; it said:\n%s", err, edge.Said())
	}
	if err := edge.Feed(context.Background()); err != nil {
		return nil, fmt.Errorf("feed the edge: %w", err)
	}
	p.progress("the edge runs; nobody has accepted the policy yet")
	time.Sleep(min(2*p.policy.Interval, 5*time.Second) + time.Second)
	before := lab.Packets()
	r.Before = netlab.Summarize(before)

	if _, err := consent.Accept(vfs.OS, edge.Data(), p.policy, "weir egress prove", "a rehearsal on a wire of its own", time.Now()); err != nil {
		return nil, err
	}
	// The offset and the interval that is under way come first.
	wait := (enough+2)*p.policy.Interval + 30*time.Second
	p.progress(fmt.Sprintf("the policy is in force; %d reports are waited for, %v at most", enough, wait))
	for end := time.Now().Add(wait); time.Now().Before(end) && len(world.Requests()) < enough; time.Sleep(100 * time.Millisecond) {
		if err := edge.Feed(context.Background()); err != nil {
			return nil, fmt.Errorf("feed the edge: %w", err)
		}
		time.Sleep(400 * time.Millisecond)
	}
	if err := edge.Stop(); err != nil {
		p.progress(err.Error()) // it was killed then; what it sent is what counts
	}
	time.Sleep(100 * time.Millisecond) // the last frames
	return r, p.judge(r, lab, world, edge, d)
}

// judge compares what was on the wire, what arrived and what is recorded.
func (p *prover) judge(r *proof, lab *netlab.Lab, world *rehearsal.World, edge *rehearsal.Edge, d rehearsal.Destination) error {
	packets, requests := lab.Packets(), world.Requests()
	r.During = netlab.Summarize(packets[len(before(packets, r.Before)):])
	r.Requests = len(requests)
	for _, q := range requests {
		r.Bytes += len(q.Body)
	}
	lost, err := lab.Lost()
	if err != nil {
		return err
	}
	r.check("every frame on the wire was seen", lost == 0, fmt.Sprintf("%d were not; run it again on a machine that is less busy", lost))
	r.check("nothing left before the policy was accepted", len(r.Before) == 0, "what did is listed above")
	r.check(fmt.Sprintf("reports left while it was in force, at least %d", enough), len(requests) >= enough, fmt.Sprintf("%d did; what the edge said:\n%s", len(requests), edge.Said()))

	elsewhere := ""
	for _, l := range r.During {
		if l.Proto != "tcp" || l.To != d.Addr.String() {
			elsewhere += fmt.Sprintf("%s to %s; ", l.Proto, l.To)
		}
	}
	if names := rehearsal.Asked(packets); len(names) > 0 {
		hint := strings.Join(names, ", ")
		if own, err := os.Hostname(); err == nil && slices.Contains(names, own) {
			hint += "; the Prometheus receiver looks up the host's own name when it starts: write that into /etc/hosts, and it need not ask"
		}
		r.check("no resolver was asked for a name", false, hint)
	} else {
		r.check("no resolver was asked for a name", true, "")
	}
	r.check("every packet went to the destination, over TCP", elsewhere == "", elsewhere)

	streams, err := netlab.Streams(packets)
	for _, s := range streams {
		if err == nil && !world.Heard(s) {
			err = fmt.Errorf("the stream from %s is not what arrived", s.Src)
		}
	}
	r.check("put together, the packets are what arrived, byte for byte", err == nil && len(streams) > 0, fmt.Sprint(err))
	plain := 0
	for _, s := range streams {
		if len(s.Data) > 0 && s.Data[0] != 22 { // a TLS handshake record
			plain++
		}
	}
	r.check("all of it was TLS", plain == 0, fmt.Sprintf("%d connections were not", plain))

	recorded, err := reports(edge.Data())
	if err != nil {
		return err
	}
	difference := ""
	for i, q := range requests {
		if i >= len(recorded) || !bytes.Equal(q.Body, recorded[i].Body) || recorded[i].Destination != p.policy.Destination {
			difference = fmt.Sprintf("request %d is not report %d of the ledger", i+1, i+1)
			break
		}
	}
	r.check("inside TLS were the ledger's reports, byte for byte and in order, and nothing else", difference == "" && len(requests) > 0, difference)
	heads := map[string]bool{}
	for _, q := range requests {
		heads[q.Head] = true
	}
	r.check("every request had the same head but for its length", len(heads) == 1, fmt.Sprintf("%d different ones", len(heads)))
	v, err := ledger.Verify(vfs.OS, filepath.Join(edge.Data(), "ledger"), nil)
	r.check("the ledger is whole", err == nil && v.OK(), "run 'weir ledger verify'")

	found := ""
	look := func(what string, data []byte) {
		if form, at := canary.Find(data); at >= 0 {
			found += fmt.Sprintf("%s (%s); ", what, form)
		}
	}
	for _, q := range requests {
		look("a body", q.Body)
		look("a head", []byte(q.Head))
	}
	for _, s := range streams {
		look("a packet", s.Data)
	}
	for _, rec := range recorded {
		look("the ledger", rec.Body)
	}
	look("what the edge printed", []byte(edge.Said()))
	r.check("no canary was in any of it", found == "", found)
	there, err := stored(edge.Data())
	r.check("the canaries did come in: they are stored at home", err == nil && there, fmt.Sprint(err))

	r.OK = true
	for _, c := range r.Checks {
		r.OK = r.OK && c.OK
	}
	return nil
}

// before is the part of packets that lines are the sum of.
func before(packets []netlab.Packet, lines []netlab.Line) []netlab.Packet {
	n := 0
	for _, l := range lines {
		n += l.Packets
	}
	for i, p := range packets {
		if n == 0 {
			return packets[:i]
		}
		if !p.FromFar {
			n--
		}
	}
	return packets
}

// reports are those in the ledger, in order.
func reports(data string) ([]ledger.Record, error) {
	rd, err := ledger.NewReader(vfs.OS, filepath.Join(data, "ledger"), -1)
	if err != nil {
		return nil, err
	}
	var out []ledger.Record
	return out, rd.Read(func(rec ledger.Record) error {
		if rec.Kind == ledger.KindReport {
			rec.Body = bytes.Clone(rec.Body)
			out = append(out, rec)
		}
		return nil
	})
}

// stored says whether a canary is in the local stores.
func stored(data string) (bool, error) {
	found := false
	err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || found {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, at := canary.Find(b)
		found = at >= 0
		return nil
	})
	return found, err
}
