package otlplogs

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Whatever OTLP can carry, each record becomes one entry, and no name is there
// twice.
func FuzzEveryRecordBecomesAnEntry(f *testing.F) {
	for _, scope := range []string{"", "app", PushScope} {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "shop")
		rl.Resource().Attributes().PutEmptyMap("a.b").PutInt("c", 1)
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(scope)
		r := sl.LogRecords().AppendEmpty()
		r.SetTimestamp(1)
		r.SetTraceID([16]byte{1})
		r.Body().SetEmptySlice().AppendEmpty().SetEmptyBytes().FromRaw([]byte{0xff})
		r.Attributes().PutStr("a_b_c", "\xff")
		b, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
		if err != nil {
			return
		}
		entries := 0
		for _, s := range Streams(ld) {
			entries += len(s.Entries)
			check(t, s.Labels)
			for _, e := range s.Entries {
				check(t, e.Metadata)
			}
		}
		if n := ld.LogRecordCount(); entries != n {
			t.Errorf("%d records became %d entries", n, entries)
		}
	})
}

func check(t *testing.T, ls labels.Labels) {
	if name, twice := ls.HasDuplicateLabelNames(); twice {
		t.Errorf("%q is there twice", name)
	}
}
