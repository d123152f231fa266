package vitals

import (
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Logs counts the records of a batch that arrived at the given time.
func (v *Vitals) Logs(ld plog.Logs, arrived time.Time) {
	now := arrived.UnixNano()
	resources := ld.ResourceLogs()
	for i := range resources.Len() {
		rl := resources.At(i)
		var counts [severities]uint64
		records := 0
		scopes := rl.ScopeLogs()
		for j := range scopes.Len() {
			list := scopes.At(j).LogRecords()
			records += list.Len()
			countSeverities(&counts, list, rl)
		}
		if records == 0 {
			continue
		}
		name, ver := identity(rl.Resource().Attributes())
		v.mu.Lock()
		s, _ := v.heard(name, ver, now)
		if !s.logs.any {
			s.logs.any = true
			s.logs.series = series{start: v.emitted}
		}
		for sev, n := range counts {
			s.logs.bySeverity[sev] += n
		}
		v.mu.Unlock()
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
