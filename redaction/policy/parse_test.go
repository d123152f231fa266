package policy

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite testdata")

// section returns a file of an archive, nil if it is not there.
func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func setSection(a *txtar.Archive, name string, data []byte) {
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data = data
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: data})
}

// Every file of testdata is one policy and what Parse says to it. The files
// valid-*.txtar and design.txtar are accepted; all others have one fault, but
// for all-at-once.txtar and alias.txtar (there is no alias without an anchor).
func TestEachPolicyGetsItsVerdict(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files in testdata, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(a.Comment))) < 10 {
				t.Error("no prologue says why the file exists")
			}
			source := section(a, "allowlist.yaml")
			p, err := Parse("allowlist.yaml", source)
			got := ""
			if err != nil {
				got = err.Error() + "\n"
			}
			if *update {
				setSection(a, "want", []byte(got))
				if err == nil && section(a, "explain") != nil {
					setSection(a, "explain", explained(t, p))
				}
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(section(a, "want")); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if err == nil {
				if want := section(a, "explain"); want != nil && !bytes.Equal(explained(t, p), want) {
					t.Errorf("explained as\n%s\nwant\n%s", explained(t, p), want)
				}
				return
			}
			var f *Faults
			if !errors.As(err, &f) || p != nil {
				t.Fatalf("the error is %T with policy %v", err, p)
			}
			if valid := strings.HasPrefix(name, "valid-") || name == "design"; valid {
				t.Error("refused")
			} else if name != "all-at-once" && name != "alias" && len(f.List) != 1 {
				t.Errorf("%d faults, want one", len(f.List))
			}
		})
	}
}

func explained(t *testing.T, p *Policy) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Explain(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func design(t testing.TB) []byte {
	t.Helper()
	a, err := txtar.ParseFile("testdata/design.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return section(a, "allowlist.yaml")
}

func TestPolicyHoldsWhatTheFileSays(t *testing.T) {
	source := design(t)
	p, err := Parse("allowlist.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version != 1 || p.Product != "acme-analytics" || p.Vendor != "acme" || p.Revision != 7 ||
		p.Destination != "https://telemetry.acme.example" || p.Interval != time.Minute || !p.Expires.IsZero() {
		t.Errorf("head: %+v", p)
	}
	if !bytes.Equal(p.Source, source) || p.Digest != DigestOf(source) {
		t.Error("source or digest is not the file's")
	}
	source[0] = 'x'
	if p.Source[0] == 'x' {
		t.Error("the policy shares the caller's bytes")
	}
	var names []string
	for _, s := range p.Signals {
		names = append(names, s.Name)
		if !slices.IsSortedFunc(s.Attributes, func(a, b Attribute) int { return strings.Compare(a.Key, b.Key) }) {
			t.Errorf("attributes of %s are not sorted", s.Name)
		}
	}
	if want := []string{"http.server.request.duration", "http.server.requests", "system.cpu.utilization"}; !slices.Equal(names, want) {
		t.Errorf("signals %v", names)
	}
	s := p.Signals[1]
	if s.Kind != KindSum || s.Unit != "1" || s.Value != (Value{0, 1e12, 1}) || !s.HasValue || s.MaxSeries != 15 || s.Line != 11 || s.Category != CategoryErrorRate {
		t.Errorf("signal %+v", s)
	}
	if a := s.Attributes[0]; a.Key != "http.response.status_class" || a.Otherwise != (Otherwise{Constant: "other"}) || !slices.Equal(a.Domain.Values, []string{"2xx", "3xx", "4xx", "5xx"}) {
		t.Errorf("attribute %+v", a)
	}
	if a := s.Attributes[1]; a.Otherwise != (Otherwise{Drop: true}) {
		t.Errorf("attribute %+v", a)
	}
	if h := p.Signals[0]; h.HasValue || len(h.Bounds) != 11 || h.Merge != MergeNone || h.MaxSeries != 3 {
		t.Errorf("histogram %+v", h)
	}
	if g := p.Signals[2]; g.Merge != MergeMean || g.MaxSeries != 1 || g.Why != "whether slow answers are the product's or the machine's" {
		t.Errorf("gauge %+v", g)
	}
}

func TestExpiryIsTheEndOfTheDayNamed(t *testing.T) {
	p, err := Parse("p", bytes.Replace(design(t), []byte("interval: 60s"), []byte("interval: 60s\nexpires: 2027-06-30"), 1))
	if err != nil {
		t.Fatal(err)
	}
	last := time.Date(2027, 6, 30, 23, 59, 59, 999, time.UTC)
	if p.Expired(last) || !p.Expired(last.Add(time.Second)) {
		t.Errorf("the policy expires at %v", p.Expires)
	}
	s := &p.Signals[1]
	last = time.Date(2027, 12, 31, 23, 59, 59, 999, time.UTC)
	if s.Expired(last) || !s.Expired(last.Add(time.Second)) {
		t.Errorf("the signal expires at %v", s.Expires)
	}
	if p.Signals[0].Expired(time.Unix(1<<40, 0)) {
		t.Error("a signal without a date expired")
	}
}

func TestLineEndsOfWindowsMeanTheSame(t *testing.T) {
	unix := design(t)
	a, err := Parse("p", unix)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse("p", bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if a.Digest == b.Digest {
		t.Error("different bytes, same digest")
	}
	b.Digest = a.Digest
	if !bytes.Equal(explained(t, a), explained(t, b)) {
		t.Error("different meaning")
	}
	if _, err := Parse("p", bytes.ReplaceAll(unix, []byte("\n"), []byte("\r"))); err == nil {
		t.Error("bare carriage returns hide lines, and were accepted")
	}
}
