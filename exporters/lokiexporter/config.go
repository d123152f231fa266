package lokiexporter

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/weir-telemetry/weir/internal/lokipush"
)

// Config is what the `loki` exporter can be told.
type Config struct {
	// Endpoint is Loki's address, such as http://loki:3100. The path of the
	// push API is added where it is missing.
	confighttp.ClientConfig `mapstructure:",squash"`
	// TenantID is sent as X-Scope-OrgID, if it is set.
	TenantID string `mapstructure:"tenant_id"`

	Retry configretry.BackOffConfig                                `mapstructure:"retry_on_failure"`
	Queue configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
}

func createDefaultConfig() component.Config {
	client := confighttp.NewDefaultClientConfig()
	client.Timeout = 30 * time.Second
	return &Config{
		ClientConfig: client,
		Retry:        configretry.NewDefaultBackOffConfig(),
		Queue:        configoptional.Some(exporterhelper.NewDefaultQueueConfig()),
	}
}

// Validate gathers every fault.
func (c *Config) Validate() error {
	var errs error
	if c.Endpoint == "" {
		errs = errors.Join(errs, errors.New("endpoint is missing: use Loki's address, such as http://loki:3100"))
	} else if _, err := pushURL(c.Endpoint); err != nil {
		errs = errors.Join(errs, err)
	}
	if c.Compression.IsCompressed() {
		errs = errors.Join(errs, fmt.Errorf("compression is %s: leave it out, a push is compressed with snappy already", c.Compression))
	}
	if strings.ContainsAny(c.TenantID, "\r\n") {
		errs = errors.Join(errs, errors.New("tenant_id has more than one line: use one id"))
	}
	return errs
}

// pushURL is where to push. An address without the path gets it.
func pushURL(endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		// The parser's error would quote a password that the address holds.
		return "", errors.New("endpoint is no http or https address: use one such as http://loki:3100")
	}
	if !strings.HasSuffix(u.Path, lokipush.Path) {
		u = u.JoinPath(lokipush.Path)
	}
	return u.String(), nil
}
