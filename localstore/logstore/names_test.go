package logstore

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Names, values and series come from streams with entries in the asked time,
// wherever these lie.
func TestNamesFollowTimeAndMatchers(t *testing.T) {
	s := open(t, vfs.NewMem(), testOptions(newClock()))
	defer s.shutdown()
	ctx := context.Background()
	mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "a", "old", "x"), Entries: []Entry{entryAt(epoch.Add(-time.Hour), "1")}}})
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "b", "env", ""), Entries: []Entry{entryAt(epoch, "2")}}})
	at := epoch.UnixNano()
	names := func(from, to int64, ms ...*labels.Matcher) []string {
		n, err := s.LabelNames(ctx, ms, from, to)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := names(0, at+1); !slices.Equal(n, []string{"app", "old"}) {
		t.Error(n)
	}
	if n := names(at, at+1); !slices.Equal(n, []string{"app"}) {
		t.Error(n)
	}
	if n := names(at+1, at+2); len(n) != 0 {
		t.Error(n)
	}
	if n := names(0, at+1, labels.MustNewMatcher(labels.MatchEqual, "app", "b")); !slices.Equal(n, []string{"app"}) {
		t.Error(n)
	}
	series, err := s.Series(ctx, nil, 0, at)
	if err != nil || len(series) != 1 || series[0].Get("app") != "a" {
		t.Error(series, err)
	}
}

// Metadata has one form, however it was sent, so that equal entries are found.
func TestMetadataInAnyOrderIsOneEntry(t *testing.T) {
	s := open(t, vfs.NewMem(), testOptions(newClock()))
	defer s.shutdown()
	unsorted := labels.NewScratchBuilder(4)
	for _, l := range []string{"b", "a", "", "b"} {
		unsorted.Add(l, "first "+l)
	}
	e1, e2 := entryAt(epoch, "x"), entryAt(epoch, "x")
	e1.Metadata = unsorted.Labels()
	e2.Metadata = labels.FromStrings("a", "first a", "b", "first b")
	mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "a"), Entries: []Entry{e1, e2}}})
	var want model
	want.append([]Stream{{Labels: labels.FromStrings("app", "a"), Entries: []Entry{e2}}})
	if got := iterate(t, s, all); !slices.Equal(got, want.answer(all)) {
		t.Error(got)
	}
}

// Verify finds nothing wrong with a killed store's log, and the place of what
// is.
func TestVerifyReadsTheLog(t *testing.T) {
	m, name, whole := walOf(t, 3)
	rep, err := Verify(context.Background(), m, "/data/logs", nil)
	if err != nil || len(rep.Faults) != 0 || rep.Frames != 3 || rep.Entries != 18 || rep.Segments != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	whole[frameHeaderSize+1] ^= 1
	put(t, m, name, whole)
	put(t, m, "/data/logs/checkpoint", nil)
	rep, err = Verify(context.Background(), m, "/data/logs", nil)
	if err != nil || len(rep.Faults) != 2 || rep.Faults[1].Offset != 0 || rep.Frames != 2 {
		t.Fatalf("%+v, %v", rep, err)
	}
}

// The background loop runs Maintain.
func TestMaintenanceRunsByItself(t *testing.T) {
	o := Options{HeadAge: 1, MaintainEvery: time.Millisecond}
	s := open(t, vfs.NewMem(), o)
	mustAppend(t, s, []Stream{{Labels: labels.FromStrings("a", "b"), Entries: []Entry{entryAt(time.Now(), "x")}}})
	for s.Stats().Flushes == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
