package lokireceiver

import (
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/weir-telemetry/weir/localstore/otlplogs"
)

const (
	serviceName    = "service_name"
	detectedLevel  = "detected_level"
	unknownService = "unknown_service"
)

// serviceLabels are those that Loki takes a service's name from, in its order.
var serviceLabels = []string{
	"service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container",
	"container_name", "k8s_container_name", "component", "workload", "job", "k8s_job_name",
}

// service names the stream's service; "" when the stream has a name.
func service(stream labels.Labels) string {
	if stream.Has(serviceName) {
		return ""
	}
	for _, name := range serviceLabels {
		if v := stream.Get(name); v != "" {
			return v
		}
	}
	return unknownService
}

// levelLabels hold a level if the sender gave one, in Loki's order.
var levelLabels = []string{
	"level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText",
	"lvl", "LVL", "Lvl", "severity_text", "Severity_Text", "SEVERITY_TEXT",
}

func givenLevel(ls labels.Labels) string {
	if ls.IsEmpty() {
		return ""
	}
	for _, name := range levelLabels {
		if v := ls.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// level detects an entry's level: what its metadata says, else what its stream
// says, else what its line says.
func level(given string, metadata labels.Labels, line string) string {
	if v := givenLevel(metadata); v != "" {
		given = v
	}
	return otlplogs.Level(plog.SeverityNumberUnspecified, given, line)
}
