// Package metricstore keeps metrics in Prometheus' own TSDB, inside the
// process, and takes them as OTLP.
//
// What it promises:
//   - Names and labels are those that Prometheus' OTLP endpoint would have
//     produced, because its converter makes them.
//   - Partial accept: a sample that cannot be stored is counted by its reason
//     and costs no other sample anything.
//   - After Append returns, kill -9 loses nothing. A power cut loses what was
//     appended since the last sync of the write-ahead log, which runs every
//     SyncInterval: at most a quarter of a second by default.
//   - A full disk makes Append fail and leaves queries alone; what was
//     acknowledged before, between and after is still there. See mend.go.
//   - One process at a time: a second one is refused with [vfs.ErrLocked].
//   - Past the series limit, new series are refused and the known ones go on.
//
// What it does not do: scrape, evaluate rules (package rules does that), answer
// remote read, or serve HTTP (package api does). Delta temporality is turned into cumulative, in
// memory; see cumulate.go.
package metricstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Defaults for Options left at zero.
const (
	DefaultRetention        = 15 * 24 * time.Hour
	DefaultOutOfOrderWindow = 10 * time.Minute
	DefaultMaxSeries        = 200_000
	DefaultSyncInterval     = 200 * time.Millisecond
	DefaultReserve          = 64 << 20
)

// maxAhead is how far in the future a sample may lie, as in Prometheus' own
// endpoints. A sample of next year would move the head there, and every
// honest one after it would be too old.
const maxAhead = 10 * time.Minute

// Options are the choices of the one who opens a store. The zero value means
// the defaults above.
type Options struct {
	// Retention is how long samples are kept. A block goes when all of it is
	// older.
	Retention time.Duration
	// MaxBytes bounds the blocks on disk; the oldest go first. Zero is no
	// bound.
	MaxBytes int64
	// OutOfOrderWindow is how much older than the newest sample of its series
	// a sample may be. Negative is none at all.
	OutOfOrderWindow time.Duration
	// MaxSeries bounds the series in memory. Negative is no bound.
	MaxSeries int
	// SyncInterval is the pace of the write-ahead log's sync.
	SyncInterval time.Duration
	// Reserve is how much of the disk stays free: with less, Append refuses
	// with ENOSPC. Zero is 64 MiB, negative is none.
	Reserve int64
	// Progress, if not nil, is called while Open reads the write-ahead log
	// again, four times a second and at its end, with the segments done and
	// their total.
	Progress func(done, total int)
	// Logger takes the TSDB's own lines; nil discards them.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Free says how many bytes a folder's disk can still take; nil asks it.
	Free func(dir string) (int64, error)
	// FS is what the sync of the write-ahead log goes through; nil is vfs.OS.
	// The TSDB itself uses the host's files in any case.
	FS vfs.FS
}

func (o Options) withDefaults() Options {
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	if o.OutOfOrderWindow == 0 {
		o.OutOfOrderWindow = DefaultOutOfOrderWindow
	}
	if o.OutOfOrderWindow < 0 {
		o.OutOfOrderWindow = 0
	}
	if o.MaxSeries == 0 {
		o.MaxSeries = DefaultMaxSeries
	}
	if o.SyncInterval <= 0 {
		o.SyncInterval = DefaultSyncInterval
	}
	if o.Reserve == 0 {
		o.Reserve = DefaultReserve
	}
	if o.Free == nil {
		o.Free = freeBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = vfs.OS
	}
	return o
}

// Store is an open TSDB. It is safe for concurrent use until Close.
type Store struct {
	dir  string
	opts Options

	limit    *limiter
	families families
	deltas   *cumulator
	syncer   *syncer
	lock     io.Closer

	accepted atomic.Int64

	// mu guards the four below, which change when the store is mended or
	// closed. Who appends holds it for reading from beginning to end.
	mu       sync.RWMutex
	db       *tsdb.DB // nil: closed, or not opened again yet
	registry *prometheus.Registry
	replay   *tsdb.DBStats
	closed   bool

	// commits lets one commit at a time reach the write-ahead log, so that
	// none follows one that tore it. See mend.go.
	commits  sync.Mutex
	torn     atomic.Bool
	lastMend time.Time // guarded by mu
}

// Open opens the store in dir and creates it if it is not there. It returns
// when the write-ahead log has been read again, which may take a while after a
// crash; Options.Progress says how far it is.
func Open(dir string, o Options) (_ *Store, err error) {
	o = o.withDefaults()
	if err := o.FS.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create metrics folder: %w", err)
	}
	// The TSDB removes leftovers of compactions before it takes its own lock.
	// Ours comes first, so that a second process cannot remove the first
	// one's work.
	lock, err := vfs.OS.Lock(filepath.Join(dir, "weir.lock"))
	if err != nil {
		return nil, fmt.Errorf("lock metrics folder %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()

	s := &Store{
		dir:    dir,
		opts:   o,
		limit:  &limiter{max: int64(o.MaxSeries)},
		deltas: newCumulator(o.MaxSeries),
		lock:   lock,
	}
	if err := s.openTSDB(); err != nil {
		return nil, err
	}
	s.syncer = newSyncer(o.FS, dir, o.SyncInterval, o.Now)
	// The names of a store just created are durable before the first sample.
	if err := errors.Join(s.syncer.sync(), o.FS.SyncDir(dir), o.FS.SyncDir(filepath.Dir(filepath.Clean(dir)))); err != nil {
		return nil, errors.Join(fmt.Errorf("sync metrics folder %s: %w", dir, err), s.db.Close())
	}
	s.syncer.start()
	return s, nil
}

// openTSDB opens the TSDB and reads its write-ahead log again. Nobody else may
// be using the store.
func (s *Store) openTSDB() error {
	s.registry, s.replay = prometheus.NewRegistry(), tsdb.NewDBStats()
	s.limit.enforce.Store(false)
	s.limit.count.Store(0)
	stop := watchReplay(s.replay, s.opts.Progress)
	db, err := tsdb.Open(s.dir, s.opts.Logger, s.registry, s.tsdbOptions(), s.replay)
	stop()
	if err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = vfs.ErrLocked
		}
		return fmt.Errorf("open metrics folder %s: %w", s.dir, err)
	}
	s.db = db
	s.limit.enforce.Store(true)
	return nil
}

// tsdbOptions are Prometheus' defaults, but for what an edge with few series
// and little memory needs otherwise.
func (s *Store) tsdbOptions() *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = s.opts.Retention.Milliseconds()
	o.MaxBytes = s.opts.MaxBytes
	o.OutOfOrderTimeWindow = s.opts.OutOfOrderWindow.Milliseconds()
	// As Prometheus does: a block spans at most a tenth of the retention, so
	// that time-based deletion stays fine-grained.
	o.MaxBlockDuration = max(o.MinBlockDuration, min((31*24*time.Hour).Milliseconds(), o.RetentionDuration/10))
	o.WALCompression = compression.Snappy
	// Small segments: the sync has less to look at, and a replay after a
	// checkpoint less to read.
	o.WALSegmentSize = 32 << 20
	// 16,384 stripes of maps cost 3 MB before the first series.
	o.StripeSize = 1024
	o.HeadChunksWriteBufferSize = 128 << 10
	o.EnableExemplarStorage = true
	// The ring is allocated in full at the start.
	o.MaxExemplars = 10_000
	o.SeriesLifecycleCallback = s.limit
	return o
}

// watchReplay reports the progress of a replay until the returned function is
// called, and then once more.
func watchReplay(of *tsdb.DBStats, progress func(done, total int)) (stop func()) {
	if progress == nil {
		return func() {}
	}
	report := func() {
		if r := replayOf(of); r.Max > r.Min {
			progress(max(0, r.Current-r.Min+1), r.Max-r.Min+1)
		}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer report()
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				report()
			}
		}
	}()
	return func() { close(done); <-ended }
}

// Close waits for those who append, syncs once more and closes the TSDB.
// Further calls do nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.syncer.stop()
	// The TSDB syncs as it closes, but does not say whether that worked.
	errs := []error{s.syncer.sync()}
	if s.db != nil {
		errs = append(errs, s.db.Close())
		s.db = nil
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Sync makes everything appended so far durable. The store does so by itself
// every SyncInterval.
func (s *Store) Sync() error { return s.syncer.sync() }

// Dir is the store's folder.
func (s *Store) Dir() string { return s.dir }

// Retention is the time for which samples are kept.
func (s *Store) Retention() time.Duration { return s.opts.Retention }

// tsdb returns the open TSDB. Its error is tsdb.ErrNotReady, which Prometheus'
// API answers with 503.
func (s *Store) tsdb() (*tsdb.DB, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return nil, tsdb.ErrNotReady
	}
	return s.db, nil
}

// Querier, ChunkQuerier and ExemplarQuerier read the store as Prometheus does.
func (s *Store) Querier(mint, maxt int64) (storage.Querier, error) {
	db, err := s.tsdb()
	if err != nil {
		return nil, err
	}
	return db.Querier(mint, maxt)
}

func (s *Store) ChunkQuerier(mint, maxt int64) (storage.ChunkQuerier, error) {
	db, err := s.tsdb()
	if err != nil {
		return nil, err
	}
	return db.ChunkQuerier(mint, maxt)
}

func (s *Store) ExemplarQuerier(ctx context.Context) (storage.ExemplarQuerier, error) {
	db, err := s.tsdb()
	if err != nil {
		return nil, err
	}
	return db.ExemplarQuerier(ctx)
}

// Gather implements prometheus.Gatherer with the TSDB's own metrics.
func (s *Store) Gather() ([]*dto.MetricFamily, error) {
	s.mu.RLock()
	registry := s.registry
	s.mu.RUnlock()
	return registry.Gather()
}
