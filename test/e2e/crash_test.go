package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

// Ten times the edge is killed while senders write. Every record that was
// acknowledged is answered after the restart, once; records in flight at the
// kill may be there or not.
func TestEveryAcknowledgedRecordSurvivesKillNine(t *testing.T) {
	const rounds, senders = 10, 4
	e := newEdge(t, "")
	var acknowledged sync.Map // line → true
	var next atomic.Int64

	for round := range rounds {
		e.start()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					var lines []string
					for range 20 {
						lines = append(lines, fmt.Sprintf("record=%07d round=%d sender=%d", next.Add(1), round, s))
					}
					var status int
					if s%2 == 0 {
						status, _ = post(t, "http://"+e.otlp+"/v1/logs", protobuf, otlpLines(t, lines))
					} else {
						status, _ = post(t, "http://"+e.api+"/loki/api/v1/push", "application/json", pushLines(lines))
					}
					if status == 200 || status == 204 {
						for _, l := range lines {
							acknowledged.Store(l, true)
						}
					}
				}
			})
		}
		time.Sleep(time.Duration(150+100*round) * time.Millisecond)
		e.kill()
		close(stop)
		wg.Wait()
	}

	e.start()
	want := 0
	acknowledged.Range(func(any, any) bool { want++; return true })
	if want < 100*rounds {
		t.Fatalf("only %d records were acknowledged in %d rounds: the test shows nothing", want, rounds)
	}
	have := map[string]int{}
	for round := range rounds {
		got, err := e.lines(fmt.Sprintf(`{service_name="crash"} |= "round=%d "`, round), 5000)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 5000 { // the limit of a query: ask sender by sender
			got = nil
			for s := range senders {
				for digit := range 10 {
					more, err := e.lines(fmt.Sprintf(`{service_name="crash"} |= "round=%d sender=%d" |~ "record=[0-9]{6}%d "`, round, s, digit), 5000)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, more...)
				}
			}
		}
		for _, l := range got {
			have[l]++
		}
	}
	var lost []string
	acknowledged.Range(func(k, _ any) bool {
		if have[k.(string)] == 0 {
			lost = append(lost, k.(string))
		}
		return true
	})
	if len(lost) > 0 {
		slices.Sort(lost)
		t.Errorf("%d of %d acknowledged records are lost, the first: %s", len(lost), want, lost[0])
	}
	for _, l := range slices.Sorted(maps.Keys(have)) {
		if have[l] > 1 {
			t.Errorf("%q is answered %d times", l, have[l])
			break
		}
	}
	t.Logf("%d records acknowledged over %d kills, %d stored", want, rounds, len(have))
}

func otlpLines(t *testing.T, lines []string) []byte {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "crash")
	sl := rl.ScopeLogs().AppendEmpty()
	for _, l := range lines {
		lr := sl.LogRecords().AppendEmpty()
		lr.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		lr.Body().SetStr(l)
	}
	body, err := plogotlp.NewExportRequestFromLogs(ld).MarshalProto()
	if err != nil {
		t.Error(err)
	}
	return body
}

func pushLines(lines []string) []byte {
	var values []string
	for _, l := range lines {
		values = append(values, fmt.Sprintf(`["%d",%q]`, time.Now().UnixNano(), l))
	}
	return []byte(`{"streams":[{"stream":{"service_name":"crash","via":"push"},"values":[` + strings.Join(values, ",") + `]}]}`)
}
