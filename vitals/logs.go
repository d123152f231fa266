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
			n := list.Len()
			records += n
			for k := range n {
				counts[severityOf(list.At(k), rl)]++
			}
		}
		if records == 0 {
			continue
		}
		name, ver := identity(rl.Resource().Attributes())
		v.mu.Lock()
		s := v.heard(name, ver, now)
		s.hasLogs = true
		for sev, n := range counts {
			s.logs[sev] += n
		}
		v.mu.Unlock()
	}
}
