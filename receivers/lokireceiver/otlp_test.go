package lokireceiver

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weir-telemetry/weir/internal/lokipush"
	"github.com/weir-telemetry/weir/receivers/lokireceiver/internal/metadatatest"
)

func otlpURL(push string) string { return strings.TrimSuffix(push, lokipush.Path) + otlpPath }

func TestOTLPComesInAsItIs(t *testing.T) {
	sink := &consumertest.LogsSink{}
	_, url := listening(t, settings(), sink)
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "shop")
	rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("paid")
	r := plogotlp.NewExportRequestFromLogs(ld)
	pb, err := r.MarshalProto()
	require.NoError(t, err)
	js, err := r.MarshalJSON()
	require.NoError(t, err)
	for _, c := range []struct {
		media, encoding string
		body            []byte
		answer          string
	}{
		{"application/x-protobuf", "", pb, ""},
		{"application/x-protobuf", "gzip", zipped(t, string(pb)), ""},
		{"application/json; charset=utf-8", "", js, "{}"},
		{"application/json", "gzip", zipped(t, string(js)), "{}"},
	} {
		sink.Reset()
		resp, text := post(t, otlpURL(url), c.media, c.encoding, c.body)
		require.Equal(t, http.StatusOK, resp.StatusCode, text)
		require.Equal(t, c.answer, text)
		require.Len(t, sink.AllLogs(), 1)
		require.Equal(t, ld, sink.AllLogs()[0])
	}
}

func TestOTLPRefusalsAreStatusesWithoutData(t *testing.T) {
	const canary = "canary-4711"
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(context.Background())) }()
	_, url := listening(t, metadatatest.NewSettings(tel), consumertest.NewErr(consumererror.NewRetryableError(nil)))
	for _, c := range []struct {
		media string
		body  string
		code  int
		text  string
	}{
		{"application/json", `{"resourceLogs":"` + canary + `"}`, 400, `{"code":3,"message":"malformed push request: not an OTLP export request"}`},
		{"application/json", strings.Repeat(canary, 1000), 413, `{"code":3,"message":"push request too large: more than 10000 bytes of body"}`},
		{"application/json", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}`, 503, `{"code":14,"message":"cannot take the records now, send again"}`},
	} {
		resp, text := post(t, otlpURL(url), c.media, "", []byte(c.body))
		require.Equal(t, c.code, resp.StatusCode)
		require.Equal(t, c.text, text)
		require.Equal(t, c.code == 503, resp.Header.Get("Retry-After") != "")
	}
	resp, text := post(t, otlpURL(url), "application/x-protobuf", "", []byte(canary))
	require.Equal(t, 400, resp.StatusCode)
	_, _, n := protowire.ConsumeTag([]byte(text))
	code, m := protowire.ConsumeVarint([]byte(text)[n:])
	require.EqualValues(t, 3, code)
	require.Contains(t, text[n+m:], "malformed push request: not an OTLP export request")
	resp, _ = post(t, otlpURL(url), "text/plain", "", nil)
	require.Equal(t, 415, resp.StatusCode)
}

func TestOTLPRecordsAreCountedBeforeTheyAreDecoded(t *testing.T) {
	limits := lokipush.NewDefaultLimits()
	wrap := func(field protowire.Number, inner []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), inner)
	}
	empties := func(field protowire.Number, n int) (out []byte) {
		for range n {
			out = append(out, wrap(field, nil)...)
		}
		return out
	}
	for _, c := range []struct {
		body []byte
		ok   bool
	}{
		{wrap(1, wrap(2, empties(2, limits.Entries))), true},
		{wrap(1, wrap(2, empties(2, limits.Entries+1))), false},
		{empties(1, 2*limits.Streams), true},
		{empties(1, 2*limits.Streams+1), false},
		{wrap(1, empties(2, 2*limits.Streams)), false},
		{[]byte("\xff\xff"), true}, // the decoder's to refuse
	} {
		if err := bounded(c.body, limits); c.ok {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, lokipush.ErrTooLarge)
		}
	}
}
