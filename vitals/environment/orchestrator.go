package environment

import (
	"slices"
	"strings"
)

// orchestrator believes what it is told: compose and swarm leave no trace in a
// container, so that WEIR_ORCHESTRATOR can say it.
func orchestrator(h Host) string {
	switch {
	case h.has("WEIR_ORCHESTRATOR"):
		return h.Getenv("WEIR_ORCHESTRATOR")
	case h.has("KUBERNETES_SERVICE_HOST") || h.exists("var/run/secrets/kubernetes.io/serviceaccount"):
		return "kubernetes"
	case h.has("NOMAD_ALLOC_ID"):
		return "nomad"
	case h.has("ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4", "FLY_APP_NAME", "K_SERVICE", "CONTAINER_APP_NAME", "MESOS_SANDBOX"):
		return Other
	}
	if slices.ContainsFunc(cgroups(h), isUnit) {
		return "systemd"
	}
	return "none"
}

// isUnit says that a control group is that of a systemd service. That of a login
// ends in a scope.
func isUnit(group string) bool { return strings.HasSuffix(group, ".service") }

const maxPath = 4096 // the kernel's own

// cgroups are the paths of the control groups that Weir is in.
func cgroups(h Host) []string {
	var paths []string
	for line := range strings.Lines(h.text("proc/self/cgroup")) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 && len(parts[2]) <= maxPath {
			paths = append(paths, parts[2])
		}
	}
	return paths
}
