package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
	"github.com/weir-telemetry/weir/redaction/table"
)

// The install of all cases. Nothing in a case depends on the machine or on the
// time at which it runs.
const tryInstall = "00000000-0000-4000-8000-000000000001"

var (
	tryStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tryKey   = []byte("the fixed key of weir policy test")[:32]
)

// trial runs one case, section by section. Its clock starts at tryStart and is
// moved by the sections alone: `-- in2.json at 90s --` is observed 90 seconds
// later, after the reports that were due until then, and each want.json is the
// next report that is due.
type trial struct {
	archive    *txtar.Archive
	update     bool
	policyFile string
	source     []byte

	policy   *policy.Policy
	table    *table.Table
	now      time.Time
	sequence uint64
	failures []tryFailure
	changed  bool
}

func (t *trial) section(name string) []byte {
	for _, f := range t.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func (t *trial) fail(section, what, diff string) {
	t.failures = append(t.failures, tryFailure{Section: section, What: what, Diff: diff})
}

func (t *trial) run() {
	if t.source == nil {
		t.fail("policy.yaml", "the case has no policy, and no --policy names one", "")
		return
	}
	p, err := policy.Parse(t.policyFile, t.source)
	wantsErr := t.section("want.err") != nil
	if err != nil {
		if !wantsErr && t.update && !t.has("want") {
			t.archive.Files = append(t.archive.Files, txtar.File{Name: "want.err"})
			wantsErr = true
		}
		if !wantsErr {
			t.fail(t.policyFile, "the policy is refused", err.Error()+"\n")
			return
		}
		t.compare("want.err", []byte(err.Error()+"\n"), "the policy is refused for another reason")
		return
	}
	if wantsErr {
		t.fail("want.err", "the policy is accepted", "")
		return
	}
	t.policy, t.now = p, tryStart
	t.table, err = table.New(p, table.Options{Key: tryKey, Identity: tryIdentity(p), Start: t.now})
	if err != nil {
		t.fail(t.policyFile, err.Error(), "")
		return
	}
	if !t.has("want") {
		if !t.update {
			t.fail("want.json", "the case does not say what it wants; --update writes it", "")
			return
		}
		t.archive.Files = append(t.archive.Files, txtar.File{Name: "want.json"})
	}
	for i := range t.archive.Files {
		if !t.play(t.archive.Files[i].Name, t.archive.Files[i].Data) {
			return
		}
	}
}

// has reports whether a section's name starts so.
func (t *trial) has(prefix string) bool {
	for _, f := range t.archive.Files {
		if strings.HasPrefix(f.Name, prefix) {
			return true
		}
	}
	return false
}

// play does what one section says, and reports whether the next has a meaning.
func (t *trial) play(name string, data []byte) bool {
	word, at, timed := strings.Cut(name, " at ")
	isIn, isWant := strings.HasPrefix(word, "in"), strings.HasPrefix(word, "want")
	switch {
	case word == "policy.yaml" && !timed:
		return true
	case name == "want.dropped":
		t.compare(name, []byte(t.dropped()), "other points were dropped")
		return true
	case !strings.HasSuffix(word, ".json") || !isIn && !isWant || timed && isWant:
		t.fail(name, "no section of a case has this name; see docs/policy-review.md", "")
		return false
	}
	if timed {
		d, err := time.ParseDuration(at)
		if err != nil || tryStart.Add(d).Before(t.now) {
			t.fail(name, "write a time after the start that is not before the last one, such as at 90s", "")
			return false
		}
		for next := t.tick(); !next.After(tryStart.Add(d)); next = t.tick() {
			if _, ok := t.report(name, next); !ok {
				return false
			}
		}
		t.now = tryStart.Add(d)
	}
	if isIn {
		md, err := readOTLP(data)
		if err != nil {
			t.fail(name, err.Error(), "")
			return false
		}
		t.table.Observe(md)
		return true
	}
	md, ok := t.report(name, t.tick())
	if !ok {
		return false
	}
	got, err := canonicalReport(md, t.policy.Digest)
	if err != nil {
		t.fail(name, err.Error(), "")
		return false
	}
	if want, err := readOTLP(data); err == nil && !t.update {
		if canonical, err := canonicalReport(want, t.policy.Digest); err == nil && bytes.Equal(canonical, got) {
			return true // however it was laid out
		}
	}
	t.compare(name, got, "the report is another (- wanted, + made)")
	return true
}

// tick is when the next report is due.
func (t *trial) tick() time.Time { return t.now.Truncate(t.policy.Interval).Add(t.policy.Interval) }

// report closes the interval, and holds the report against the gate, as the
// edge does before it sends.
func (t *trial) report(section string, at time.Time) (pmetric.Metrics, bool) {
	t.now = at
	md, err := t.table.Report(at)
	if err != nil {
		t.fail(section, err.Error(), "")
		return md, false
	}
	t.sequence++
	stamped := pmetric.NewMetrics()
	md.CopyTo(stamped)
	m := stamped.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().AppendEmpty()
	m.SetName(gate.SequenceMetric)
	m.SetUnit(gate.SequenceUnit)
	dp := m.SetEmptyGauge().DataPoints().AppendEmpty()
	dp.SetTimestamp(reportTime(at, t.policy.Interval))
	dp.SetDoubleValue(float64(t.sequence))
	if err := gate.Check(t.policy, stamped, gate.Facts{Install: tryInstall, Sequence: t.sequence, Now: at}); err != nil {
		t.fail(section, fmt.Sprintf("the gate would not let the report out: %v", err), "")
		return md, false
	}
	return md, true
}

// dropped lists the points that changed nothing, by reason.
func (t *trial) dropped() string {
	var b strings.Builder
	c := t.table.Counters()
	for _, r := range table.Reasons() {
		if n := c.Dropped[r]; n > 0 {
			fmt.Fprintf(&b, "%s %d\n", r, n)
		}
	}
	return b.String()
}

// compare holds what came out against a section, or writes it there.
func (t *trial) compare(name string, got []byte, what string) {
	for i := range t.archive.Files {
		f := &t.archive.Files[i]
		if f.Name != name || bytes.Equal(f.Data, got) {
			continue
		}
		if t.update {
			f.Data, t.changed = got, true
			continue
		}
		t.fail(name, what, lineDiff(string(f.Data), string(got)))
	}
}

// readOTLP reads metrics in OTLP's JSON.
func readOTLP(data []byte) (pmetric.Metrics, error) {
	var syntax any
	if err := json.Unmarshal(data, &syntax); err != nil {
		return pmetric.Metrics{}, fmt.Errorf("not JSON: %w", err)
	}
	md, err := (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(data)
	if err != nil {
		return pmetric.Metrics{}, fmt.Errorf("not metrics in OTLP's JSON: %w", err)
	}
	return md, nil
}
