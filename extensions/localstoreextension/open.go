package localstoreextension

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/localstore/metricstore"
)

// stores are the open stores.
type stores struct {
	metrics *metricstore.Store
	logs    *logstore.Store
}

func (s *stores) close() error {
	var errs []error
	if s.logs != nil {
		errs = append(errs, s.logs.Close())
	}
	if s.metrics != nil {
		errs = append(errs, s.metrics.Close())
	}
	return errors.Join(errs...)
}

// shortRetention is what most people expect to find.
const shortRetention = 7 * 24 * time.Hour

// open opens both stores, says every two seconds how far it is, and turns what
// can go wrong into one line that says how to mend it.
func (l *localStore) open() (_ *stores, err error) {
	stop := l.state.sayEvery(2*time.Second, func(why string) { l.log.Info(why) })
	defer stop()

	if err := writable(l.cfg.Data); err != nil {
		return nil, explain(l.cfg.Data, err)
	}
	if time.Duration(l.cfg.Logs.Retention) < shortRetention {
		l.log.Warn("logs are kept for less than seven days, so an incident of last week may be gone when it is looked into",
			zap.Duration("local_store::logs::retention", time.Duration(l.cfg.Logs.Retention)))
	}
	began := time.Now()
	var segments, bytes int64 // read again from the two write-ahead logs
	s := &stores{}
	defer func() {
		if err != nil {
			err = errors.Join(explain(l.cfg.Data, err), s.close())
		}
	}()
	s.metrics, err = metricstore.Open(filepath.Join(l.cfg.Data, "metrics"), metricstore.Options{
		Retention:        time.Duration(l.cfg.Metrics.Retention),
		MaxBytes:         int64(l.cfg.Metrics.MaxBytes),
		OutOfOrderWindow: orNone(time.Duration(l.cfg.Metrics.OutOfOrderWindow)),
		MaxSeries:        l.cfg.Metrics.MaxSeries,
		Progress: func(done, total int) {
			segments = int64(total)
			l.state.progress("metrics", int64(done), int64(total), "segments")
		},
		Logger: l.warnings(),
	})
	if err != nil {
		return nil, err
	}
	s.logs, err = logstore.Open(vfs.OS, filepath.Join(l.cfg.Data, "logs"), logstore.Options{
		Retention:    time.Duration(l.cfg.Logs.Retention),
		MaxBytes:     int64(l.cfg.Logs.MaxBytes),
		MaxStreams:   l.cfg.Logs.MaxStreams,
		MaxLineBytes: int(l.cfg.Logs.MaxLineBytes),
		CutLines:     l.cfg.Logs.LongLines == cutLongLines,
		Progress: func(done, total int64) {
			bytes = total
			l.state.progress("logs", done, total, "bytes")
		},
	})
	if err != nil {
		return nil, err
	}
	l.state.progress("", 0, 0, "")
	l.warnOfDamage(s.logs.Stats())
	l.log.Info("the stores are open, their write-ahead logs are read again",
		zap.Int64("metrics_segments", segments), zap.Int64("logs_bytes", bytes), zap.Duration("took", time.Since(began)))
	return s, nil
}

// warnOfDamage says how much of the logs the start found damaged, by the kinds of
// weir_local_store_faults. What is in blocks is read, and found, later.
func (l *localStore) warnOfDamage(s logstore.Stats) {
	var found []zap.Field
	for kind, n := range faults(s) {
		if n > 0 {
			found = append(found, zap.Int64(kind, n))
		}
	}
	if found != nil {
		l.log.Warn("the stored logs are damaged; what could be read goes on being served; `weir logs verify` says in which files",
			append(found, zap.String("folder", filepath.Join(l.cfg.Data, "logs")))...)
	}
}

// orNone: in the configuration 0 is no window, in the store's options it is
// the default.
func orNone(window time.Duration) time.Duration {
	if window == 0 {
		return -1
	}
	return window
}

// writable makes the data folder if it is not there and tries to write in it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".writable-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// explain says in one line what is wrong with the data folder and what to do.
func explain(data string, err error) error {
	switch {
	case errors.Is(err, vfs.ErrLocked):
		return fmt.Errorf("data folder %s is in use by another process: stop that one, or give this one a folder of its own "+
			"(local_store::data, WEIR_DATA)", data)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("data folder %s cannot be written: %w: make it writable for this user, or name another one "+
			"(local_store::data, WEIR_DATA)", data, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("data folder %s: %w: make room on its disk, or name another folder (local_store::data, WEIR_DATA)", data, err)
	default:
		return fmt.Errorf("open the stores in %s: %w", data, err)
	}
}

// warnings is a logger for the TSDB. Its lines below a warning are many, and
// some of them hold labels of series.
func (l *localStore) warnings() *slog.Logger {
	core, err := zapcore.NewIncreaseLevelCore(l.log.Core(), zap.WarnLevel)
	if err != nil { // the logger's own level is above that already
		core = l.log.Core()
	}
	return slog.New(zapslog.NewHandler(core))
}
