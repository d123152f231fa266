package vitals_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/vitals"
)

func TestWhatIsRestoredIsWhatWasSaved(t *testing.T) {
	v := vitals.New(vitals.Options{Start: epoch})
	v.Logs(logs(t, `{"resource":{"service.name":"a","service.version":"1.0.0"}}
{"resource":{"service.name":"b"}}`), epoch)
	v.OwnMetrics(own(t, `{"resource":{"service.name":"b"},"name":"http.server.request.duration"}`), epoch)
	v.Traces(sampleTraces(10), epoch)
	saved, err := v.State()
	if err != nil {
		t.Fatal(err)
	}
	again := vitals.New(vitals.Options{Start: epoch})
	if err := again.Restore(saved, epoch); err != nil {
		t.Fatal(err)
	}
	if got, err := again.State(); err != nil || !bytes.Equal(got, saved) {
		t.Errorf("restored is\n%s\nsaved was\n%s (%v)", got, saved, err)
	}
	// A service that falls silent while Weir is restarted is silent after it.
	if said := print(again.Metrics(epoch.Add(time.Hour))); !strings.Contains(said, `weir.service.silence "b" 3600s`) {
		t.Error(said)
	}
}

func TestAStateThatCannotBeReadIsRefusedWithoutSayingWhatIsInIt(t *testing.T) {
	for what, data := range map[string]string{
		"nothing": "", "no JSON": "secret", "torn": `{"format":1,"services":[{"name":"secret`, "another format": `{"format":2}`,
		"another type": `{"format":1,"services":[{"name":{"secret":1}}]}`, "too much": strings.Repeat(" ", 1<<14) + `{"format":1}`,
	} {
		v := vitals.New(vitals.Options{Start: epoch, MaxServices: 1, MaxVersions: 1})
		err := v.Restore([]byte(data), epoch)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The file is in the customer's hands: what is written there may be anything.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(`{"format":1,"services":[{"name":"a","heard":1700000000000000000,"versions":[{"name":"1","first":1,"last":9223372036854775807}],"own":{"http.server.request.duration":-1},"derived":{"x":1}}]}`))
	f.Add([]byte(`{"format":1,"services":[{"name":""},{"name":"other"},{"name":"a","versions":[{"name":""},{"name":"1"},{"name":"1"},{"name":"2"},{"name":"3"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o := vitals.Options{Start: epoch, MaxServices: 2, MaxVersions: 2}
		v := vitals.New(o)
		if v.Restore(data, epoch) != nil {
			return
		}
		v.Logs(logs(t, `{"resource":{"service.name":"a","service.version":"2"}}`), epoch)
		services, versions := map[string]bool{}, map[string]int{}
		for line := range strings.Lines(print(v.Metrics(epoch))) {
			var name, service string
			if n, _ := fmt.Sscanf(line, "%s %q", &name, &service); n < 2 {
				continue
			}
			switch name {
			case "weir.service.silence":
				services[service] = true
			case "weir.service.deploys":
				versions[service]++
			}
		}
		if len(services) > o.MaxServices+1 {
			t.Errorf("%d services", len(services))
		}
		for _, n := range versions {
			if n > o.MaxVersions {
				t.Errorf("%d versions of one service", n)
			}
		}
	})
}

// The bound on what is read never refuses what was written.
func TestTheLargestStateIsWithinItsBound(t *testing.T) {
	o := vitals.Options{Start: epoch, MaxServices: 3, MaxVersions: 10}
	v := vitals.New(o)
	for s := range o.MaxServices {
		for i := range o.MaxVersions {
			name := strings.Repeat("\x01", 126) + fmt.Sprintf("%02d", s)
			ver := strings.Repeat("\x01", 126) + fmt.Sprintf("%02d", i)
			ld := lines(1, "")
			ld.ResourceLogs().At(0).Resource().Attributes().PutStr("service.name", name)
			ld.ResourceLogs().At(0).Resource().Attributes().PutStr("service.version", ver)
			v.Logs(ld, epoch)
		}
	}
	saved, err := v.State()
	if err != nil || len(saved) < 20_000 {
		t.Fatalf("%d bytes, %v", len(saved), err)
	}
	if err := vitals.New(o).Restore(saved, epoch); err != nil {
		t.Error(err)
	}
}
