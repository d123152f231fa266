package maskprocessor

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/weir-telemetry/weir/processors/maskprocessor/internal/metadata"
	"github.com/weir-telemetry/weir/processors/maskprocessor/internal/metadatatest"
)

const secret = "bob@example.com"

// everywhere has the secret in each place of a log record that takes a string
// value, and once under a key.
func everywhere() plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("owner", secret)
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("kept")
	sl.Scope().Attributes().PutStr("owner", secret)
	text := sl.LogRecords().AppendEmpty()
	text.Body().SetStr("hello " + secret + " from 10.0.0.1")
	text.Attributes().PutStr("plain", "kept")
	text.Attributes().PutStr("db_password", "hunter2")
	text.Attributes().PutInt("pin", 1234)
	text.Attributes().PutBool("token", true)
	deep := text.Attributes().PutEmptyMap("deep")
	deep.PutEmptySlice("list").AppendEmpty().SetEmptyMap().PutStr("x", secret)
	deep.PutEmptyBytes("bytes").FromRaw([]byte(secret))
	nested := sl.LogRecords().AppendEmpty()
	nested.Body().SetEmptyMap().PutStr("user", secret)
	return ld
}

func run(t *testing.T, cfg *Config, ld plog.Logs) (string, *componenttest.Telemetry) {
	t.Helper()
	require.NoError(t, cfg.Validate())
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	sink := new(consumertest.LogsSink)
	p, err := NewFactory().CreateLogs(t.Context(), metadatatest.NewSettings(tel), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	assert.True(t, p.Capabilities().MutatesData)
	require.NoError(t, p.ConsumeLogs(t.Context(), ld))
	out, err := (&plog.JSONMarshaler{}).MarshalLogs(sink.AllLogs()[0])
	require.NoError(t, err)
	require.NoError(t, p.Shutdown(t.Context()))
	return string(out), tel
}

func TestNoStringOfARecordKeepsASecret(t *testing.T) {
	out, tel := run(t, createDefaultConfig().(*Config), everywhere())
	assert.NotContains(t, out, secret)
	assert.NotContains(t, out, "Ym9iQGV4YW1wbGUuY29t", "the bytes, as JSON has them")
	assert.NotContains(t, out, "hunter2")
	assert.NotContains(t, out, "1234")
	assert.Contains(t, out, `hello <mail> from <ip>`)
	assert.Equal(t, 2, strings.Count(out, "kept"), "the scope's name and an attribute")
	assert.Contains(t, out, `"boolValue":true`)
	family := func(name string, n int64) metricdata.DataPoint[int64] {
		return metricdata.DataPoint[int64]{Value: n, Attributes: attribute.NewSet(attribute.String("family", name))}
	}
	metadatatest.AssertEqualMaskMasked(t, tel, []metricdata.DataPoint[int64]{family("mail", 6), family("ip", 1), family("secret", 2)},
		metricdatatest.IgnoreTimestamp())
}

func TestOnlyTheFamiliesNamedAndTheKeysAreMasked(t *testing.T) {
	out, _ := run(t, &Config{Families: []string{"ip"}, Keys: []string{"plain"}}, everywhere())
	assert.Contains(t, out, `hello `+secret+` from <ip>`)
	assert.NotContains(t, out, `"stringValue":"kept"`)
	assert.Contains(t, out, "hunter2")
}

func TestACleanBatchIsPassedOnAsItWas(t *testing.T) {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.Body().SetStr("nothing here")
	r.Attributes().PutInt("n", 7)
	want, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	out, tel := run(t, &Config{}, ld)
	assert.Equal(t, string(want), out)
	_, err = tel.GetMetric("weir_mask_masked")
	require.Error(t, err, "nothing was counted")
}

func TestAllFaultsOfTheConfigurationAreSaid(t *testing.T) {
	err := (&Config{Families: []string{"mails", "card", "ips"}, Keys: []string{"x", "a=b"}}).Validate()
	for _, part := range []string{`"mails"`, `"ips"`, `"x"`, `"a=b"`, "take from mail"} {
		require.ErrorContains(t, err, part)
	}
}

func TestTheTypeIsMask(t *testing.T) { assert.Equal(t, "mask", metadata.Type.String()) }
