package fault

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

func full() Round {
	return Round{Findings: []Finding{
		finding("data disk", probe.Disk, probe.Full),
		finding("database", probe.TCP, probe.Refused, "db"),
		finding("shop certificate", probe.TLS, probe.CertificateExpiring, "shop"),
	}}
}

func TestAReportIsReadBackAndRemembersTheLastChanges(t *testing.T) {
	r, at := &Report{}, time.Unix(1_800_000_000, 0).UTC()
	for i := range maxChanges + 20 {
		r.Add(full(), Verdict{Host, responsibilities.Infrastructure, at}, true, at.Add(time.Duration(i)*time.Second))
	}
	if len(r.Changes) != maxChanges || len(r.Changes[0].Signs) != 2 || len(r.Warnings) != 1 || r.Warnings[0].Owner != responsibilities.Certificates {
		t.Errorf("%d changes, of %+v, warnings %+v", len(r.Changes), r.Changes[0], r.Warnings)
	}
	file := File(t.TempDir())
	if err := vfs.OS.MkdirAll(strings.TrimSuffix(file, "fault.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(vfs.OS, file); err != nil || len(again.Changes) != 0 {
		t.Errorf("before there is one: %+v, %v", again, err)
	}
	for range 2 {
		if err := r.Save(vfs.OS, file); err != nil {
			t.Fatal(err)
		}
		again, err := Load(vfs.OS, file)
		if err != nil || again.Domain != Host || len(again.Changes) != maxChanges || len(again.Probes) != 3 || !again.At.Equal(r.At) {
			t.Fatalf("read back: %v, %+v", err, again)
		}
		// A report that became shorter leaves nothing of the longer one.
		r.Changes = r.Changes[:2]
		if err := overwrite(vfs.OS, file, mustJSON(t, r)); err != nil {
			t.Fatal(err)
		}
		if again, err := Load(vfs.OS, file); err != nil || len(again.Changes) != 2 {
			t.Fatalf("overwritten: %v, %+v", err, again)
		}
		for len(r.Changes) < maxChanges {
			r.Changes = append(r.Changes, r.Changes[0])
		}
	}
	for _, junk := range []string{"", "{", `{"version":2}`, "[]", "\x00\x00"} {
		if err := os.WriteFile(file, []byte(junk), 0o600); err != nil {
			t.Fatal(err)
		}
		if again, err := Load(vfs.OS, file); err == nil || len(again.Changes) != 0 {
			t.Errorf("%q was read as %+v", junk, again)
		}
	}
}

func mustJSON(t *testing.T, r *Report) []byte {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// noRoom is a disk on which no new file can be written.
type noRoom struct{ vfs.FS }

func (f noRoom) OpenFile(name string, flag int, perm os.FileMode) (vfs.File, error) {
	if flag&os.O_CREATE != 0 {
		return nil, &os.PathError{Op: "open", Path: name, Err: syscall.ENOSPC}
	}
	return f.FS.OpenFile(name, flag, perm)
}

func TestOnAFullDiskTheReportIsWrittenIntoTheOldOne(t *testing.T) {
	file := File(t.TempDir())
	if err := vfs.OS.MkdirAll(strings.TrimSuffix(file, "fault.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	well := &Report{Version: 1, Verdict: Verdict{Domain: None, Owner: responsibilities.None}}
	ill := &Report{}
	ill.Add(full(), Verdict{Domain: Host, Owner: responsibilities.Infrastructure}, true, time.Now())
	if err := ill.Save(noRoom{vfs.OS}, file); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("with no report to write into: %v", err)
	}
	if err := well.Save(vfs.OS, file); err != nil {
		t.Fatal(err)
	}
	if err := ill.Save(noRoom{vfs.OS}, file); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(vfs.OS, file); err != nil || again.Domain != Host {
		t.Errorf("%v, %+v", err, again)
	}
}

func gauges(md pmetric.MetricSlice) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for _, m := range md.All() {
		all[m.Name()] = map[string]float64{}
		for _, p := range m.Gauge().DataPoints().All() {
			var labels []string
			for k, v := range p.Attributes().All() {
				labels = append(labels, k+"="+v.Str())
			}
			all[m.Name()][strings.Join(labels, ",")] = p.DoubleValue()
		}
	}
	return all
}

func TestMetricsSayTheVerdictOnceAndNothingElseOfIt(t *testing.T) {
	left := 0.01
	round := full()
	round.Findings[0].Value = &left
	round.Findings[1].Owner = responsibilities.Backups
	pairs := Pairs(round.Findings)
	r := &Report{}
	r.Add(round, Verdict{Domain: Dependency, Owner: responsibilities.Backups}, true, time.Now())
	md := pmetric.NewMetricSlice()
	r.Metrics(md, pairs, time.Now())
	all := gauges(md)
	sum := 0.0
	for labels, v := range all["weir.fault.domain"] {
		sum += v
		if v == 1 && labels != "weir.fault.domain=dependency,weir.fault.owner=backups" {
			t.Errorf("in force is %s", labels)
		}
	}
	for _, want := range []string{"none,weir.fault.owner=none", "product,weir.fault.owner=application", "collector,weir.fault.owner=monitoring",
		"network,weir.fault.owner=backups", "dependency,weir.fault.owner=certificates", "host,weir.fault.owner=infrastructure"} {
		if v, ok := all["weir.fault.domain"]["weir.fault.domain="+want]; !ok || v != 0 {
			t.Errorf("%s is %v, %v", want, v, ok)
		}
	}
	if sum != 1 {
		t.Errorf("%v verdicts are in force: %v", sum, all["weir.fault.domain"])
	}
	for _, never := range []string{"host,weir.fault.owner=certificates", "none,weir.fault.owner=infrastructure", "product,weir.fault.owner=backups"} {
		if _, ok := all["weir.fault.domain"]["weir.fault.domain="+never]; ok {
			t.Errorf("there is a series for %s", never)
		}
	}
	for name, want := range map[string]map[string]float64{
		"weir.probe.success": {"weir.probe.name=data disk,weir.probe.kind=disk": 0, "weir.probe.name=database,weir.probe.kind=tcp": 0,
			"weir.probe.name=shop certificate,weir.probe.kind=tls": 1},
		"weir.probe.available": {"weir.probe.name=data disk,weir.probe.kind=disk": 0.01},
	} {
		if len(all[name]) != len(want) {
			t.Errorf("%s: %v", name, all[name])
		}
		for labels, v := range want {
			if got, ok := all[name][labels]; !ok || got != v {
				t.Errorf("%s{%s} = %v, want %v", name, labels, got, v)
			}
		}
	}
	if len(all) != 4 { // with weir.probe.duration
		t.Errorf("metrics %v", all)
	}
}
