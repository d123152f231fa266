package logstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Metadata of every shape comes back from a block: ids, free text, few values,
// nearly hexadecimal ones, present in all, some or one of the entries.
func TestEveryKindOfColumnComesBack(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	st := Stream{Labels: labels.FromStrings("app", "a")}
	trace := ""
	for n := range 600 {
		b := labels.NewBuilder(labels.EmptyLabels())
		if n%3 == 0 {
			trace = fmt.Sprintf("%032x", r.Uint64())
			b.Set("trace_id", trace)
		}
		b.Set("always", fmt.Sprintf("%016x", r.Uint64()))
		b.Set("text", strings.Repeat("t", 1+r.IntN(30))+fmt.Sprint(n))
		b.Set("level", []string{"info", "warn"}[n%2])
		b.Set("odd", fmt.Sprintf("%07x", n+1<<20))
		b.Set("upper", fmt.Sprintf("%08X", r.Uint32()|0xf0000000))
		b.Set("long", fmt.Sprintf("%0200x", n))
		if n == 300 {
			b.Set("once", "x")
		}
		st.Entries = append(st.Entries, Entry{Timestamp: epoch.UnixNano() + int64(n)*1000, Line: strings.Repeat("l", r.IntN(400)), Metadata: b.Labels()})
	}
	var m model
	m.append([]Stream{st})
	s := open(t, vfs.NewMem(), testOptions(newClock()))
	defer s.shutdown()
	mustAppend(t, s, []Stream{st})
	if err := s.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Blocks != 1 {
		t.Fatalf("%d blocks", st.Blocks)
	}
	m.check(t, s, "columns")
	for _, want := range []labels.Label{{Name: "trace_id", Value: trace}, {Name: "once", Value: "x"}, {Name: "text", Value: "none"}} {
		sel := Selection{To: 1 << 62, Having: []labels.Label{want}}
		got, expect := iterate(t, s, sel), m.answer(sel)
		if len(got) != len(expect) {
			t.Errorf("%s: %d records, want %d", want.Name, len(got), len(expect))
		}
	}
}
