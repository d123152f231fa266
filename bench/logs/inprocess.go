package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sys/unix"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
)

// processTime is this process' own processor time.
func processTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// inProcess measures the store without any protocol: what it needs on the disk,
// and what it costs over the bare compression of the lines. The two take turns,
// many times and shortly, and the middle one of all ratios counts, since a
// machine is seldom as fast as it was a second ago.
func inProcess(f *figures, dir string, bytes int64) error {
	// Where two processors are one core's two threads, what runs on both takes
	// longer on each; only one side would pay for that.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	whole := sample(bytes)
	folder := filepath.Join(dir, "ingest")
	_, disk, err := ingestAlone(folder, whole)
	if err != nil {
		return err
	}
	f.atMost("disk_per_raw", float64(disk)/float64(whole.bytes), 0.25)
	short := sample(min(bytes, 40e6))
	var ratios, speeds []float64
	before := bareZstd(short.batches)
	for range 9 {
		used, _, err := ingestAlone(folder, short)
		if err != nil {
			return err
		}
		after := bareZstd(short.batches)
		ratios = append(ratios, (before+after).Seconds()/2/used.Seconds())
		speeds = append(speeds, float64(short.bytes)/1e6/used.Seconds())
		before = after
	}
	f.note("in process: ingest, MB a second of processor time", median(speeds))
	f.note("in process: the least and the most of bare zstd's speed in nine rounds", slices.Min(ratios), slices.Max(ratios))
	f.atLeast("ingest_synced_per_bare_zstd", median(ratios), 0.4)
	return nil
}

// sampled is a part of the corpus, ready made.
type sampled struct {
	*corpus
	batches [][]logstore.Stream
}

func sample(bytes int64) sampled {
	s := sampled{corpus: newCorpus(time.Now().Add(-2*time.Hour), time.Hour, bytes)}
	for s.bytes < bytes {
		s.batches = append(s.batches, s.batch())
	}
	return s
}

// ingestAlone is the processor time of storing a sample, all of it synced and then
// flushed, and what that takes on the disk.
func ingestAlone(folder string, c sampled) (used time.Duration, disk int64, err error) {
	defer os.RemoveAll(folder)
	s, err := logstore.Open(vfs.OS, folder, logstore.Options{MaintainEvery: -1})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	start := processTime()
	for _, b := range c.batches {
		res, err := s.Append(context.Background(), b)
		if err != nil || len(res.Rejected) > 0 {
			return 0, 0, fmt.Errorf("append: %v %w", res.Rejected, err)
		}
	}
	if err := s.Flush(context.Background()); err != nil {
		return 0, 0, err
	}
	used = processTime() - start
	st := s.Stats()
	if st.Entries != c.lines {
		return 0, 0, fmt.Errorf("%d entries are stored, %d were appended", st.Entries, c.lines)
	}
	return used, st.DiskBytes, nil
}

// bareZstd is the processor time of compressing the lines at zstd's fastest
// level, gathered by stream into blocks of 512 KiB: what no store that keeps
// them compressed can do without.
func bareZstd(batches [][]logstore.Stream) time.Duration {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	open := map[uint64][]byte{}
	var blocks [][]byte
	for _, b := range batches {
		for _, s := range b {
			h := s.Labels.Hash()
			for _, e := range s.Entries {
				open[h] = append(open[h], e.Line...)
			}
			if len(open[h]) >= 512<<10 {
				blocks = append(blocks, open[h])
				delete(open, h)
			}
		}
	}
	for _, b := range open {
		blocks = append(blocks, b)
	}
	start := processTime()
	var out []byte
	for _, b := range blocks {
		out = enc.EncodeAll(b, out[:0])
	}
	return processTime() - start
}

// sameHour measures whether ten times as many logs make a query over one hour
// dearer: the hour's blocks are found by their times. The query is asked when
// the store has that hour, and again when it has nine more.
func sameHour(f *figures, dir string, bytes int64) error {
	begin := time.Now().Add(-20 * time.Hour).Truncate(time.Hour)
	const hours = 10
	s, err := logstore.Open(vfs.OS, filepath.Join(dir, "hours"), logstore.Options{MaintainEvery: -1, Workers: 1})
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Join(dir, "hours"))
	defer s.Close()
	c := newCorpus(begin, hours*time.Hour, hours*bytes)
	one, n1, err := firstHour(s, c, begin, 1)
	if err != nil {
		return err
	}
	f.note("the hour alone: MB of lines, ms for the query", float64(s.Stats().RawBytes)/1e6, one/1e6)
	ten, n10, err := firstHour(s, c, begin, hours)
	if err != nil {
		return err
	}
	f.note("of ten hours: MB of lines, ms for the query", float64(s.Stats().RawBytes)/1e6, ten/1e6)
	if n1 == 0 || n10 != n1 {
		return fmt.Errorf("the hour has %d and %d hits", n1, n10)
	}
	f.atMost("ten_hours_per_one_for_the_same_hour", ten/one, 1.2)
	return nil
}

// firstHour fills the store up to so many hours and returns the processor time,
// in nanoseconds, and the hits of a query over the first of them.
func firstHour(s *logstore.Store, c *corpus, begin time.Time, hours int) (cost float64, hits int64, err error) {
	for c.now.Before(begin.Add(time.Duration(hours) * time.Hour)) {
		if _, err := s.Append(context.Background(), c.batch()); err != nil {
			return 0, 0, err
		}
	}
	if err := s.Flush(context.Background()); err != nil {
		return 0, 0, err
	}
	var times []float64
	for range 7 {
		hits = 0
		start := processTime()
		err := s.Scan(context.Background(), logstore.Selection{Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, "app", ".+")},
			From: begin.UnixNano(), To: begin.Add(time.Hour).UnixNano(), Contains: []string{"timeout after"}},
			func(*logstore.Record) error { hits++; return nil })
		if err != nil {
			return 0, 0, err
		}
		times = append(times, float64(processTime()-start))
	}
	return median(times), hits, nil
}
