package gateprocessor

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-telemetry/weir/processors/gateprocessor/internal/metadatatest"
)

type auth string

func (a auth) GetAttribute(name string) any {
	if name == "weir.install.id" {
		return string(a)
	}
	return nil
}

func (auth) GetAttributeNames() []string { return []string{"weir.install.id"} }

func from(install string) context.Context {
	return client.NewContext(context.Background(), client.Info{Auth: auth(install)})
}

func assertCode(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	assert.False(t, consumererror.IsPermanent(err), "the report is not to blame")
	assert.Equal(t, code, status.Code(err))
	assert.ErrorContains(t, err, "report refused: "+reason)
}

func TestAReportOfAnotherInstallIsRefused(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, tel := newTestGate(t, sink)
	require.NoError(t, g.ConsumeMetrics(from(id(1)), sent(id(1), 1)))
	err := g.ConsumeMetrics(from(id(1)), sent(id(2), 1))
	assertCode(t, err, codes.PermissionDenied, "identity_mismatch")
	assert.NotContains(t, err.Error(), id(2))
	assert.Len(t, sink.AllMetrics(), 1)
	// Shown with the one who did it, not with the one who was claimed.
	metadatatest.AssertEqualGateRefusedReports(t, tel, []metricdata.DataPoint[int64]{
		{Value: 1, Attributes: attribute.NewSet(attribute.String("reason", "identity_mismatch"), attribute.String("weir.install.id", id(1)))},
	}, metricdatatest.IgnoreTimestamp())
	// The claimed one's own history is untouched.
	require.NoError(t, g.ConsumeMetrics(from(id(2)), sent(id(2), 1)))
	assert.Len(t, sink.AllMetrics(), 2)
}

func TestWhereAnIdentityIsRequiredNobodyIsTakenAtTheirWord(t *testing.T) {
	sink := new(consumertest.MetricsSink)
	g, _ := newTestGate(t, sink)
	require.NoError(t, g.ConsumeMetrics(context.Background(), sent(id(1), 1)), "as today, on loopback")
	g.requireIdentity = true
	assertCode(t, g.ConsumeMetrics(context.Background(), sent(id(1), 2)), codes.Unauthenticated, "identity_missing")
	assertCode(t, g.ConsumeMetrics(from(""), sent(id(1), 2)), codes.Unauthenticated, "identity_missing")
	require.NoError(t, g.ConsumeMetrics(from(id(1)), sent(id(1), 2)))
	assert.Len(t, sink.AllMetrics(), 2)
}
