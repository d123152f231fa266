package lokiexporter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/weir-telemetry/weir/exporters/lokiexporter/internal/metadata"
	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/localstore/otlplogs"
)

type lokiExporter struct {
	cfg       *Config
	set       exporter.Settings
	url       string
	client    *http.Client // from start on
	telemetry *metadata.TelemetryBuilder
}

func newExporter(set exporter.Settings, cfg *Config) (*lokiExporter, error) {
	url, err := pushURL(cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	e := &lokiExporter{cfg: cfg, set: set, url: url}
	e.telemetry, err = metadata.NewTelemetryBuilder(set.TelemetrySettings)
	return e, err
}

func (e *lokiExporter) start(ctx context.Context, host component.Host) (err error) {
	e.client, err = e.cfg.ToClient(ctx, host.GetExtensions(), e.set.TelemetrySettings)
	if err != nil {
		return err
	}
	// Logs go where the configuration says and not where an answer says.
	e.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return nil
}

func (e *lokiExporter) shutdown(context.Context) error {
	if e.client != nil {
		e.client.CloseIdleConnections()
	}
	e.telemetry.Shutdown()
	return nil
}

// push sends one batch. Its errors are our own words and a status.
func (e *lokiExporter) push(ctx context.Context, ld plog.Logs) error {
	streams := otlplogs.Streams(ld)
	if len(streams) == 0 {
		return nil
	}
	body, err := lokipush.Encode(streams)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return consumererror.NewPermanent(fmt.Errorf("make a request to Loki: %w", err))
	}
	req.Header.Set("Content-Type", lokipush.ContentTypeProtobuf)
	req.Header.Set("User-Agent", e.set.BuildInfo.Command+"/"+e.set.BuildInfo.Version)
	if e.cfg.TenantID != "" {
		req.Header.Set("X-Scope-OrgID", e.cfg.TenantID)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return unreachable(err)
	}
	// Read to its end, so that the connection can be used again, but not for
	// ever. What it says is not ours to repeat.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()

	err = answered(resp.StatusCode, resp.Header.Get("Retry-After"))
	if consumererror.IsPermanent(err) {
		// Not the request's context: a sender's trace id would become an
		// exemplar.
		e.telemetry.LokiExporterRefusedLogRecords.Add(context.Background(), int64(ld.LogRecordCount()),
			metric.WithAttributeSet(attribute.NewSet(attribute.Int("status", resp.StatusCode))))
	}
	return err
}
