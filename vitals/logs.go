package vitals

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Logs counts the records of a batch that arrived at the given time.
func (v *Vitals) Logs(ld plog.Logs, arrived time.Time) {
	_ = v.LogsTaken(ld, arrived, func() error { return nil })
}

// LogsTaken counts the records of a batch if take, which hands it on, has no
// error: what is refused comes again, and would be counted again. The services
// are heard either way. All that is needed of the batch is read before it is
// handed on, since whoever takes it may keep or change it.
func (v *Vitals) LogsTaken(ld plog.Logs, arrived time.Time, take func() error) error {
	t := tallies.Get().(*tally)
	defer t.putBack()
	t.read(ld)
	err := take()
	now := arrived.UnixNano()
	for i := range t.resources {
		r := &t.resources[i]
		v.mu.Lock()
		s, _ := v.heard(r.name, r.version, now)
		if err == nil {
			v.addRecords(s, &r.counts)
		}
		v.mu.Unlock()
	}
	return err
}

func (v *Vitals) addRecords(s *service, counts *[severities]uint64) {
	if !s.logs.any {
		s.logs.any = true
		s.logs.series = series{start: v.emitted}
	}
	for sev, n := range counts {
		s.logs.bySeverity[sev] += n
	}
}

// tally is what a batch counts, by resource.
type tally struct{ resources []tallied }

type tallied struct {
	name, version string
	counts        [severities]uint64
}

var tallies = sync.Pool{New: func() any { return new(tally) }}

// putBack keeps no text of the batch, and no room that only a huge one needed.
func (t *tally) putBack() {
	if cap(t.resources) > 1024 {
		return
	}
	clear(t.resources)
	t.resources = t.resources[:0]
	tallies.Put(t)
}

func (t *tally) read(ld plog.Logs) {
	resources := ld.ResourceLogs()
	for i := range resources.Len() {
		rl := resources.At(i)
		var r tallied
		records := 0
		scopes := rl.ScopeLogs()
		for j := range scopes.Len() {
			list := scopes.At(j).LogRecords()
			records += list.Len()
			countSeverities(&r.counts, list, rl)
		}
		if records == 0 {
			continue
		}
		r.name, r.version = identity(rl.Resource().Attributes())
		t.resources = append(t.resources, r)
	}
}

// ahead is how many records are fetched before one is looked at closely.
const ahead = 32

// countSeverities counts by two loops. The first does nothing but read the
// records' numbers: each is a wait for memory, and the processor waits for many
// at once if nothing lies between them.
func countSeverities(counts *[severities]uint64, list plog.LogRecordSlice, rl plog.ResourceLogs) {
	var numbers [ahead]plog.SeverityNumber
	for from := 0; from < list.Len(); from += ahead {
		n := min(ahead, list.Len()-from)
		for k := range n {
			numbers[k] = list.At(from + k).SeverityNumber()
		}
		for k, number := range numbers[:n] {
			s := severityOfNumber(number)
			if s == unspecified {
				s = severityFromElsewhere(list.At(from+k), rl)
			}
			counts[s]++
		}
	}
}
