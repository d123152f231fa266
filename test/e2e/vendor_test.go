package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// vendor is the other side of the door: it takes whatever comes and keeps it.
type vendor struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
	down     bool
}

// request is one that reached the vendor, in full.
type request struct {
	path, head string
	body       []byte
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(v.serve))
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "read", http.StatusBadRequest)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	var head strings.Builder
	_ = r.Header.Write(&head)
	v.requests = append(v.requests, request{r.URL.String(), r.Method + " " + r.URL.String() + " " + r.Host + "\n" + head.String(), body})
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// setDown makes the vendor answer 503, or come back.
func (v *vendor) setDown(down bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down = down
}

func (v *vendor) all() []request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]request(nil), v.requests...)
}

// reports decodes what the vendor got, oldest first.
func (v *vendor) reports(t *testing.T) []pmetric.Metrics {
	t.Helper()
	var all []pmetric.Metrics
	for _, r := range v.all() {
		req := pmetricotlp.NewExportRequest()
		if err := req.UnmarshalProto(r.body); err != nil {
			t.Fatalf("a report is not OTLP: %v", err)
		}
		all = append(all, req.Metrics())
	}
	return all
}

// points gives the number points of a metric in a report by their attributes'
// text, e.g. `service.name=frontend`.
func points(md pmetric.Metrics, name string) map[string]float64 {
	out := map[string]float64{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if m.Name() != name {
					continue
				}
				var dps pmetric.NumberDataPointSlice
				switch m.Type() {
				case pmetric.MetricTypeSum:
					dps = m.Sum().DataPoints()
				case pmetric.MetricTypeGauge:
					dps = m.Gauge().DataPoints()
				case pmetric.MetricTypeHistogram:
					for _, dp := range m.Histogram().DataPoints().All() {
						out[attributes(dp.Attributes())] = float64(dp.Count())
					}
					continue
				default:
					continue
				}
				for _, dp := range dps.All() {
					if !dp.Flags().NoRecordedValue() {
						out[attributes(dp.Attributes())] = dp.DoubleValue()
					}
				}
			}
		}
	}
	return out
}

func attributes(m pcommon.Map) string {
	var parts []string
	for k, v := range m.All() {
		parts = append(parts, k+"="+v.AsString())
	}
	return strings.Join(parts, ",")
}

// writePolicy puts the e2e policy for a destination into a file.
func writePolicy(t *testing.T, destination string, change ...string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := strings.NewReplacer(append(change, "http://127.0.0.1:1", destination)...).Replace(string(text))
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
