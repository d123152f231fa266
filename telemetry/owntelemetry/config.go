package owntelemetry

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configtelemetry"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap/zapcore"
)

// Config is the section service::telemetry.
type Config struct {
	Logs    LogsConfig    `mapstructure:"logs"`
	Metrics MetricsConfig `mapstructure:"metrics"`
	// Resource describes this collector. service.name, service.version and
	// service.instance.id are filled in; an empty value leaves one out.
	Resource map[string]string `mapstructure:"resource"`
}

// LogsConfig says what the terminal shows.
type LogsConfig struct {
	// Level is the least that is said: debug, info, warn or error.
	Level zapcore.Level `mapstructure:"level"`
	// Encoding is console, for people, or json.
	Encoding string `mapstructure:"encoding"`
}

// MetricsConfig says what is measured.
type MetricsConfig struct {
	// Level is none, basic, normal or detailed.
	Level configtelemetry.Level `mapstructure:"level"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Logs:    LogsConfig{Level: zapcore.InfoLevel, Encoding: "console"},
		Metrics: MetricsConfig{Level: configtelemetry.LevelNormal},
	}
}

// Validate gathers every fault.
func (c *Config) Validate() error {
	var errs error
	if c.Logs.Level > zapcore.ErrorLevel {
		errs = errors.Join(errs, fmt.Errorf("logs::level is %s: use debug, info, warn or error", c.Logs.Level))
	}
	if c.Logs.Encoding != "console" && c.Logs.Encoding != "json" {
		errs = errors.Join(errs, fmt.Errorf("logs::encoding is %q: use console or json", c.Logs.Encoding))
	}
	return errs
}

// known are the keys of each section; a section without a list takes any.
var known = map[string][]string{
	"logs":     {"level", "encoding"},
	"metrics":  {"level"},
	"resource": nil,
}

// Unmarshal refuses the keys of other telemetry factories with a hint, since
// they are what people will have copied: readers, views, processors, traces.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	var errs error
	sections := conf.ToStringMap()
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		keys, ok := known[section]
		if !ok {
			errs = errors.Join(errs, unknown(section, slices.Sorted(maps.Keys(known))))
			continue
		}
		inner, _ := sections[section].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(inner)) {
			if keys != nil && !slices.Contains(keys, key) {
				errs = errors.Join(errs, unknown(section+"::"+key, keys))
			}
		}
	}
	if errs != nil {
		return errs
	}
	return conf.Unmarshal(c)
}

func unknown(key string, keys []string) error {
	hint := "Weir's own telemetry goes to the `own` receiver only, so name that in a pipeline of metrics"
	switch section, _, _ := strings.Cut(key, "::"); section {
	case "logs":
		hint = "Weir's own logs go to the terminal only"
	case "traces":
		hint = "Weir makes no traces of itself"
	}
	return fmt.Errorf("service::telemetry::%s is not known: %s; known here: %s", key, hint, strings.Join(keys, ", "))
}
