package summaryextension

import (
	"context"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.uber.org/zap"

	"github.com/weir-telemetry/weir/internal/residency"
	"github.com/weir-telemetry/weir/redaction/consent"
)

var (
	_ extensioncapabilities.ConfigWatcher   = (*summary)(nil)
	_ extensioncapabilities.PipelineWatcher = (*summary)(nil)
)

type summary struct {
	cfg   *Config
	build component.BuildInfo
	out   io.Writer

	log *zap.Logger

	host component.Host
	conf *confmap.Conf
	rest *time.Timer
}

// settle is how long after the start the process is taken to be at rest.
const settle = 5 * time.Second

func (s *summary) Start(_ context.Context, host component.Host) error {
	s.host = host
	return nil
}

func (s *summary) Shutdown(context.Context) error {
	if s.rest != nil {
		s.rest.Stop()
	}
	return nil
}

func (s *summary) NotifyConfig(_ context.Context, conf *confmap.Conf) error {
	s.conf = conf
	return nil
}

// Ready is called when every receiver runs: only then is "where to look" true.
func (s *summary) Ready() error {
	if s.conf == nil {
		return nil
	}
	lines := describe(s.conf.ToStringMap())
	lines = append(lines, line{"leaving", s.leaving()})
	fmt.Fprintf(s.out, "\n  Weir %s is running\n\n", s.build.Version)
	last := ""
	for _, l := range lines {
		label := l.label
		if label == last {
			label = ""
		}
		last = l.label
		fmt.Fprintf(s.out, "  %-12s %s\n", label, l.text)
	}
	fmt.Fprintln(s.out)
	s.rest = time.AfterFunc(settle, s.giveBack)
	return nil
}

func (s *summary) giveBack() {
	if err := residency.GiveBack(); err != nil {
		s.log.Debug("the memory of the start stays resident", zap.Error(err))
	}
}

func (s *summary) NotReady() error { return nil }

// leaving says in one sentence what the vendor is told.
func (s *summary) leaving() string {
	src, ok := s.host.GetExtensions()[s.cfg.Policy].(consent.Source)
	if !ok {
		return "nothing: this configuration has no policy and no upstream"
	}
	d := src.Decision()
	if d.State == consent.Active {
		p := d.Policy
		return fmt.Sprintf("%d signals of %s revision %d, every %s, to %s (weir policy explain shows them)",
			len(p.Signals), p.Product, p.Revision, p.Interval, p.Destination)
	}
	text := "nothing, until a policy is accepted"
	if d.Err != nil {
		text += ": " + d.Err.Error()
	}
	return text
}
