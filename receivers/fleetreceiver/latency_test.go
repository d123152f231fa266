package fleetreceiver

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-telemetry/weir/receivers/fleetreceiver/internal/metadata"
)

func TestEachAnswerIsTimedByWhatWasAskedForAndAnswered(t *testing.T) {
	s := serve(t, nil, consumertest.NewErr(errors.New("full")))
	tel := componenttest.NewTelemetry()
	builder, err := metadata.NewTelemetryBuilder(tel.NewTelemetrySettings())
	require.NoError(t, err)
	s.telemetry = builder
	e := s.enrol("acme")
	post(t, as(e), s.url()+metricsPath, metrics(t), nil)
	post(t, as(e), s.url()+metricsPath, []byte("?"), nil)
	post(t, as(e), s.url()+"/a/path/that/is/not", nil, nil)
	post(t, as(e), s.url()+metricsPath, nil, func(r *http.Request) { r.Method = http.MethodPut })

	timed := func() map[string]uint64 {
		m, err := tel.GetMetric("weir_fleet_request_duration")
		require.NoError(t, err)
		got := map[string]uint64{}
		for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
			what, _ := p.Attributes.Value("exchange")
			class, _ := p.Attributes.Value("http.response.status_class")
			got[what.AsString()+" "+class.AsString()] = p.Count
			assert.Equal(t, 2, p.Attributes.Len(), "nothing of the sender")
		}
		return got
	}
	// An answer is counted after it was sent.
	want := map[string]uint64{"enrolment 2xx": 1, "report 5xx": 1, "report 4xx": 2, "none 4xx": 1}
	assert.Eventually(t, func() bool { return assert.ObjectsAreEqual(want, timed()) }, 5*time.Second, time.Millisecond, "%v", timed())
}
