package lokireceiver

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/internal/loopback"
)

// Config is what the `loki` receiver can be told. Exactly one of LocalStore and
// HTTP says where it listens.
type Config struct {
	// LocalStore is the id of the local_store extension whose listener serves
	// the push API.
	LocalStore component.ID `mapstructure:"local_store"`
	// HTTP is a listener of its own. It must be on loopback unless auth is set.
	HTTP configoptional.Optional[confighttp.ServerConfig] `mapstructure:"http"`
	// Limits bound one request.
	Limits LimitsConfig `mapstructure:"limits"`
	// MaxConcurrentRequests bounds the requests that are held in memory at
	// once. Further ones wait a little, then are asked to come again.
	MaxConcurrentRequests int `mapstructure:"max_concurrent_requests"`
}

// LimitsConfig bounds one request.
type LimitsConfig struct {
	CompressedBytes   int64 `mapstructure:"compressed_bytes"`
	DecompressedBytes int64 `mapstructure:"decompressed_bytes"`
	Streams           int   `mapstructure:"streams"`
	Entries           int   `mapstructure:"entries"`
}

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = "127.0.0.1:3100"
	// Bodies are decompressed by lokipush, under its limits.
	server.CompressionAlgorithms = []string{}
	return &Config{
		HTTP:                  configoptional.Default(server),
		Limits:                LimitsConfig(lokipush.NewDefaultLimits()),
		MaxConcurrentRequests: 8,
	}
}

// Validate gathers every fault.
func (c *Config) Validate() error {
	var errs error
	mounted := c.LocalStore != component.ID{}
	switch {
	case mounted && c.HTTP.HasValue():
		errs = errors.Join(errs, errors.New("local_store and http are both set: keep the one that says where to listen"))
	case !mounted && !c.HTTP.HasValue():
		errs = errors.Join(errs, errors.New("neither local_store nor http is set: use local_store: local_store, or http: {endpoint: 127.0.0.1:3100}"))
	}
	if c.HTTP.HasValue() {
		server := c.HTTP.Get()
		// A Unix socket is guarded by the file's permissions.
		if server.NetAddr.Transport != confignet.TransportTypeUnix {
			if err := loopback.Guard(server.NetAddr.Endpoint, server.Auth.HasValue(), "127.0.0.1:3100"); err != nil {
				errs = errors.Join(errs, fmt.Errorf("http::endpoint: %w", err))
			}
		}
	}
	for _, l := range []struct {
		name string
		n    int64
	}{
		{"limits::compressed_bytes", c.Limits.CompressedBytes},
		{"limits::decompressed_bytes", c.Limits.DecompressedBytes},
		{"limits::streams", int64(c.Limits.Streams)},
		{"limits::entries", int64(c.Limits.Entries)},
		{"max_concurrent_requests", int64(c.MaxConcurrentRequests)},
	} {
		if l.n < 1 {
			errs = errors.Join(errs, fmt.Errorf("%s is %d: use 1 or more, or leave it out", l.name, l.n))
		}
	}
	return errs
}
