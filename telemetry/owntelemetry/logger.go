package owntelemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/service/telemetry"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// register makes the console encoder known to zap, once for the process: the
// collector builds the logger from a zap.Config, which names its encoder.
var register = sync.OnceValue(func() error {
	return zap.RegisterEncoder(consoleEncoding, func(zapcore.EncoderConfig) (zapcore.Encoder, error) {
		return newConsole(), nil
	})
})

// createLogger makes the logger of everything in the service. It writes to
// stderr and nowhere else.
func createLogger(_ context.Context, set telemetry.LoggerSettings, cfg component.Config) (*zap.Logger, component.ShutdownFunc, error) {
	logs := cfg.(*Config).Logs
	if err := register(); err != nil {
		return nil, nil, err
	}
	fields := zap.NewProductionEncoderConfig()
	fields.EncodeTime = zapcore.ISO8601TimeEncoder
	zc := zap.Config{
		Level:             zap.NewAtomicLevelAt(logs.Level),
		Encoding:          consoleEncoding,
		EncoderConfig:     fields,
		OutputPaths:       []string{"stderr"},
		ErrorOutputPaths:  []string{"stderr"},
		DisableCaller:     true,
		DisableStacktrace: true,
	}
	if logs.Encoding == "json" {
		zc.Encoding = "json"
		// Lines that machines gather from many places say whose they are;
		// on a terminal the resource would be the same words on each line.
		if set.Resource != nil {
			if name, ok := set.Resource.Attributes().Get(serviceName); ok {
				zc.InitialFields = map[string]any{serviceName: name.AsString()}
			}
		}
	}
	build := set.BuildZapLogger
	if build == nil {
		build = zap.Config.Build
	}
	logger, err := build(zc, set.ZapOptions...)
	return logger, nil, err
}
