package vitalsconnector

import (
	"os"
	"runtime"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/vitals/environment"
)

// surroundings is what package environment found at the start; what it is told by
// changes no oftener than a process does.
type surroundings []string

// look finds a value for each of environment.Facts.
func look() surroundings {
	h := environment.Host{Files: os.DirFS("/"), Getenv: os.Getenv, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	var s surroundings
	for _, f := range environment.Facts {
		s = append(s, f.Of(h))
	}
	return s
}

// say adds a gauge for each fact to what vitals says.
func (s surroundings) say(md pmetric.Metrics, at time.Time) {
	metrics := md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
	for i, f := range environment.Facts {
		m := metrics.AppendEmpty()
		m.SetName(f.Metric)
		m.SetUnit("{fact}")
		m.SetDescription(f.Description)
		p := m.SetEmptyGauge().DataPoints().AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(at))
		p.SetIntValue(1)
		if f.Bool() {
			p.Attributes().PutBool(f.Attribute, s[i] == "true")
		} else {
			p.Attributes().PutStr(f.Attribute, s[i])
		}
	}
}
