package metricstore

import (
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
)

// promoted are the resource attributes that become labels of every series of
// their resource. Prometheus' recommended list, and the few that an install
// and its versions are told apart by. All attributes are on target_info.
var promoted = []string{
	"cloud.availability_zone",
	"cloud.region",
	"container.name",
	"deployment.environment",
	"deployment.environment.name",
	"host.name",
	"k8s.cluster.name",
	"k8s.container.name",
	"k8s.cronjob.name",
	"k8s.daemonset.name",
	"k8s.deployment.name",
	"k8s.job.name",
	"k8s.namespace.name",
	"k8s.pod.name",
	"k8s.replicaset.name",
	"k8s.statefulset.name",
	"service.instance.id",
	"service.name",
	"service.namespace",
	"service.version",
	"weir.install.id",
}

// translation is how OTLP becomes Prometheus: the defaults of Prometheus' own
// OTLP endpoint, with the strategy UnderscoreEscapingWithSuffixes.
var translation = prometheusremotewrite.Settings{
	AddMetricSuffixes: config.DefaultOTLPConfig.TranslationStrategy.ShouldAddSuffixes(),
	AllowUTF8:         !config.DefaultOTLPConfig.TranslationStrategy.ShouldEscape(),
	PromoteResourceAttributes: prometheusremotewrite.NewPromoteResourceAttributes(config.OTLPConfig{
		PromoteResourceAttributes: promoted,
	}),
	LabelNameUnderscoreSanitization:      config.DefaultOTLPConfig.LabelNameUnderscoreSanitization,
	LabelNamePreserveMultipleUnderscores: config.DefaultOTLPConfig.LabelNamePreserveMultipleUnderscores,
}
