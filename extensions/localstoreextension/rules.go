package localstoreextension

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/localstore/rules"
)

// lookEvery is how soon a changed rule file takes effect.
const lookEvery = 5 * time.Second

func (c *RulesConfig) validate() error {
	_, _, err := c.read()
	errs := []error{err}
	for _, address := range c.alertmanagers() {
		if err := rules.CheckAlertmanager(address); err != nil {
			errs = append(errs, fmt.Errorf("rules::alertmanagers: %w", err))
		}
	}
	return errors.Join(errs...)
}

// alertmanagers and patterns leave out what an unset variable left empty.
func (c *RulesConfig) alertmanagers() []string { return notEmpty(c.Alertmanagers) }
func (c *RulesConfig) patterns() []string      { return notEmpty(c.Files) }

func notEmpty(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// read reads and checks the files as they are now. The files are returned even
// if they have a fault.
func (c *RulesConfig) read() (*rules.Set, []rules.File, error) {
	var (
		faults []error
		files  []rules.File
	)
	for _, pattern := range c.patterns() {
		names, err := filepath.Glob(pattern)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("rules::files: %q is no pattern: write a file's name, with * for any part", pattern))
		case len(names) == 0 && !strings.ContainsAny(pattern, "*?["): // a pattern may match nothing yet
			faults = append(faults, fmt.Errorf("rules::files: no file matches %q: put one there, or take the name out", pattern))
		}
		for _, name := range names {
			if slices.ContainsFunc(files, func(f rules.File) bool { return f.Name == name }) {
				continue
			}
			data, err := readBounded(name)
			if err != nil {
				faults = append(faults, fmt.Errorf("read rules: %w", err))
				continue
			}
			files = append(files, rules.File{Name: name, Data: data})
		}
	}
	set, err := rules.Parse(files)
	return set, files, errors.Join(append(faults, err)...)
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, rules.MaxFileSize+1)) // Parse says that it is too large
}

// ruleRunner keeps the manager's rules as the files are.
type ruleRunner struct {
	cfg     RulesConfig
	log     *zap.Logger
	manager *rules.Manager
	refused atomic.Bool // the files as they are now have a fault

	// Only the one who starts, and then the watcher, touches these.
	files []rules.File
	said  string

	begin, end sync.Once
	done       chan struct{}
	watching   sync.WaitGroup
}

func newRuleRunner(store rules.Store, cfg RulesConfig, log *zap.Logger) (*ruleRunner, error) {
	set, files, err := cfg.read()
	if err != nil {
		return nil, err
	}
	m, err := rules.New(store, rules.Options{
		Interval: time.Duration(cfg.Interval), Alertmanagers: cfg.alertmanagers(), ExternalURL: cfg.ExternalURL,
	})
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if err := m.Apply(set); err != nil {
		m.Stop()
		return nil, err
	}
	return &ruleRunner{cfg: cfg, log: log, manager: m, files: files, done: make(chan struct{})}, nil
}

func (r *ruleRunner) start() {
	r.begin.Do(func() {
		r.manager.Start()
		if len(r.cfg.patterns()) == 0 {
			return
		}
		r.watching.Go(func() {
			tick := time.NewTicker(lookEvery)
			defer tick.Stop()
			for {
				select {
				case <-r.done:
					return
				case <-tick.C:
					r.look()
				}
			}
		})
	})
}

func (r *ruleRunner) stop() {
	r.end.Do(func() {
		close(r.done)
		r.watching.Wait()
		r.manager.Stop()
	})
}

// look reads the files again and applies them if they changed. Files are small
// and few, so their bytes are compared, not their times. A fault is said once.
func (r *ruleRunner) look() {
	set, files, err := r.cfg.read()
	if err == nil && !slices.EqualFunc(files, r.files, func(a, b rules.File) bool {
		return a.Name == b.Name && string(a.Data) == string(b.Data)
	}) {
		if err = r.manager.Apply(set); err == nil {
			r.files = files
			r.log.Info("changed rules are in effect", zap.Int("rules", set.Rules()))
		}
	}
	r.refused.Store(err != nil)
	switch {
	case err == nil:
		r.said = ""
	case err.Error() != r.said:
		r.said = err.Error()
		r.log.Error("the rule files have a fault, the rules from before go on", zap.Error(err))
	}
}
