package policy

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"
)

// FuzzParse states what holds for any bytes at all: Parse returns, says the
// same twice, gives each fault a line and a hint, and what it accepts is inside
// the limits that the table and the gate rely on, and satisfies the schema.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(section(a, "allowlist.yaml"))
	}
	schema := compiled(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p", data)
		again, errAgain := Parse("p", data)
		if !reflect.DeepEqual(p, again) || !reflect.DeepEqual(err, errAgain) {
			t.Fatal("Parse says different things about the same bytes")
		}
		if err != nil {
			checkFaults(t, err, bytes.Count(data, []byte("\n"))+1)
			return
		}
		checkPolicy(t, p)
		if v, ok := instance(data); !ok {
			t.Fatal("an editor cannot read what Parse accepts")
		} else if err := schema.Validate(v); err != nil {
			t.Fatalf("the schema refuses what Parse accepts: %v", err)
		}
	})
}

func checkFaults(t *testing.T, err error, lines int) {
	t.Helper()
	var f *Faults
	if !errors.As(err, &f) || len(f.List) == 0 {
		t.Fatalf("an error without faults: %v", err)
	}
	last := 0
	for _, one := range f.List {
		if one.Line < max(last, 1) || one.Line > lines || one.Column < 1 || one.What == "" || one.Hint == "" {
			t.Fatalf("fault %+v after line %d of %d", one, last, lines)
		}
		if strings.Contains(one.What+one.Hint, "\n") {
			t.Fatalf("fault %+v is more than a line", one)
		}
		last = one.Line
	}
}

func checkPolicy(t *testing.T, p *Policy) {
	t.Helper()
	total := 0
	for i := range p.Signals {
		s := &p.Signals[i]
		total += s.MaxSeries
		dense := s.DenseSize()
		switch {
		case s.Name == "" || s.Why == "" || s.Owner == "" || s.Unit == "" || s.Category == "" || s.Kind == 0:
			t.Fatalf("an entry without what a reviewer needs: %+v", s)
		case i > 0 && p.Signals[i-1].Name >= s.Name:
			t.Fatalf("%s is not after %s", s.Name, p.Signals[i-1].Name)
		case s.MaxSeries < 1 || s.MaxSeries > maxSignalSeries || dense >= 0 && dense != s.MaxSeries:
			t.Fatalf("%s has %d series of %d", s.Name, s.MaxSeries, dense)
		case (s.Kind == KindGauge) != (s.Merge != MergeNone) || (s.Kind == KindHistogram) != (len(s.Bounds) > 0):
			t.Fatalf("%s has merge %v, bounds %v", s.Name, s.Merge, s.Bounds)
		case s.UpDown && s.Kind != KindSum:
			t.Fatalf("%s is a %v that goes up and down", s.Name, s.Kind)
		case s.Kind != KindHistogram && !s.HasValue:
			t.Fatalf("%s is not bounded", s.Name)
		}
		if v := s.Value; s.HasValue {
			n := v.Steps()
			for _, k := range []float64{0, 1, math.Floor(n / 2), n - 1, n} {
				if x := v.At(k); math.IsInf(x, 0) || !v.Holds(x) {
					t.Fatalf("step %v of %+v is %v, off the grid", k, v, x)
				}
			}
		}
		for j, a := range s.Attributes {
			if a.Domain.Kind == 0 || j > 0 && s.Attributes[j-1].Key >= a.Key {
				t.Fatalf("%s has attribute %+v", s.Name, a)
			}
		}
	}
	if total > maxSeries || p.Interval < time.Second || (24*time.Hour)%p.Interval != 0 || p.Destination == "" {
		t.Fatalf("%d series, interval %v, destination %q", total, p.Interval, p.Destination)
	}
	b := Budget(p)
	if !(b.BitsPerDay > 0) || math.IsInf(b.BitsPerDay, 0) || len(b.Signals) != len(p.Signals) {
		t.Fatalf("budget %+v", b)
	}
	var out bytes.Buffer
	if err := Explain(&out, p); err != nil || out.Len() == 0 {
		t.Fatal(err)
	}
}

func TestHostileFilesAreRefusedWithinMemory(t *testing.T) {
	const limit = 256 << 20 // everything ever allocated, not what was held
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x]\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	full := func(unit string) string { return strings.Repeat(unit, MaxFileSize/len(unit)) }
	for name, s := range map[string]string{
		"alias bomb":    bomb.String(),
		"too large":     full("#") + "##",
		"flow nest":     full("["),
		"mapping nest":  full("{a: "),
		"block nest":    full("- "),
		"many values":   full("a,"),
		"list":          "signals: [" + strings.Repeat("a,", 90_000) + "a]",
		"wide signals":  "signals: [" + strings.Repeat("{},", 60_000) + "{}]",
		"unknown keys":  strings.Repeat("k: 1\n", 50_000),
		"long key":      strings.Repeat("a", 1_000_000) + ": 1",
		"long word":     "version: 1\nproduct: " + strings.Repeat("a", 1_000_000),
		"comments":      full("# c\n"),
		"comment, keys": strings.Repeat("# c\nk: 1 # d\n", 50_000),
		"quotes":        full(`"`),
		"directives":    full("%YAML 1.1\n"),
		"documents":     full("---\n"),
		"not utf-8":     "\xff\xfe",
		"nul":           "version: 1\x00",
		"utf-16":        "\xfe\xff\x00v\x00e",
		"byte order":    "\ufeffversion: 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := Parse("p", []byte(s))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("accepted")
			}
			checkFaults(t, err, strings.Count(s, "\n")+1)
			if got := after.TotalAlloc - before.TotalAlloc; got > limit || took > 10*time.Second {
				t.Errorf("took %d MB and %v", got>>20, took)
			}
			if len(err.Error()) > 1<<16 {
				t.Errorf("the answer has %d bytes", len(err.Error()))
			}
			t.Logf("%d MB, %v", (after.TotalAlloc-before.TotalAlloc)>>20, took)
		})
	}
}

// The bound is checked against a count by hand.
func TestBudgetCountsTheReportsThatCouldBe(t *testing.T) {
	p, err := Parse("p", []byte(`version: 1
product: shop
vendor: acme
revision: 1
destination: https://telemetry.acme.example
interval: 12h
identity: {weir.install.id: {type: uuid}}
signals:
  - {name: a, why: w, owner: o, category: health, kind: sum, unit: "1", value: {min: 0, max: 3, step: 1}, attributes: {k: {enum: [x, y], otherwise: z}}}
  - {name: b, why: w, owner: o, category: health, kind: gauge, unit: "1", merge: last, value: {min: 0, max: 3, step: 0.5}}
  - {name: c, why: w, owner: o, category: health, kind: histogram, unit: "1", bounds: [1, 2], value: {min: 0, max: 3, step: 1}}
  - {name: d, why: w, owner: o, category: health, kind: sum, unit: "1", value: {min: 0, max: 1, step: 1}, max_series: 10, attributes: {k: {type: hmac}, l: {type: bool}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	b := Budget(p)
	want := []float64{
		3 * 2,                         // 3 series of 4 values
		3,                             // 7 values, or none
		3*40 + 2,                      // 3 buckets, a sum of 4 values
		10 * (64 + 1 + 1),             // 10 of: a hash, a bool, 2 values (or nothing: 2^-66 more)
		1 + 32 - math.Log2(12*60*60.), // a report, and since when it counts
	}
	sum := 0.0
	for i, s := range b.Signals {
		if math.Abs(s.BitsPerInterval-want[i]) > 0.002 || math.Abs(s.BitsPerDay-2*want[i]) > 0.01 {
			t.Errorf("%s: %v bits, want %v", s.Name, s.BitsPerInterval, want[i])
		}
		sum += want[i]
	}
	sum += want[4]
	if b.IntervalsPerDay != 2 || b.IdentityBits != 128 || math.Abs(b.BitsPerInterval-sum) > 0.01 || math.Abs(b.BitsPerDay-2*sum) > 0.02 {
		t.Errorf("%+v, want %v a report", b, sum)
	}
}
