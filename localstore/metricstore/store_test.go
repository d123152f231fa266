package metricstore_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/metricstore"
)

func TestKillLosesNothing(t *testing.T) {
	dir, after := t.TempDir(), t.TempDir()
	s := open(t, dir, metricstore.Options{SyncInterval: time.Hour})
	now := time.Now().Truncate(time.Second)
	add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1) }))
	// What a killed process leaves is what the kernel has.
	require.NoError(t, os.CopyFS(after, os.DirFS(dir)))
	require.Equal(t, dump(t, s, now), dump(t, open(t, after, metricstore.Options{}), now))
}

func TestReopenedStoreAnswersTheSame(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().Truncate(time.Second)
	s, err := metricstore.Open(dir, metricstore.Options{})
	require.NoError(t, err)
	add(t, s, batch(func(ms pmetric.MetricSlice) {
		for i := range 10 {
			gauge(ms, "g", now, 1, "i", fmt.Sprint(i))
		}
	}))
	before := dump(t, s, now)
	require.Len(t, before, 10)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is closing once")

	// A limit below what is stored refuses new series, not stored ones.
	s = open(t, dir, metricstore.Options{MaxSeries: 5})
	require.Equal(t, before, dump(t, s, now))
	res := add(t, s, batch(func(ms pmetric.MetricSlice) {
		gauge(ms, "g", now.Add(time.Second), 2, "i", "3")
		gauge(ms, "new", now.Add(time.Second), 2)
	}))
	require.Equal(t, map[metricstore.Reason]int{"series_limit": 1}, res.Rejected)
}

func TestSecondProcessIsRefusedWithTheFolder(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, metricstore.Options{})
	_, err := metricstore.Open(dir, metricstore.Options{})
	require.ErrorIs(t, err, vfs.ErrLocked)
	require.ErrorContains(t, err, dir)
}

func TestFolderThatCannotBeMadeIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := metricstore.Open(filepath.Join(file, "metrics"), metricstore.Options{})
	require.ErrorContains(t, err, file)
}

// syncs records what the store syncs and how long the file was then.
type syncs struct {
	vfs.FS
	mu    sync.Mutex
	sizes map[string]int64
	fail  error
}

func (s *syncs) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := s.FS.OpenFile(name, flag, perm)
	return &syncedFile{f, s}, err
}

type syncedFile struct {
	vfs.File
	s *syncs
}

func (f *syncedFile) Sync() error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if f.s.fail != nil {
		return f.s.fail
	}
	f.s.sizes[f.Name()] = st.Size()
	return f.File.Sync()
}

func (s *syncs) setFail(err error) { s.mu.Lock(); s.fail = err; s.mu.Unlock() }

func (s *syncs) size(name string) int64 { s.mu.Lock(); defer s.mu.Unlock(); return s.sizes[name] }

func TestWriteAheadLogIsSyncedSoonAfterEachCommit(t *testing.T) {
	dir := t.TempDir()
	rec := &syncs{FS: vfs.OS, sizes: map[string]int64{}}
	s := open(t, dir, metricstore.Options{FS: rec, SyncInterval: 20 * time.Millisecond})
	now := time.Now().Truncate(time.Second)
	for i, log := range []string{"wal", "wal", "wbl"} {
		// The third sample is older than the second: it goes to the other log too.
		at := now.Add([]time.Duration{0, time.Minute, 0}[i] - time.Duration(i)*time.Second)
		add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", at, 1) }))
		newest := newestSegment(t, filepath.Join(dir, log))
		st, err := os.Stat(newest)
		require.NoError(t, err)
		require.Positive(t, st.Size())
		require.Eventually(t, func() bool { return rec.size(newest) >= st.Size() }, 5*time.Second, 5*time.Millisecond,
			"%s has %d bytes that were never synced", filepath.Base(newest), st.Size())
	}
	require.Eventually(t, func() bool { return s.Stats().Unsynced == 0 }, 5*time.Second, 5*time.Millisecond)

	idle := s.Stats().Syncs
	time.Sleep(100 * time.Millisecond)
	require.Equal(t, idle, s.Stats().Syncs, "nothing new, nothing to sync")
}

func TestFailedSyncIsCountedAndTriedAgain(t *testing.T) {
	rec := &syncs{FS: vfs.OS, sizes: map[string]int64{}}
	s := open(t, t.TempDir(), metricstore.Options{FS: rec, SyncInterval: 5 * time.Millisecond})
	rec.setFail(errors.New("disk on fire"))
	now := time.Now()
	add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now, 1) }))
	require.Eventually(t, func() bool { return s.Stats().SyncFailures > 1 && s.Stats().Unsynced > 0 }, 5*time.Second, time.Millisecond)
	require.ErrorContains(t, s.Sync(), "disk on fire")
	rec.setFail(nil)
	require.Eventually(t, func() bool { return s.Stats().Unsynced == 0 }, 5*time.Second, time.Millisecond)
}

func newestSegment(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var newest string
	for _, e := range entries {
		if !e.IsDir() && !strings.Contains(e.Name(), ".") {
			newest = filepath.Join(dir, e.Name())
		}
	}
	require.NotEmpty(t, newest)
	return newest
}

func TestStatsSayWhatIsThere(t *testing.T) {
	s := open(t, t.TempDir(), metricstore.Options{})
	require.Zero(t, s.Stats().Oldest)
	now := time.Now().Truncate(time.Second)
	for i := range 3 {
		add(t, s, batch(func(ms pmetric.MetricSlice) { gauge(ms, "g", now.Add(time.Duration(i)*time.Second), 1) }))
	}
	st := s.Stats()
	require.EqualValues(t, 1, st.Series)
	require.EqualValues(t, 3, st.Samples)
	require.True(t, now.Equal(st.Oldest), st.Oldest)
	require.True(t, now.Add(2*time.Second).Equal(st.Newest), st.Newest)
	require.Positive(t, st.DiskBytes)
}

func TestReplaySaysHowFarItIs(t *testing.T) {
	dir := t.TempDir()
	s, err := metricstore.Open(dir, metricstore.Options{})
	require.NoError(t, err)
	base := time.Now().Truncate(time.Second).Add(-time.Hour)
	for i := range 60 {
		_, err := s.Append(context.Background(), batch(func(ms pmetric.MetricSlice) {
			for k := range 2000 {
				gauge(ms, "g", base.Add(time.Duration(i)*time.Second), float64(i), "k", fmt.Sprint(k))
			}
		}))
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	var last [2]int
	s = open(t, dir, metricstore.Options{Progress: func(done, total int) { last = [2]int{done, total} }})
	require.Greater(t, last[1], 1)
	require.Equal(t, last[1], last[0], "the last word is that all is done")
	require.EqualValues(t, 2000, s.Stats().Series)
}
