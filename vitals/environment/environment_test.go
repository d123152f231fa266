package environment

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"
)

// host is what a case describes: files, "env" with a variable a line, "machine"
// with the architecture and the number of processors.
func host(t *testing.T, a *txtar.Archive) (Host, string) {
	t.Helper()
	files, env, want := fstest.MapFS{}, map[string]string{}, ""
	h := Host{Files: files, Getenv: func(name string) string { return env[name] }, Arch: "amd64", CPUs: 4}
	for _, f := range a.Files {
		switch f.Name {
		case "want":
			want = string(f.Data)
		case "env":
			for line := range strings.Lines(string(f.Data)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				env[name] = value
			}
		case "machine":
			fields := strings.Fields(string(f.Data))
			n, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			h.Arch, h.CPUs = fields[0], n
		default:
			files[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return h, want
}

func said(h Host) string {
	var words []string
	for _, f := range Facts {
		words = append(words, strings.TrimPrefix(f.Metric, "weir.environment.")+" "+f.Of(h))
	}
	return strings.Join(words, "\n") + "\n"
}

// Each file of testdata is a kind of machine, as far as it is looked at.
func TestEachKindOfMachineIsKnown(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) < 12 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	seen := map[string]bool{}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			h, want := host(t, a)
			got := said(h)
			if got != want {
				t.Errorf("it is\n%swant\n%s", got, want)
			}
			for line := range strings.Lines(got) {
				seen[strings.TrimSpace(line)] = true
			}
		})
	}
	for _, f := range Facts {
		for _, v := range f.Values {
			if word := strings.TrimPrefix(f.Metric, "weir.environment.") + " " + v; !seen[word] {
				t.Errorf("no case is %q", word)
			}
		}
	}
}

// Whatever stands in the files and variables, only words of Facts come out: the
// cases' own texts are cut up and put back together in the wrong places.
func TestNothingButTheWordsComesOut(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	pieces := [][]byte{[]byte("Jannike-Roehamptons-Laptop"), bytes.Repeat([]byte("/a"), 1<<15), {0xff, 0}, []byte("="), []byte("\n"), []byte("9223372036854775807 1\n"), []byte("-9e99")}
	for _, name := range cases {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if f.Name != "want" && f.Name != "machine" {
				names = append(names, f.Name)
				pieces = append(pieces, bytes.SplitAfter(f.Data, []byte("\n"))...)
			}
		}
	}
	variables := append([]string{"WEIR_ORCHESTRATOR", "WEIR_AIR_GAP", "container", "NOMAD_ALLOC_ID"}, proxies...)
	r := rand.New(rand.NewPCG(6, 7))
	some := func() []byte {
		var b []byte
		for range r.IntN(6) {
			p := pieces[r.IntN(len(pieces))]
			b = append(b, p[:r.IntN(len(p)+1)]...)
		}
		return b
	}
	for range 2000 {
		files, env := fstest.MapFS{}, map[string]string{}
		for range r.IntN(8) {
			files[names[r.IntN(len(names))]] = &fstest.MapFile{Data: some()}
		}
		for range r.IntN(4) {
			env[variables[r.IntN(len(variables))]] = string(some())
		}
		h := Host{Files: files, Getenv: func(name string) string { return env[name] }, Arch: string(some()), CPUs: r.IntN(200) - 2}
		for _, f := range Facts {
			if v := f.Of(h); !slices.Contains(f.Values, v) {
				t.Fatalf("%s is %q", f.Metric, v)
			}
		}
	}
}

func TestThisMachineHasAFamilyAndASize(t *testing.T) {
	h := Host{Files: os.DirFS("/"), Getenv: os.Getenv, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	for _, f := range Facts {
		if v := f.Of(h); !slices.Contains(f.Values, v) {
			t.Errorf("%s is %q", f.Metric, v)
		}
	}
	if limits := limitDirs(h); total(h.text("proc/meminfo")) == 0 || len(limits) == 0 {
		t.Errorf("its memory is not seen, or none of %q", limits)
	}
}
