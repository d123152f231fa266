package metricstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/localstore/metricstore"
)

func TestAppendRefusesBeforeTheDiskIsFull(t *testing.T) {
	var free atomic.Int64
	free.Store(65 << 20)
	s := open(t, t.TempDir(), metricstore.Options{Free: func(string) (int64, error) { return free.Load(), nil }})
	now := time.Now().Truncate(time.Second)
	one := func(i int) pmetric.Metrics {
		return batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now.Add(time.Duration(i)*time.Second), 1) })
	}
	add(t, s, one(0))
	free.Store(63 << 20)
	_, err := s.Append(context.Background(), one(1))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Len(t, dump(t, s, now), 1, "queries go on")
	free.Store(65 << 20)
	add(t, s, one(1))
	require.Len(t, dump(t, s, now), 2)
}

// A commit fails half-way through a record, as on a full disk. Whatever is
// acknowledged before and after is there after a kill.
func TestATornLogTakesNothingAcknowledged(t *testing.T) {
	dir, after := t.TempDir(), t.TempDir()
	clock := time.Now()
	s := open(t, dir, metricstore.Options{Now: func() time.Time { return clock }})
	base := clock.Truncate(time.Second).Add(-time.Hour)
	accepted := 0
	send := func(i, points int) error {
		res, err := s.Append(context.Background(), batch(func(ms pmetric.MetricSlice) {
			for k := range points {
				gauge(ms, "g", base.Add(time.Duration(i)*time.Second), float64(i), "k", fmt.Sprint(k))
			}
		}))
		accepted += res.Accepted
		return err
	}
	require.NoError(t, send(0, 10))

	mended := fill(t, newestSegment(t, filepath.Join(dir, "wal")))
	require.ErrorIs(t, send(1, 5000), syscall.ENOSPC)
	require.Len(t, dump(t, s, base), 10, "queries go on")
	mended()

	require.NoError(t, send(2, 10), "there is room again")
	require.NoError(t, send(3, 5000))
	clock = clock.Add(time.Minute)
	require.NoError(t, send(4, 10))
	require.Len(t, dump(t, s, base), accepted)
	require.EqualValues(t, 5000, s.Stats().Series)

	require.NoError(t, os.CopyFS(after, os.DirFS(dir)))
	require.Len(t, dump(t, open(t, after, metricstore.Options{}), base), accepted)
}

// fill makes every further write to a file that this process has open fail
// with ENOSPC, until the returned function is called.
func fill(t *testing.T, name string) (undo func()) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, e := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err != nil || target != name {
			continue
		}
		var fd int
		_, err := fmt.Sscan(e.Name(), &fd)
		require.NoError(t, err)
		saved, err := syscall.Dup(fd)
		require.NoError(t, err)
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		require.NoError(t, err)
		defer full.Close()
		require.NoError(t, syscall.Dup3(int(full.Fd()), fd, syscall.O_CLOEXEC))
		return func() {
			require.NoError(t, syscall.Dup3(saved, fd, syscall.O_CLOEXEC))
			require.NoError(t, syscall.Close(saved))
		}
	}
	t.Fatalf("%s is not open", name)
	return nil
}
