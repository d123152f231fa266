package main

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-telemetry/weir/internal/lokipush"
)

// pair is ours and the peer.
type pair struct{ ours, loki *server }

func (p pair) each(do func(*server) error) error {
	for _, s := range []*server{p.ours, p.loki} {
		if s == nil {
			continue
		}
		if err := do(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (p pair) stop() {
	_ = p.each(func(s *server) error { return s.stop() })
}

// ingest sends both the same requests and measures each until all is on the
// disk. The collector writes its blocks when it ends and is then started again;
// Loki does so when asked.
func ingest(f *figures, p pair, begin time.Time, span time.Duration, bytes int64) (*corpus, error) {
	c := newCorpus(begin, span, bytes)
	used := map[*server]time.Duration{}
	peaks, disks := map[*server]float64{}, map[*server]float64{}
	if err := p.each(func(s *server) (err error) { used[s], err = s.used(); return err }); err != nil {
		return nil, err
	}
	if err := send(p, c, begin.Add(span-time.Second)); err != nil {
		return nil, err
	}
	if err := flushLoki(p.loki); err != nil {
		return nil, err
	}
	err := p.each(func(s *server) error {
		now, err := s.used()
		if err != nil {
			return err
		}
		used[s] = now - used[s]
		peaks[s], err = s.peak()
		return err
	})
	if err != nil {
		return nil, err
	}
	before, err := p.ours.used()
	if err != nil {
		return nil, err
	}
	cmd := p.ours.cmd
	if err := p.ours.stop(); err != nil {
		return nil, err
	}
	used[p.ours] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime() - before // the last flush
	if disks[p.ours], err = p.ours.disk(); err != nil {
		return nil, err
	}
	if disks[p.loki], err = p.loki.disk("wal"); err != nil { // which Loki keeps until its next checkpoint
		return nil, err
	}
	if err := p.ours.start(); err != nil {
		return nil, err
	}
	mb := float64(c.bytes) / 1e6
	err = p.each(func(s *server) error {
		f.note(s.name+": ingest over HTTP, MB a second of processor time", mb/used[s].Seconds())
		f.note(s.name+": peak resident during ingest, MB", peaks[s]/1e6)
		f.note(s.name+": disk per line byte", disks[s]/float64(c.bytes))
		return nil
	})
	f.note("lines", float64(c.lines))
	f.note("MB of lines", mb)
	f.atLeast("ingest_over_http_per_loki", used[p.loki].Seconds()/used[p.ours].Seconds(), 2)
	f.atMost("peak_resident_per_loki", peaks[p.ours]/peaks[p.loki], 0.25)
	f.atMost("disk_per_loki_with_snappy", disks[p.ours]/disks[p.loki], 0.65)
	return c, err
}

// flushLoki has Loki write what it holds to the disk and waits until it holds
// nothing: while it waits for the disk it seems to be at rest.
func flushLoki(s *server) error {
	resp, err := http.Post(s.base+"/flush", "", nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	for range 180 {
		chunks, err := s.metric("loki_ingester_memory_chunks")
		if err != nil {
			return err
		}
		if chunks == 0 {
			return settle(s)
		}
		time.Sleep(time.Second)
	}
	return errors.New("it does not write all it holds")
}

// withGzip measures what the same logs take of a Loki that packs them as it
// does by default.
func withGzip(f *figures, dir, loki string, bytes int64) error {
	s, err := newLoki(loki, filepath.Join(dir, "loki-gzip"), "gzip")
	if err != nil {
		return err
	}
	p := pair{loki: s}
	defer p.stop()
	if err := s.start(); err != nil {
		return err
	}
	before, err := s.used()
	if err != nil {
		return err
	}
	begin := time.Now().Truncate(time.Minute).Add(-time.Hour)
	c := newCorpus(begin, time.Hour, bytes)
	if err := send(p, c, begin.Add(time.Hour-time.Second)); err != nil {
		return err
	}
	if err := flushLoki(s); err != nil {
		return err
	}
	after, err := s.used()
	if err != nil {
		return err
	}
	disk, err := s.disk("wal")
	if err != nil {
		return err
	}
	f.note("loki with gzip: ingest over HTTP, MB a second of processor time", float64(c.bytes)/1e6/(after-before).Seconds())
	f.note("loki with gzip: disk per line byte", disk/float64(c.bytes))
	f.atMost("disk_per_loki_with_gzip", f.noted("ours: disk per line byte")*float64(c.bytes)/disk, 0.65)
	return nil
}

// senders is how many send to a server at one time.
const senders = 4

// send gives both servers the same requests until the corpus has come to its
// end.
func send(p pair, c *corpus, until time.Time) error {
	var g errgroup.Group
	queues := map[*server]chan []byte{}
	stop := make(chan struct{})
	var once sync.Once
	_ = p.each(func(s *server) error {
		q := make(chan []byte, 2*senders)
		queues[s] = q
		for range senders {
			g.Go(func() error {
				for body := range q {
					if err := s.push(body); err != nil {
						once.Do(func() { close(stop) })
						return err
					}
				}
				return nil
			})
		}
		return nil
	})
	g.Go(func() error {
		defer p.each(func(s *server) error { close(queues[s]); return nil })
		for c.now.Before(until) {
			body, err := lokipush.Encode(c.batch())
			if err != nil {
				return err
			}
			for _, q := range queues {
				select {
				case q <- body:
				case <-stop:
					return nil
				}
			}
		}
		return nil
	})
	return g.Wait()
}

// settle waits until a server has nothing more to do.
func settle(s *server) error {
	for range 120 {
		if err := s.rest(time.Second); err != nil {
			return err
		}
		if s.idle < 0.05 {
			return nil
		}
	}
	return fmt.Errorf("it does not come to rest")
}
