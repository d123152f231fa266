package consent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const sample = `version: 1
product: sample
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 60s
expires: 2027-06-30
identity:
  weir.install.id: {type: uuid}
signals:
  - name: weir.heartbeat
    why: to see that the install is alive
    owner: support@acme.example
    category: heartbeat
    kind: sum
    unit: "{beat}"
    value: {min: 0, max: 1e9, step: 1}
`

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("allowlist.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEachStateHasItsReasonAndAHint(t *testing.T) {
	cases := []struct {
		name     string
		prepare  func(t *testing.T, data, file string)
		now      time.Time
		state    State
		parsed   bool
		contains []string
	}{
		{"missing", func(*testing.T, string, string) {}, noon, Unreadable, false, []string{"does not exist", "WEIR_POLICY"}},
		{"a folder", func(t *testing.T, _, file string) {
			if err := os.Mkdir(file, 0o755); err != nil {
				t.Fatal(err)
			}
		}, noon, Unreadable, false, []string{"not a regular file"}},
		{"too large", func(t *testing.T, _, file string) { write(t, file, sample+strings.Repeat("#", MaxPolicySize)) },
			noon, Unreadable, false, []string{"larger than"}},
		{"empty", func(t *testing.T, _, file string) { write(t, file, "") }, noon, Invalid, false, []string{"weir policy lint"}},
		{"faulty", func(t *testing.T, _, file string) { write(t, file, sample+"unknown: 1\nother: 2\n") }, noon, Invalid, false, []string{"is invalid", "weir policy lint"}},
		{"nobody accepted", func(t *testing.T, _, file string) { write(t, file, sample) }, noon, Unaccepted, true,
			[]string{"is not accepted: run 'weir policy accept ", "--by NAME --reason TEXT"}},
		{"another product's was accepted", func(t *testing.T, data, file string) {
			accept(t, data, sample)
			write(t, file, strings.Replace(sample, "product: sample", "product: another", 1))
		}, noon, Unaccepted, true, []string{"is not accepted"}},
		{"another vendor's was accepted", func(t *testing.T, data, file string) {
			accept(t, data, sample)
			write(t, file, strings.Replace(sample, "vendor: acme", "vendor: ajax", 1))
		}, noon, Unaccepted, true, []string{"is not accepted"}},
		{"a remark was added to what was accepted", func(t *testing.T, data, file string) {
			accept(t, data, sample)
			write(t, file, sample+"# a remark\n")
		}, noon, Active, true, nil},
		{"a broken acceptance", func(t *testing.T, data, file string) {
			a := accept(t, data, sample)
			write(t, AcceptanceFile(data, a.Digest), "{}")
			write(t, file, sample)
		}, noon, Unaccepted, true, []string{"names another digest", "remove that file"}},
		{"an acceptance by nobody", func(t *testing.T, data, file string) {
			a := accept(t, data, sample)
			a.By = ""
			text, _ := json.Marshal(a)
			write(t, AcceptanceFile(data, a.Digest), string(text))
			write(t, file, sample)
		}, noon, Unaccepted, true, []string{"who, when and why"}},
		{"accepted", func(t *testing.T, data, file string) {
			accept(t, data, sample)
			write(t, file, sample)
		}, noon, Active, true, nil},
		{"the last moment", func(t *testing.T, data, file string) {
			accept(t, data, sample)
			write(t, file, sample)
		}, time.Date(2027, 6, 30, 23, 59, 59, 0, time.UTC), Active, true, nil},
		{"the day after the last", func(t *testing.T, data, file string) {
			accept(t, data, sample)
			write(t, file, sample)
		}, time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC), Expired, true, []string{"last day was 2027-06-30", "acme"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			data, file := t.TempDir(), filepath.Join(t.TempDir(), "allowlist.yaml")
			c.prepare(t, data, file)
			d := Resolve(vfs.OS, data, file, c.now)
			if d.State != c.state || (d.Policy != nil) != c.parsed || (d.Err == nil) != (c.state == Active) {
				t.Fatalf("got %s, policy %v, %v", d.State, d.Policy != nil, d.Err)
			}
			for _, want := range c.contains {
				if !strings.Contains(d.Err.Error(), want) {
					t.Errorf("%q does not say %q", d.Err, want)
				}
			}
			if d.Err != nil && (strings.Contains(d.Err.Error(), "\n") || !strings.Contains(d.Err.Error(), file)) {
				t.Errorf("not one line that names the file: %q", d.Err)
			}
		})
	}
	if d := Resolve(vfs.OS, t.TempDir(), "", noon); d.State != NoPolicy || d.Err == nil {
		t.Errorf("no file is %s, %v", d.State, d.Err)
	}
}

func accept(t *testing.T, data, text string) Acceptance {
	t.Helper()
	a, err := Accept(vfs.OS, data, parse(t, text), "Ada Lovelace", "reviewed with security", noon)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheClockAloneEndsADecisionAndNeverStartsOne(t *testing.T) {
	data, file := t.TempDir(), filepath.Join(t.TempDir(), "allowlist.yaml")
	write(t, file, sample)
	late := noon.AddDate(1, 0, 0)
	if d := Resolve(vfs.OS, data, file, noon).At(file, late); d.State != Unaccepted {
		t.Errorf("unaccepted became %s", d.State)
	}
	accept(t, data, sample)
	d := Resolve(vfs.OS, data, file, noon)
	if same := d.At(file, noon.Add(time.Hour)); same.State != Active || same.Err != nil {
		t.Errorf("an hour later: %s, %v", same.State, same.Err)
	}
	if d = d.At(file, late); d.State != Expired || d.Err == nil {
		t.Errorf("a year later: %s, %v", d.State, d.Err)
	}
	if d = d.At(file, noon); d.State != Expired {
		t.Errorf("a clock that goes back made it %s", d.State)
	}
}

func TestTheFirstAcceptanceStands(t *testing.T) {
	data := t.TempDir()
	p := parse(t, sample)
	first := accept(t, data, sample)
	second, err := Accept(vfs.OS, data, p, "Somebody Else", "again", noon.Add(time.Hour))
	if err != nil || second != first {
		t.Fatalf("got %+v, %v, want %+v", second, err, first)
	}
	text, err := os.ReadFile(filepath.Join(data, "policy", p.Digest.String()+".yaml"))
	if err != nil || string(text) != sample {
		t.Fatalf("the accepted text is not kept: %v", err)
	}
}

func TestAnAcceptanceSaysWhoAndWhy(t *testing.T) {
	data, p := t.TempDir(), parse(t, sample)
	for _, c := range []struct{ by, reason string }{
		{"", "why"}, {"who", ""}, {"  ", "why"}, {"who\nelse", "why"}, {"who", "why\x1b[2J"}, {"who", "\xff"},
		{strings.Repeat("w", MaxBy+1), "why"}, {"who", strings.Repeat("w", MaxReason+1)},
	} {
		if _, err := Accept(vfs.OS, data, p, c.by, c.reason, noon); err == nil {
			t.Errorf("by %q for %q was taken", c.by, c.reason)
		}
	}
	if _, err := Accept(vfs.OS, data, p, "who", "why", noon.AddDate(1, 0, 0)); err == nil {
		t.Error("an expired policy was accepted")
	}
	if _, err := os.Stat(filepath.Join(data, "policy")); !os.IsNotExist(err) {
		t.Errorf("a refused acceptance left something behind: %v", err)
	}
}
