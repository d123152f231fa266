package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.yaml.in/yaml/v3"

	"github.com/weir-telemetry/weir/internal/preflight"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

func preflightCommands() []command {
	return []command{{
		name: "preflight", usage: "[--json] [--offline] [--config FILE]... [--collector FILE]",
		short: "Say what the edge lacks, the evidence, the fix and whose it is. --offline asks nobody else.",
		run:   runPreflight,
	}}
}

// preflightAnswer is the JSON of preflight. Its keys are stable; more may come.
type preflightAnswer struct {
	OK       bool                `json:"ok"` // nothing is missing
	Config   []string            `json:"config"`
	Data     string              `json:"data"`
	Missing  int                 `json:"missing"`
	Warnings int                 `json:"warnings"`
	Findings []preflight.Finding `json:"findings"`
}

func runPreflight(e env, args []string) int {
	fs := flag.NewFlagSet("preflight", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "")
	offline := fs.Bool("offline", false, "")
	collector := fs.String("collector", "", "")
	var config []string
	fs.Func("config", "", func(s string) error { config = append(config, s); return nil })
	if err := parseLedgerFlags(fs, preflightCommands()[0].usage, args); err != nil {
		return e.fail(err)
	}
	if len(config) == 0 {
		config = []string{"config/edge.yaml"}
	}
	settings, err := readSettings(config)
	if err != nil {
		return e.fail(fmt.Errorf("configuration: %w; name the edge's with --config", err))
	}
	if settings.Responsibilities == "" { // a configuration that names none itself
		settings.Responsibilities = e.getenv("WEIR_RESPONSIBILITIES")
	}
	p := e.sayAt()
	defer p.stop()
	p.at("whether the collector takes the configuration")
	found := []preflight.Finding{validated(*collector, config)}
	site := &preflight.Site{Settings: settings, System: probe.Real(), Offline: *offline, Progress: p.at}
	found = append(found, site.Run(context.Background())...)
	p.stop()

	a := preflightAnswer{Config: config, Data: settings.Data.Value, Findings: found}
	for _, f := range found {
		switch f.State {
		case preflight.Missing:
			a.Missing++
		case preflight.Warning:
			a.Warnings++
		}
	}
	a.OK = a.Missing == 0
	code := exitYes
	if !a.OK {
		code = exitNo
	}
	if *asJSON {
		return e.json(a, code)
	}
	e.sayPreflight(a)
	return code
}

// readSettings reads the files as the collector does: merged in their order, with
// the variables of this environment.
func readSettings(files []string) (preflight.Settings, error) {
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: files, DefaultScheme: "env",
		ProviderFactories: []confmap.ProviderFactory{envprovider.NewFactory(), fileprovider.NewFactory(), yamlprovider.NewFactory()},
	})
	if err != nil {
		return preflight.Settings{}, err
	}
	conf, err := resolver.Resolve(context.Background())
	if err = errors.Join(err, resolver.Shutdown(context.Background())); err != nil {
		return preflight.Settings{}, err
	}
	var raw []map[string]any
	for _, name := range files {
		text, err := os.ReadFile(strings.TrimPrefix(name, "file:"))
		if err != nil {
			continue // yaml: or env:, which have no variables to name
		}
		var m map[string]any
		if err := yaml.Unmarshal(text, &m); err != nil {
			return preflight.Settings{}, err
		}
		raw = append(raw, m)
	}
	return preflight.Read(conf.ToStringMap(), raw)
}

// validated has the collector itself judge the configuration.
func validated(named string, files []string) preflight.Finding {
	f := preflight.Finding{Check: "configuration", About: strings.Join(files, ", "), State: preflight.Fine, Evidence: "weir-collector takes it"}
	name, err := findCollector(named)
	if err != nil {
		f.State, f.Evidence = preflight.Unknown, err.Error()
		return f
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args := []string{"validate"}
	for _, c := range files {
		args = append(args, "--config", c)
	}
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	var refused *exec.ExitError
	switch {
	case errors.As(err, &refused) && refused.Exited():
		f.State, f.Area = preflight.Missing, responsibilities.Monitoring
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		f.Evidence = strings.Join(strings.Fields(strings.TrimPrefix(lines[0], "Error: ")), " ")
		f.Fix = "weir-collector validate --config " + strings.Join(files, " --config ") + " says all of it"
	case err != nil:
		f.State, f.Evidence = preflight.Unknown, fmt.Sprintf("%s could not be run: %v", name, err)
	}
	return f
}

// states in the order in which people want to read them.
var preflightOrder = []preflight.State{preflight.Missing, preflight.Warning, preflight.Unknown, preflight.Fine}

func (e env) sayPreflight(a preflightAnswer) {
	fmt.Fprintf(e.out, "%s, data in %s: %d missing, %d to know, %d fine.\n", strings.Join(a.Config, ", "), a.Data, a.Missing, a.Warnings,
		len(slices.DeleteFunc(slices.Clone(a.Findings), func(f preflight.Finding) bool { return f.State != preflight.Fine })))
	width := 0
	for _, f := range a.Findings {
		width = max(width, len(f.Check))
	}
	for _, state := range preflightOrder {
		first := true
		for _, f := range a.Findings {
			if f.State != state {
				continue
			}
			if first {
				fmt.Fprintf(e.out, "\n%s\n", state)
				first = false
			}
			if state == preflight.Fine || state == preflight.Unknown {
				fmt.Fprintf(e.out, "  %-*s  %s: %s\n", width, f.Check, plain(f.About), plain(f.Evidence))
				continue
			}
			fmt.Fprintf(e.out, "  %-*s  %s\n", width, f.Check, plain(f.About))
			fmt.Fprintf(e.out, "  %-*s    evidence  %s\n", width, "", plain(f.Evidence))
			fmt.Fprintf(e.out, "  %-*s    fix       %s\n", width, "", plain(f.Fix))
			whose := string(f.Area)
			if c := f.Contact; c != nil {
				whose += fmt.Sprintf(": %s, %s, %s", c.Who, c.Reach, c.Hours)
			}
			fmt.Fprintf(e.out, "  %-*s    whose     %s\n", width, "", plain(whose))
		}
	}
}

// saying says on the error stream what takes long.
type saying struct {
	mu    sync.Mutex
	what  string
	ended chan struct{}
	once  sync.Once
}

// sayAt says nothing as long as all goes quickly.
func (e env) sayAt() *saying {
	s := &saying{ended: make(chan struct{})}
	go func() {
		next := time.NewTimer(progressAfter)
		defer next.Stop()
		for {
			select {
			case <-s.ended:
				return
			case <-next.C:
				s.mu.Lock()
				what := s.what
				s.mu.Unlock()
				fmt.Fprintf(e.err, "weir: still looking at %s\n", what)
				next.Reset(progressEvery)
			}
		}
	}()
	return s
}

func (s *saying) at(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what = what
}

func (s *saying) stop() { s.once.Do(func() { close(s.ended) }) }
