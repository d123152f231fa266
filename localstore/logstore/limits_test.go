package logstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func entryAt(t time.Time, line string) Entry { return Entry{Timestamp: t.UnixNano(), Line: line} }

// Each refusal has its reason, and refuses nothing else of the same Append.
func TestRefusalsAreCountedByReason(t *testing.T) {
	c := newClock()
	o := testOptions(c)
	o.MaxLineBytes, o.MaxMetadataBytes = 10, 20
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	good := labels.FromStrings("app", "a")
	res, err := s.Append(context.Background(), []Stream{
		{Labels: good, Entries: []Entry{
			entryAt(epoch, "fine"),
			entryAt(epoch, "0123456789"),
			entryAt(epoch, "0123456789x"),
			entryAt(epoch.Add(-7*24*time.Hour), "oldest"),
			entryAt(epoch.Add(-7*24*time.Hour-1), "too old"),
			entryAt(epoch.Add(10*time.Minute), "newest"),
			entryAt(epoch.Add(10*time.Minute+1), "too new"),
			{Timestamp: epoch.UnixNano(), Line: "m", Metadata: labels.FromStrings("k", strings.Repeat("v", 20))},
			{Timestamp: epoch.UnixNano(), Line: "m", Metadata: labels.FromStrings("k", strings.Repeat("v", 19))},
		}},
		{Labels: labels.EmptyLabels(), Entries: []Entry{entryAt(epoch, "x"), entryAt(epoch, "y")}},
		{Labels: labels.FromStrings("a.b", "c"), Entries: []Entry{entryAt(epoch, "x")}},
		{Labels: labels.FromStrings("a", "\xff"), Entries: []Entry{entryAt(epoch, "x")}},
		{Labels: labels.FromStrings("a", ""), Entries: []Entry{entryAt(epoch, "x")}},
		{Labels: labels.FromStrings("a", strings.Repeat("v", 2049)), Entries: []Entry{entryAt(epoch, "x")}},
		{Labels: labels.New(labels.Label{Name: "a", Value: "1"}, labels.Label{Name: "a", Value: "2"}), Entries: []Entry{entryAt(epoch, "x")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[Reason]int{LineTooLong: 1, TooOld: 1, TooFarAhead: 1, MetadataTooLarge: 1, InvalidLabels: 7}
	if res.Accepted != 5 || !maps.Equal(res.Rejected, want) {
		t.Errorf("accepted %d, rejected %v, want 5 and %v", res.Accepted, res.Rejected, want)
	}
	if n := len(iterate(t, s, all)); n != 5 {
		t.Errorf("%d records, want 5", n)
	}
	for r, n := range want {
		if got := s.Stats().Rejected[r]; got != int64(n) {
			t.Errorf("stats say %d for %s, want %d", got, r, n)
		}
	}
}

func numbered(n int) []Stream {
	return []Stream{{Labels: labels.FromStrings("app", fmt.Sprint(n)), Entries: []Entry{entryAt(epoch, "x"), entryAt(epoch, "y")}}}
}

// One sender's explosion of streams leaves the streams before it alone, and
// room comes back when streams fall silent.
func TestTheStreamLimitSparesExistingStreams(t *testing.T) {
	c := newClock()
	o := testOptions(c)
	o.MaxStreams = 3
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	for n := range 3 {
		mustAppend(t, s, numbered(n))
	}
	res, err := s.Append(context.Background(), append(numbered(7), numbered(0)...))
	if err != nil || res.Accepted != 2 || res.Rejected[StreamLimit] != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	c.add(streamIdle)
	mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "1"), Entries: []Entry{entryAt(c.t, "still here")}}})
	if err := s.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.ActiveStreams != 1 || st.Streams != 3 {
		t.Fatalf("%d active of %d, want 1 of 3", st.ActiveStreams, st.Streams)
	}
	mustAppend(t, s, numbered(7))
}

// Retention drops whole days, first from answers and labels, then from the
// disk, and their streams with them.
func TestRetentionDropsWholeDays(t *testing.T) {
	c := newClock()
	m := vfs.NewMem()
	o := testOptions(c)
	o.Retention = 48 * time.Hour
	s := open(t, m, o)
	mustAppend(t, s, []Stream{
		{Labels: labels.FromStrings("app", "old"), Entries: []Entry{entryAt(epoch.Add(-24*time.Hour), "yesterday")}},
		{Labels: labels.FromStrings("app", "new"), Entries: []Entry{entryAt(epoch, "today")}},
	})
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	days := func() []string { d, _ := listDays(m, "/data/logs"); return d }
	if !slices.Equal(days(), []string{"2026-11-20", "2026-11-21"}) {
		t.Fatal(days())
	}
	c.t = time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC)
	if err := s.Maintain(context.Background()); err != nil || len(days()) != 2 {
		t.Fatal("a day was dropped while its last second is within the retention", err)
	}
	c.t = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	if err := s.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(days(), []string{"2026-11-21"}) || len(iterate(t, s, all)) != 1 {
		t.Fatal(days(), iterate(t, s, all))
	}
	v, err := s.LabelValues(context.Background(), "app", nil, 0, 1<<62)
	if err != nil || !slices.Equal(v, []string{"new"}) {
		t.Fatal(v, err)
	}
	if st := s.Stats(); st.Streams != 1 || st.DroppedFiles != 1 {
		t.Fatalf("%+v", st)
	}
	s.shutdown()
	s = open(t, m, o)
	defer s.shutdown()
	if len(iterate(t, s, all)) != 1 {
		t.Fatal("the dropped day is back")
	}
}

func TestTheSizeLimitDropsTheOldestFirst(t *testing.T) {
	c := newClock()
	o := testOptions(c)
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	for n := range 4 {
		e := entryAt(epoch.Add(time.Duration(n%2-1)*24*time.Hour), fmt.Sprint("line ", n))
		mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "a"), Entries: []Entry{e}}})
		if err := s.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	size := s.Stats().DiskBytes
	s.o.MaxBytes = size*3/4 + 8
	if err := s.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(iterate(t, s, all), "\n")
	if strings.Contains(got, "line 0") || !strings.Contains(got, "line 2") || s.Stats().Files != 3 {
		t.Fatalf("after one step:\n%s", got)
	}
	s.o.MaxBytes = size/2 + 8
	if err := s.Maintain(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(iterate(t, s, all), "\n"); strings.Contains(got, "line 2") || !strings.Contains(got, "line 1") || !strings.Contains(got, "line 3") {
		t.Fatalf("after two steps:\n%s", got)
	}
}

func TestTheHeadIsFlushedByAge(t *testing.T) {
	c := newClock()
	s := open(t, vfs.NewMem(), testOptions(c))
	defer s.shutdown()
	mustAppend(t, s, numbered(1))
	c.add(time.Hour - 1)
	_ = s.Maintain(context.Background())
	if s.Stats().Flushes != 0 {
		t.Fatal("flushed too early")
	}
	c.add(1)
	_ = s.Maintain(context.Background())
	if st := s.Stats(); st.Flushes != 1 || st.HeadBytes != 0 || st.WALBytes != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestOneProcessPerFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(vfs.OS, dir, Options{MaintainEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(vfs.OS, dir, Options{MaintainEvery: -1})
	if !errors.Is(err, vfs.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(context.Background(), numbered(1)); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
	s, err = Open(vfs.OS, dir, Options{MaintainEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// A full disk: senders get an error, queries go on, memory stays bounded, and
// when there is room work goes on by itself with nothing lost.
func TestAFullDiskHeals(t *testing.T) {
	c := newClock()
	m := vfs.NewMem()
	var full atomic.Bool
	m.Inject = func(op vfs.Op) error {
		if full.Load() && op.Kind == vfs.OpWrite && !op.After {
			return syscall.ENOSPC
		}
		return nil
	}
	o := testOptions(c)
	o.HeadBytes = 2000
	s := open(t, m, o)
	var acked, tried []int
	for n := 1; n <= 120; n++ {
		full.Store(n%12 >= 6)
		tried = append(tried, n)
		_, err := s.Append(context.Background(), batchOf(n))
		if err == nil {
			acked = append(acked, n)
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if full.Load() && err == nil {
			t.Fatal("acknowledged on a full disk")
		}
		if st := s.Stats(); st.HeadBytes > 3*int64(o.HeadBytes) {
			t.Fatalf("the head grew to %d bytes", st.HeadBytes)
		}
		if got := batchesIn(t, s, n); got < len(acked) {
			t.Fatalf("%d batches answered of %d acknowledged", got, len(acked))
		}
		c.add(flushRetry)
	}
	if len(acked) < 50 {
		t.Fatalf("only %d batches were acknowledged", len(acked))
	}
	if len(filesUnder(t, m, "/data/logs", ".tmp")) > 0 {
		t.Fatal("temporary files are left")
	}
	full.Store(false)
	s.shutdown()
	verifyHistory(t, m.Crash(), o, acked, tried, "after the last round")
}

// Concurrent Appends share syncs.
func TestConcurrentAppendsShareASync(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, testOptions(newClock()))
	defer s.shutdown()
	var syncs atomic.Int64
	hold := make(chan struct{})
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && !op.After && syncs.Add(1) == 1 {
			<-hold // until all have queued behind the first
		}
		return nil
	}
	const callers = 20
	var wg sync.WaitGroup
	for n := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mustAppend(t, s, batchOf(n+1))
		}()
	}
	for start := time.Now(); ; {
		s.queue.mu.Lock()
		n := len(s.queue.waiting)
		s.queue.mu.Unlock()
		if n >= callers/2 {
			break
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal("appends do not queue behind a sync")
		}
		time.Sleep(time.Millisecond)
	}
	close(hold)
	wg.Wait()
	if n := syncs.Load(); n > callers/2+2 {
		t.Fatalf("%d syncs for %d appends", n, callers)
	}
	if got := batchesIn(t, s, callers); got != callers {
		t.Fatalf("%d batches of %d", got, callers)
	}
}

// While appends and flushes go on, every answer holds each acknowledged record
// once.
func TestAnswersStayWholeDuringAppendAndFlush(t *testing.T) {
	o := testOptions(newClock())
	o.HeadBytes = 5000
	s := open(t, vfs.NewMem(), o)
	defer s.shutdown()
	var acked atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		for n := 1; n <= 400; n++ {
			mustAppend(t, s, batchOf(n))
			acked.Store(int64(n))
			if n%50 == 0 {
				_ = s.Flush(context.Background())
			}
		}
		close(stop)
	}()
	for done := false; !done; {
		select {
		case <-stop:
			done = true
		default:
		}
		for _, read := range []func(testing.TB, *Store, Selection) []string{iterate, scan} {
			before := int(acked.Load())
			seen := map[string]bool{}
			for _, r := range read(t, s, all) {
				if seen[r] {
					t.Fatalf("answered twice: %s", r)
				}
				seen[r] = true
			}
			if len(seen) < before*6 {
				t.Fatalf("%d records of at least %d", len(seen), before*6)
			}
		}
	}
	wg.Wait()
	if st := s.Stats(); st.Flushes < 8 {
		t.Fatalf("only %d flushes: the test shows little", st.Flushes)
	}
}

func TestACancelledQueryStops(t *testing.T) {
	s := open(t, vfs.NewMem(), testOptions(newClock()))
	defer s.shutdown()
	mustAppend(t, s, batchOf(1))
	ctx, cancel := context.WithCancel(context.Background())
	it := s.Iterate(ctx, all)
	defer it.Close()
	if !it.Next() {
		t.Fatal("nothing")
	}
	cancel()
	if it.Next() || !errors.Is(it.Err(), context.Canceled) {
		t.Fatal("goes on after cancellation", it.Err())
	}
	if err := s.Scan(ctx, all, func(*Record) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := s.Series(ctx, nil, 0, 1<<62); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// A query for the newest few records of many days opens few blocks.
func TestALimitedQueryReadsLittle(t *testing.T) {
	m := vfs.NewMem()
	o := testOptions(newClock())
	o.Retention, o.BlockBytes = -1, 100
	s := open(t, m, o)
	defer s.shutdown()
	for n := range 60 {
		mustAppend(t, s, []Stream{
			{Labels: labels.FromStrings("app", "a"), Entries: []Entry{entryAt(epoch.Add(-time.Duration(n)*6*time.Hour), "a")}},
			{Labels: labels.FromStrings("app", "b"), Entries: []Entry{entryAt(epoch.Add(-time.Duration(n)*6*time.Hour), "b")}},
		})
		if n%10 == 9 {
			if err := s.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	var reads atomic.Int64
	m.Inject = func(op vfs.Op) error {
		if op.Kind == vfs.OpRead && !op.After {
			reads.Add(1)
		}
		return nil
	}
	sel := all
	sel.Backward = true
	it := s.Iterate(context.Background(), sel)
	for range 10 {
		if !it.Next() {
			t.Fatal("too few records")
		}
	}
	it.Close()
	if n := reads.Load(); n > 14 {
		t.Fatalf("%d reads for 10 records of %d blocks", n, s.Stats().Blocks)
	}
	if len(s.files) == 0 {
		t.Fatal("no files")
	}
	for _, f := range s.files {
		if f.refs != 0 {
			t.Fatal("a file is left open")
		}
	}
}
