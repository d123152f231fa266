package releasesreceiver

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/fleet/registry"
	"github.com/weir-telemetry/weir/internal/vfs"
)

// installsEvery is how old the list of installs may be: each costs a few reads.
const installsEvery = 2 * time.Minute

// installs reads who has enrolled, from the folder that the gateways share. A
// folder that is not there is a fleet without installs.
func (c *Config) installs() ([]registry.Install, error) {
	if c.State == "" {
		return nil, nil
	}
	if _, err := os.Stat(c.State); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	reg := registry.Registry{FS: vfs.OS, Dir: c.State}
	ids, err := reg.List()
	if err != nil {
		return nil, err
	}
	list := make([]registry.Install, 0, len(ids))
	for _, id := range ids {
		one, err := reg.Get(id)
		if err != nil {
			return list, err
		}
		list = append(list, one)
	}
	return list, nil
}

// installMetrics are weir_fleet_install_info, with whose it is, and
// weir_fleet_install_enrolled_seconds, when it first came. Installs that were thrown
// out have neither.
func installMetrics(list []registry.Install, now time.Time) pmetric.Metrics {
	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	info, enrolled := ms.AppendEmpty(), ms.AppendEmpty()
	info.SetName("weir.fleet.install.info")
	info.SetUnit("{install}")
	enrolled.SetName("weir.fleet.install.enrolled")
	enrolled.SetUnit("s")
	infos, times := info.SetEmptyGauge().DataPoints(), enrolled.SetEmptyGauge().DataPoints()
	at := pcommon.NewTimestampFromTime(now)
	for _, one := range list {
		if !one.Revoked.IsZero() {
			continue
		}
		p := infos.AppendEmpty()
		p.SetTimestamp(at)
		p.SetDoubleValue(1)
		p.Attributes().PutStr("weir.install.id", one.ID)
		p.Attributes().PutStr("weir.customer", one.Customer)
		var first time.Time
		for _, e := range one.Enrolments {
			if first.IsZero() || e.Time.Before(first) {
				first = e.Time
			}
		}
		if first.IsZero() {
			continue
		}
		p = times.AppendEmpty()
		p.SetTimestamp(at)
		p.SetDoubleValue(float64(first.Unix()))
		p.Attributes().PutStr("weir.install.id", one.ID)
	}
	return md
}
