package gateprocessor

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// What an edge sees: the real receiver in front of the gate.
func TestReceiverAnswers400ToWhatIsRefused(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, _ := newTestGate(t, sink)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	f := otlpreceiver.NewFactory()
	cfg := f.CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"protocols": map[string]any{"http": map[string]any{"endpoint": addr}},
	}).Unmarshal(cfg))
	ctx := context.Background()
	r, err := f.CreateMetrics(ctx, receivertest.NewNopSettings(f.Type()), cfg, g)
	require.NoError(t, err)
	require.NoError(t, r.Start(ctx, componenttest.NewNopHost()))
	defer func() { assert.NoError(t, r.Shutdown(ctx)) }()

	post := func(md pmetric.Metrics) (int, string) {
		body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(md)
		require.NoError(t, err)
		res, err := http.Post("http://"+addr+"/v1/metrics", "application/x-protobuf", bytes.NewReader(body))
		require.NoError(t, err)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(answer)
	}
	code, _ := post(sent(id(1), 1))
	assert.Equal(t, http.StatusOK, code)
	assert.Len(t, sink.AllMetrics(), 1)

	md := pmetric.NewMetrics()
	sent(id(1), 2).CopyTo(md)
	md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).SetDescription("canary")
	code, answer := post(md)
	assert.Equal(t, http.StatusBadRequest, code)
	assert.Contains(t, answer, "report refused: metric_text")
	assert.NotContains(t, answer, "canary")
	assert.Len(t, sink.AllMetrics(), 1)
}
