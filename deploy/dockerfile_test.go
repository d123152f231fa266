package deploy

import (
	"debug/elf"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// image is a stage of the Dockerfile, as far as it is used: every instruction but
// RUN, which only the stage build has.
type image struct {
	from       string
	copies     []copied
	env        map[string]string
	workdir    string
	user       string
	entrypoint []string
	command    []string
	health     []string
	runs       int
}

type copied struct {
	stage, owner string // empty: the repository; root
	from         []string
	to           string
}

// readDockerfile knows the instructions that the Dockerfile uses, and no others.
func readDockerfile(t *testing.T) map[string]*image {
	t.Helper()
	data, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages, at := map[string]*image{}, (*image)(nil)
	list := func(s string) (words []string) {
		if err := json.Unmarshal([]byte(s), &words); err != nil {
			t.Fatalf("Dockerfile: %s is no list: %v", s, err)
		}
		return words
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		what, rest, _ := strings.Cut(line, " ")
		switch fields := strings.Fields(rest); what {
		case "", "#":
		case "FROM":
			at = &image{from: fields[0], env: map[string]string{}, workdir: "/"}
			if base := stages[at.from]; base != nil {
				at.copies, at.workdir = append(at.copies, base.copies...), base.workdir
				for k, v := range base.env {
					at.env[k] = v
				}
			}
			stages[fields[2]] = at
		case "COPY":
			c := copied{}
			for strings.HasPrefix(fields[0], "--") {
				if stage, ok := strings.CutPrefix(fields[0], "--from="); ok {
					c.stage = stage
				} else if owner, ok := strings.CutPrefix(fields[0], "--chown="); ok {
					c.owner = owner
				} else {
					t.Fatalf("Dockerfile: %s", line)
				}
				fields = fields[1:]
			}
			c.from, c.to = fields[:len(fields)-1], fields[len(fields)-1]
			at.copies = append(at.copies, c)
		case "ENV":
			key, value, _ := strings.Cut(rest, "=")
			at.env[key] = value
		case "WORKDIR":
			at.workdir = rest
		case "USER":
			at.user = rest
		case "ENTRYPOINT":
			at.entrypoint = list(rest)
		case "CMD":
			at.command = list(rest)
		case "HEALTHCHECK":
			_, command, _ := strings.Cut(rest, "CMD ")
			at.health = list(command)
		case "RUN":
			at.runs++
		case "ARG", "VOLUME":
		default:
			t.Fatalf("Dockerfile: no test knows %s", line)
		}
	}
	return stages
}

func TestTheImageHoldsStaticBinariesAndNobodysRights(t *testing.T) {
	stages := readDockerfile(t)
	weir := stages["weir"]
	if weir == nil || stages[weir.from] == nil || stages[weir.from].from != "scratch" {
		t.Fatal("the image is not made from nothing")
	}
	gomod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, golang, _ := strings.Cut(stages["build"].from, "golang:")
	golang, _, _ = strings.Cut(golang, "-")
	if golang == "" || !strings.Contains(string(gomod), "\ngo "+golang+".") {
		t.Errorf("the image is built with Go %q, which is not that of go.mod", golang)
	}
	for name, s := range stages {
		if s.from != "scratch" && stages[s.from] == nil && !strings.Contains(s.from, ":") {
			t.Errorf("stage %s begins with %s of no version", name, s.from)
		}
		if name != "build" && s.runs > 0 {
			t.Errorf("stage %s runs something: there is nothing to run it", name)
		}
		if len(s.entrypoint) > 0 && s.user != "65532:65532" {
			t.Errorf("stage %s runs as %q", name, s.user)
		}
		if name == "build" {
			continue
		}
		for _, c := range s.copies {
			for _, from := range c.from {
				if c.stage == "" {
					if _, err := os.Stat(filepath.Join("..", from)); err != nil || ignored(t, from) {
						t.Errorf("stage %s copies %s, which the build does not see (%v)", name, from, err)
					}
				}
			}
		}
	}
	// What a container without a shell or a loader can run.
	for _, program := range [][]string{weir.entrypoint, weir.health} {
		if source := weir.source(program[0]); source == "" {
			t.Errorf("%s is not in the image", program[0])
		} else {
			mustBeStatic(t, source)
		}
	}
	if _, err := os.Stat(filepath.Join("..", weir.command[1])); err != nil {
		t.Error(err)
	}
}

// source is where in the repository a file of the image comes from.
func (i *image) source(file string) string {
	for _, c := range i.copies {
		for _, from := range c.from {
			if c.stage == "build" && c.to == path.Dir(file)+"/" && path.Base(from) == path.Base(file) {
				return filepath.Join("..", strings.TrimPrefix(from, "/src/"))
			}
		}
	}
	return ""
}

func mustBeStatic(t *testing.T, file string) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatalf("%v (make build)", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s wants a loader", file)
		}
	}
	if libs, err := f.ImportedLibraries(); err == nil && len(libs) > 0 {
		t.Errorf("%s wants %q", file, libs)
	}
}

// ignored says that .dockerignore keeps a path out of the build.
func ignored(t *testing.T, file string) bool {
	data, err := os.ReadFile("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range strings.Fields(string(data)) {
		for at := file; at != "."; at = path.Dir(at) {
			if ok, _ := path.Match(strings.TrimPrefix(pattern, "**/"), at); ok {
				return true
			}
		}
	}
	return false
}
