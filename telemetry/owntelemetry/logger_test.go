package owntelemetry

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/service/telemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logged gives what a logger of this configuration writes, with the file in
// place of the terminal.
func logged(t *testing.T, cfg *Config, write func(*zap.Logger)) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "log")
	set := telemetry.LoggerSettings{Settings: telemetry.Settings{BuildInfo: component.BuildInfo{Command: "weir-collector", Version: "1.2.3"}}}
	res, err := createResource(t.Context(), set.Settings, cfg)
	if err != nil {
		t.Fatal(err)
	}
	set.Resource = &res
	set.BuildZapLogger = func(c zap.Config, opts ...zap.Option) (*zap.Logger, error) {
		c.OutputPaths = []string{out}
		return c.Build(opts...)
	}
	logger, stop, err := NewFactory().CreateLogger(t.Context(), set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	write(logger)
	if err := stop.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// at gives every entry one time.
func at(l *zap.Logger) *zap.Logger { return l.WithOptions(zap.WithClock(fixed{})) }

type fixed struct{}

func (fixed) Now() time.Time                         { return time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC) }
func (fixed) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// verbose is an error that would print its stack, as those of pkg/errors do.
type verbose struct{}

func (verbose) Error() string { return "it broke" }
func (verbose) Format(s fmt.State, _ rune) {
	fmt.Fprint(s, "it broke\nmain.go:12")
}

func TestAConsoleLineIsForAPerson(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Resource = map[string]string{"service.name": "weir", "host": "canary"}
	got := logged(t, cfg, func(l *zap.Logger) {
		l = at(l)
		l.Debug("not said")
		l.Info("plain")
		c := l.With(zap.Inline(zapcore.ObjectMarshalerFunc(func(e zapcore.ObjectEncoder) error {
			e.AddString(componentID, "local_store")
			e.AddString(componentKind, "Exporter")
			e.AddString("otelcol.signal", "logs")
			return nil
		})))
		c.Warn("slow disk", zap.Duration("took", 2*time.Second), zap.String("in", "two words"), zap.Int("n", 3))
		l.Error("start", zap.Error(verbose{}), zap.Strings("files", []string{"a", "b"}), zap.Float64("x", math.NaN()))
		l.Named("child").Info("a\nb \"c\"\x1b[31m", zap.String("k", "v\nw"), zap.Error(errors.New("x=y")), zap.String("e", ""))
		c.Info("again")
	})
	want := strings.Join([]string{
		`2026-01-02T03:04:05.678Z info  plain`,
		`2026-01-02T03:04:05.678Z warn  local_store exporter: slow disk  took=2s in="two words" n=3 otelcol.signal=logs`,
		`2026-01-02T03:04:05.678Z error start  error="it broke" files="[\"a\",\"b\"]" x=NaN`,
		`2026-01-02T03:04:05.678Z info  child: a\nb "c"\x1b[31m  k="v\nw" error="x=y" e=""`,
		`2026-01-02T03:04:05.678Z info  local_store exporter: again  otelcol.signal=logs`,
		"",
	}, "\n")
	if got != want {
		t.Errorf("written:\n%s\nwant:\n%s", got, want)
	}
}

func TestAJSONLineSaysWhoseItIs(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.Logs = LogsConfig{Level: zapcore.DebugLevel, Encoding: "json"}
	cfg.Resource = map[string]string{"service.name": "weir", "host": "canary"}
	got := logged(t, cfg, func(l *zap.Logger) { at(l).Debug("said", zap.Int("n", 1)) })
	var m map[string]any
	if err := json.Unmarshal([]byte(got), &m); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"level": "debug", "ts": "2026-01-02T03:04:05.678Z", "msg": "said", "n": 1.0, "service.name": "weir"}
	if fmt.Sprint(m) != fmt.Sprint(want) {
		t.Errorf("written %v, want %v", m, want)
	}
}

// A fork of a logger must not write into its parent's fields.
func TestFieldsOfAForkStayItsOwn(t *testing.T) {
	got := logged(t, createDefaultConfig().(*Config), func(l *zap.Logger) {
		parent := l.With(zap.String("a", "1"))
		_ = parent.With(zap.String("b", "2"))
		parent.Info("parent")
	})
	if !strings.HasSuffix(got, "parent  a=1\n") {
		t.Errorf("written: %s", got)
	}
}
