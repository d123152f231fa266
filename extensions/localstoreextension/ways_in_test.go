package localstoreextension

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/filelogreceiver"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/weir-telemetry/weir/exporters/localstoreexporter"
	"github.com/weir-telemetry/weir/extensions/localstoreextension/internal/metadatatest"
	"github.com/weir-telemetry/weir/receivers/lokireceiver"
)

// canary stands in all that is refused. It may be in no answer and in no log.
const canary = "Roehampton"

// sent is a record on its way in: its service names its stream, its note becomes
// structured metadata.
type sent struct {
	reason              string // why it is refused; none: it is not
	service, line, note string
	at                  time.Time
}

// sentRecords are two honest records and between them one for each reason.
func sentRecords(now time.Time) []sent {
	return []sent{
		{"", "shop", "first", "", now},
		{"too_old", "shop", canary, "", now.AddDate(0, 0, -30)},
		{"too_far_ahead", "shop", canary, "", now.Add(time.Hour)},
		{"line_too_long", "shop", strings.Repeat(canary, 20), "", now},
		{"metadata_too_large", "shop", canary, strings.Repeat(canary, 7000), now},
		{"invalid_labels", strings.Repeat(canary, 300), "x", "", now},
		{"stream_limit", canary, "x", "", now},
		{"", "shop", "last", "", now.Add(time.Millisecond)},
	}
}

// ways are all ways for logs to come in. Each gives back a function that sends,
// and says what the sender was told.
var ways = map[string]func(*testing.T, *pipeline) func([]sent) string{
	"push protobuf": func(t *testing.T, p *pipeline) func([]sent) string {
		p.start(lokireceiver.NewFactory(), map[string]any{"local_store": "local_store"})
		return func(all []sent) string {
			var req push.PushRequest
			for _, s := range all {
				e := push.Entry{Timestamp: s.at, Line: s.line}
				if s.note != "" {
					e.StructuredMetadata = push.LabelsAdapter{{Name: "note", Value: s.note}}
				}
				req.Streams = append(req.Streams, push.Stream{Labels: fmt.Sprintf("{service_name=%q}", s.service), Entries: []push.Entry{e}})
			}
			b, err := req.Marshal()
			require.NoError(t, err)
			return p.post("/loki/api/v1/push", "application/x-protobuf", snappy.Encode(nil, b))
		}
	},
	"push JSON": func(t *testing.T, p *pipeline) func([]sent) string {
		p.start(lokireceiver.NewFactory(), map[string]any{"local_store": "local_store"})
		return func(all []sent) string {
			var streams []any
			for _, s := range all {
				value := []any{fmt.Sprint(s.at.UnixNano()), s.line}
				if s.note != "" {
					value = append(value, map[string]string{"note": s.note})
				}
				streams = append(streams, map[string]any{"stream": map[string]string{"service_name": s.service}, "values": []any{value}})
			}
			b, err := json.Marshal(map[string]any{"streams": streams})
			require.NoError(t, err)
			return p.post("/loki/api/v1/push", "application/json", b)
		}
	},
	"OTLP as Loki has it": func(t *testing.T, p *pipeline) func([]sent) string {
		p.start(lokireceiver.NewFactory(), map[string]any{"local_store": "local_store"})
		return func(all []sent) string {
			b, err := plogotlp.NewExportRequestFromLogs(sentLogs(all)).MarshalJSON()
			require.NoError(t, err)
			return p.post("/otlp/v1/logs", "application/json", b)
		}
	},
	"OTLP": func(t *testing.T, p *pipeline) func([]sent) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		p.start(otlpreceiver.NewFactory(), map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": l.Addr().String()}}})
		return func(all []sent) string {
			b, err := plogotlp.NewExportRequestFromLogs(sentLogs(all)).MarshalProto()
			require.NoError(t, err)
			p.base = "http://" + l.Addr().String()
			return p.post("/v1/logs", "application/x-protobuf", b)
		}
	},
	"a file": func(t *testing.T, p *pipeline) func([]sent) string {
		file := filepath.Join(t.TempDir(), "product.log")
		p.start(filelogreceiver.NewFactory(), map[string]any{
			"include": []any{file}, "start_at": "beginning", "poll_interval": "20ms",
			"operators": []any{
				map[string]any{"type": "json_parser", "timestamp": map[string]any{"parse_from": "attributes.at", "layout_type": "epoch", "layout": "ns"}},
				map[string]any{"type": "remove", "field": "attributes.at"},
				map[string]any{"type": "move", "from": "attributes.line", "to": "body"},
				map[string]any{"type": "move", "from": "attributes.service", "to": `resource["service.name"]`},
			},
		})
		return func(all []sent) string {
			f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			require.NoError(t, err)
			defer f.Close()
			for _, s := range all {
				require.NoError(t, json.NewEncoder(f).Encode(map[string]string{"at": fmt.Sprint(s.at.UnixNano()), "service": s.service, "line": s.line, "note": s.note}))
			}
			return ""
		}
	},
}

func sentLogs(all []sent) plog.Logs {
	ld := plog.NewLogs()
	for _, s := range all {
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", s.service)
		r := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		r.SetTimestamp(pcommon.NewTimestampFromTime(s.at))
		r.Body().SetStr(s.line)
		if s.note != "" {
			r.Attributes().PutStr("note", s.note)
		}
	}
	return ld
}

// pipeline is a way in before the exporter before the store.
type pipeline struct {
	t    *testing.T
	host host
	next consumer.Logs
	log  *zap.Logger
	base string
}

func (p *pipeline) start(f receiver.Factory, settings map[string]any) {
	p.t.Helper()
	cfg := f.CreateDefaultConfig()
	require.NoError(p.t, confmap.NewFromStringMap(settings).Unmarshal(cfg))
	set := receivertest.NewNopSettings(f.Type())
	set.Logger = p.log
	r, err := f.CreateLogs(p.t.Context(), set, cfg, p.next)
	require.NoError(p.t, err)
	require.NoError(p.t, r.Start(p.t.Context(), p.host))
	p.t.Cleanup(func() { require.NoError(p.t, r.Shutdown(context.Background())) })
}

func (p *pipeline) post(path, media string, body []byte) string {
	resp, err := http.Post(p.base+path, media, bytes.NewReader(body))
	require.NoError(p.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	require.Equal(p.t, 2, resp.StatusCode/100, "%s: %s", resp.Status, text)
	return string(text)
}

// Whichever way a batch comes in, what cannot be stored is counted by its reason,
// the rest is stored and acknowledged, and nobody is told any of the data.
func TestEveryWayInTakesWhatItCanAndCountsTheRest(t *testing.T) {
	for name, open := range ways {
		for _, longLines := range []string{refuseLongLines, cutLongLines} {
			t.Run(name+", long lines: "+longLines, func(t *testing.T) {
				tel := componenttest.NewTelemetry()
				t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
				core, logged := observer.New(zap.DebugLevel)
				cfg := testConfig(t)
				cfg.Logs.MaxStreams, cfg.Logs.MaxLineBytes, cfg.Logs.LongLines = 1, 64, longLines
				set := metadatatest.NewSettings(tel)
				set.Logger = zap.New(core)
				l := started(t, set, cfg)
				h := host{component.MustNewID("local_store"): l}
				f := localstoreexporter.NewFactory()
				exporter, err := f.CreateLogs(t.Context(), exportertest.NewNopSettings(f.Type()), f.CreateDefaultConfig())
				require.NoError(t, err)
				require.NoError(t, exporter.Start(t.Context(), h))
				send := open(t, &pipeline{t, h, exporter, set.Logger, l.url()})

				now := time.Now().Add(-time.Minute)
				records := sentRecords(now)
				require.NotContains(t, send(records), canary)

				want, lines := map[string]int64{}, 0
				for _, r := range records {
					if r.reason == "" || r.reason == "line_too_long" && longLines == cutLongLines {
						lines++
					} else {
						want[r.reason] = 1
					}
				}
				var got map[string]int64
				require.Eventually(t, func() bool { // a file is read when its time comes
					got = sum(t, tel, "weir_local_store_rejected", "reason")
					return len(got) == len(want) && l.stores.logs.Stats().Accepted == int64(lines)
				}, 10*time.Second, 10*time.Millisecond, "%v", got)
				require.Equal(t, want, got)
				require.Equal(t, int64(lines-2), sum(t, tel, "weir_local_store_cut", "")[""])

				stored := storedLines(t, l.url())
				require.Len(t, stored, lines)
				require.Subset(t, stored, []string{"first", "last"})
				for _, e := range logged.All() {
					require.NotContains(t, fmt.Sprint(e.Message, e.ContextMap()), canary)
				}
			})
		}
	}
}

// sum adds up a counter by an attribute.
func sum(t *testing.T, tel *componenttest.Telemetry, name, by string) map[string]int64 {
	out := map[string]int64{}
	m, err := tel.GetMetric(name)
	if err != nil {
		return out // nothing was counted yet
	}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		v, _ := p.Attributes.Value(attribute.Key(by))
		out[v.AsString()] += p.Value
	}
	return out
}
