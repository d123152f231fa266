package localstoreextension

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/confignet"

	"github.com/weir-telemetry/weir/internal/loopback"
	"github.com/weir-telemetry/weir/localstore/logql"
	"github.com/weir-telemetry/weir/localstore/metricstore"
	"github.com/weir-telemetry/weir/localstore/rules"
)

// Config is the user's.
type Config struct {
	// HTTP is the listener of the query APIs. It must be on loopback unless
	// auth is set.
	HTTP confighttp.ServerConfig `mapstructure:"http"`
	// Data is the data folder: metrics/ and logs/ in it are the stores.
	Data    string        `mapstructure:"data"`
	Metrics MetricsConfig `mapstructure:"metrics"`
	Logs    LogsConfig    `mapstructure:"logs"`
	Rules   RulesConfig   `mapstructure:"rules"`
}

// RulesConfig names the recording and alerting rules that are evaluated over the
// metric store.
type RulesConfig struct {
	// Files are Prometheus' rule files, or patterns that match some. A change
	// takes effect by itself, if all of them are without a fault.
	Files []string `mapstructure:"files"`
	// Interval is that of groups that name none.
	Interval Duration `mapstructure:"interval"`
	// Alertmanagers are base addresses, such as http://127.0.0.1:9093. None:
	// alerts are shown and sent nowhere.
	Alertmanagers []string `mapstructure:"alertmanagers"`
	// ExternalURL is where people find this listener; alerts link to it.
	ExternalURL string `mapstructure:"external_url"`
}

// MetricsConfig bounds the metric store.
type MetricsConfig struct {
	Retention Duration `mapstructure:"retention"`
	// MaxBytes bounds the blocks on disk; 0 is no bound.
	MaxBytes Bytes `mapstructure:"max_bytes"`
	// MaxSeries bounds the series in memory: new ones past it are refused.
	MaxSeries int `mapstructure:"max_series"`
	// OutOfOrderWindow is how late a sample may come.
	OutOfOrderWindow Duration `mapstructure:"out_of_order_window"`
}

// LogsConfig bounds the log store.
type LogsConfig struct {
	Retention Duration `mapstructure:"retention"`
	// MaxBytes bounds what is on disk; 0 is no bound.
	MaxBytes Bytes `mapstructure:"max_bytes"`
	// MaxStreams bounds the streams: entries of new ones past it are refused.
	MaxStreams int `mapstructure:"max_streams"`
	// MaxLineBytes bounds a line.
	MaxLineBytes Bytes `mapstructure:"max_line_bytes"`
	// LongLines says what becomes of longer ones: "refuse" or "cut". Both are
	// counted.
	LongLines string `mapstructure:"long_lines"`
	// Query bounds what one LogQL query may cost.
	Query QueryConfig `mapstructure:"query"`
}

// QueryConfig bounds a LogQL query. A query that comes to a limit ends with an
// error that names it.
type QueryConfig struct {
	Timeout Duration `mapstructure:"timeout"`
	// MaxSeries bounds the series of an answer, MaxEntries its log entries, and
	// MaxSteps the steps of a query over a range.
	MaxSeries  int `mapstructure:"max_series"`
	MaxEntries int `mapstructure:"max_entries"`
	MaxSteps   int `mapstructure:"max_steps"`
	// MaxLines and MaxBytes bound what is read, matching or not.
	MaxLines int64 `mapstructure:"max_lines"`
	MaxBytes Bytes `mapstructure:"max_bytes"`
	// MaxMemory bounds what is held at one time.
	MaxMemory Bytes `mapstructure:"max_memory"`
}

func defaultQueryConfig() QueryConfig {
	o := logql.DefaultOptions()
	return QueryConfig{
		Timeout: Duration(o.Timeout), MaxSeries: o.MaxSeries, MaxEntries: o.MaxEntries, MaxSteps: o.MaxPoints,
		MaxLines: o.MaxLines, MaxBytes: Bytes(o.MaxBytes), MaxMemory: Bytes(o.MaxMemory),
	}
}

func (c QueryConfig) options() logql.Options {
	return logql.Options{
		Timeout: time.Duration(c.Timeout), MaxSeries: c.MaxSeries, MaxEntries: c.MaxEntries, MaxPoints: c.MaxSteps,
		MaxLines: c.MaxLines, MaxBytes: int64(c.MaxBytes), MaxMemory: int64(c.MaxMemory),
	}
}

const refuseLongLines, cutLongLines = "refuse", "cut"

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = "127.0.0.1:7070"
	server.MaxRequestBodySize = 20 << 20
	// Whoever is mounted here unpacks bodies under limits of its own; confighttp
	// believes a snappy header's word on how much memory to take.
	server.CompressionAlgorithms = []string{}
	// A query may take two minutes; the default would cut its answer off.
	server.WriteTimeout = 3 * time.Minute
	return &Config{
		HTTP: server,
		Data: "./data",
		Metrics: MetricsConfig{
			Retention:        Duration(metricstore.DefaultRetention),
			MaxSeries:        metricstore.DefaultMaxSeries,
			OutOfOrderWindow: Duration(metricstore.DefaultOutOfOrderWindow),
		},
		Logs: LogsConfig{
			Retention:    Duration(7 * 24 * time.Hour),
			MaxStreams:   10_000,
			MaxLineBytes: 1 << 20,
			LongLines:    refuseLongLines,
			Query:        defaultQueryConfig(),
		},
		Rules: RulesConfig{Interval: Duration(rules.DefaultInterval)},
	}
}

// Validate gathers every fault in one answer.
func (c *Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("data: no folder is named; set it to where the stores shall be, such as ./data"))
	}
	if err := c.validateEndpoint(); err != nil {
		errs = append(errs, err)
	}
	if c.Logs.LongLines != refuseLongLines && c.Logs.LongLines != cutLongLines {
		errs = append(errs, fmt.Errorf("logs::long_lines: write %q or %q", refuseLongLines, cutLongLines))
	}
	for _, v := range []struct {
		key      string
		value    int64
		min, max int64
		hint     string
	}{
		{"metrics::retention", int64(c.Metrics.Retention), int64(2 * time.Hour), 0, "the smallest is 2h, the span of a block"},
		{"metrics::max_bytes", int64(c.Metrics.MaxBytes), 0, 0, "0 is no bound"},
		{"metrics::max_series", int64(c.Metrics.MaxSeries), 1, 0, "the default is 200000, about 400 MB"},
		{"metrics::out_of_order_window", int64(c.Metrics.OutOfOrderWindow), 0, int64(31 * 24 * time.Hour), "0 takes none; the most is 31d"},
		{"rules::interval", int64(c.Rules.Interval), int64(time.Second), int64(time.Hour), "between 1s and 1h"},
		{"logs::retention", int64(c.Logs.Retention), int64(time.Hour), 0, "the smallest is 1h"},
		{"logs::max_bytes", int64(c.Logs.MaxBytes), 0, 0, "0 is no bound"},
		{"logs::max_streams", int64(c.Logs.MaxStreams), 1, 0, "the default is 10000"},
		{"logs::max_line_bytes", int64(c.Logs.MaxLineBytes), 1, 16 << 20, "between 1 and 16MiB"},
		{"logs::query::timeout", int64(c.Logs.Query.Timeout), int64(time.Second), int64(c.HTTP.WriteTimeout), "at least 1s and at most http::write_timeout, where the answer is cut off"},
		{"logs::query::max_series", int64(c.Logs.Query.MaxSeries), 1, 0, "the default is 500, as many as people can tell apart"},
		{"logs::query::max_entries", int64(c.Logs.Query.MaxEntries), 1, 0, "the default is 5000"},
		{"logs::query::max_steps", int64(c.Logs.Query.MaxSteps), 1, 0, "the default is 11000, that of Prometheus"},
		{"logs::query::max_lines", c.Logs.Query.MaxLines, 1, 0, "the default is 1000000000"},
		{"logs::query::max_bytes", int64(c.Logs.Query.MaxBytes), 1, 0, "the default is 1TiB"},
		{"logs::query::max_memory", int64(c.Logs.Query.MaxMemory), 1 << 20, 0, "at least 1MiB; the default is 256MiB"},
	} {
		if v.value < v.min || v.max != 0 && v.value > v.max {
			errs = append(errs, fmt.Errorf("%s: out of range; %s", v.key, v.hint))
		}
	}
	return errors.Join(append(errs, c.Rules.validate())...)
}

// validateEndpoint keeps everything that is stored from being served to a
// network without anybody having to say who they are.
func (c *Config) validateEndpoint() error {
	addr := c.HTTP.NetAddr
	if addr.Transport == confignet.TransportTypeUnix {
		return nil // guarded by the file's permissions
	}
	if err := loopback.Guard(addr.Endpoint, c.HTTP.Auth.HasValue(), "127.0.0.1:7070"); err != nil {
		return fmt.Errorf("http::endpoint: %w", err)
	}
	return nil
}
