package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Stores that earlier versions wrote are read: testdata/format1 has plain blocks
// alone, format2 those whose lines are by shape. A new layout adds a folder, made
// by the first version that writes it; none is ever made again.
func TestStoresOfEachFormatAreRead(t *testing.T) {
	var m model
	m.append(formatHistory())
	for _, name := range []string{"format1", "format2"} {
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS("testdata/"+name)); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(root, "wal"), 0o755); err != nil { // empty, so that git does not keep it
			t.Fatal(err)
		}
		rep, err := Verify(context.Background(), vfs.OS, root, nil)
		if err != nil || len(rep.Faults) > 0 || rep.Entries != 300 {
			t.Fatalf("%s: verify found %+v, %v", name, rep, err)
		}
		s, err := Open(vfs.OS, root, testOptions(newClock()))
		if err != nil {
			t.Fatal(err)
		}
		m.check(t, s, name)
		for n := range 4 { // enough files for a merge, which reads the old blocks
			mustAppend(t, s, []Stream{{Labels: labels.FromStrings("app", "later"), Entries: []Entry{{Timestamp: epoch.UnixNano() + int64(n), Line: "later"}}}})
			flush(t, s)
		}
		maintain(t, s, 2)
		if st := s.Stats(); st.Compactions == 0 || st.LostBlocks > 0 {
			t.Errorf("%s: nothing was merged, or something lost: %+v", name, st)
		}
		later := m
		later.append([]Stream{{Labels: labels.FromStrings("app", "later"), Entries: []Entry{{Timestamp: epoch.UnixNano(), Line: "later"}, {Timestamp: epoch.UnixNano() + 1, Line: "later"},
			{Timestamp: epoch.UnixNano() + 2, Line: "later"}, {Timestamp: epoch.UnixNano() + 3, Line: "later"}}}})
		later.check(t, s, name+", merged")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if files, _ := filepath.Glob(filepath.Join(root, "*", "*.blk")); len(files) == 0 {
			t.Errorf("%s: no block file", name)
		}
	}
}

// formatHistory is what the stores under testdata/ hold: two streams, metadata
// of each kind of column, lines of several shapes and of none.
func formatHistory() []Stream {
	r := rand.New(rand.NewPCG(7, 8))
	level := func() string { return []string{"info", "info", "warn", "error"}[r.IntN(4)] }
	json := Stream{Labels: labels.FromStrings("app", "shop", "format", "json")}
	text := Stream{Labels: labels.FromStrings("app", "shop", "format", "text")}
	for n := range 150 {
		t := epoch.Add(time.Duration(n)*time.Second + time.Duration(r.IntN(1000))*time.Millisecond)
		trace := fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
		json.Entries = append(json.Entries, Entry{Timestamp: t.UnixNano(), Metadata: labels.FromStrings("detected_level", level()),
			Line: fmt.Sprintf(`{"ts":%q,"level":%q,"status":%d,"took_ms":%d,"trace_id":%q}`, t.Format("15:04:05.000"), level(), 200+100*r.IntN(4), r.IntN(2000), trace)})
		e := Entry{Timestamp: t.UnixNano() + 1, Line: fmt.Sprintf("%s worker-%d: grüße from %c, %d left", level(), r.IntN(12), rune('a'+r.IntN(20)), r.IntN(100))}
		switch n % 10 {
		case 3:
			e.Line = ""
		case 5:
			e.Metadata = labels.FromStrings("trace_id", trace, "user", fmt.Sprint("user ", n))
		case 7:
			e.Line = fmt.Sprintf("%*d", 1+n%9, n)
		}
		text.Entries = append(text.Entries, e)
	}
	return []Stream{json, text}
}
