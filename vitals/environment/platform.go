package environment

import (
	"slices"
	"strings"
)

// platform says container before vm: most containers run on virtual machines, and
// the container is what limits them.
func platform(h Host) string {
	switch {
	case contained(h):
		return "container"
	case virtual(h):
		return "vm"
	case h.exists("proc/cpuinfo"):
		return "bare"
	}
	return Other
}

// runtimes are in the paths of the control groups and of the root's layers that
// the container runtimes make.
var runtimes = []string{"docker", "containerd", "kubepods", "libpod", "containers/storage", "/lxc", "garden", "crio", "nspawn"}

func contained(h Host) bool {
	return h.exists(".dockerenv", "run/.containerenv") || h.has("container", "KUBERNETES_SERVICE_HOST") ||
		told(h) || grouped(h) || layered(h) || sandboxed(h)
}

// told reads what systemd wrote down at its start. It counts WSL among the
// containers, which is a virtual machine by now.
func told(h Host) bool {
	said := strings.TrimSpace(h.text("run/systemd/container"))
	return said != "" && said != "wsl"
}

// grouped looks for a runtime in the names of the control groups. A unit such as
// docker.service itself runs on the host.
func grouped(h Host) bool {
	return slices.ContainsFunc(cgroups(h), func(group string) bool { return ofRuntime(group) && !isUnit(group) })
}

// layered looks for a runtime in what the root is made of: with a control group
// namespace of its own a container sees "/" only. An overlay alone proves nothing,
// image-based distributions boot from one.
func layered(h Host) bool {
	for line := range strings.Lines(h.text("proc/self/mountinfo")) {
		if f := strings.Fields(line); len(f) > 4 && f[4] == "/" && strings.Contains(line, " - overlay ") && ofRuntime(line) {
			return true
		}
	}
	return false
}

func ofRuntime(s string) bool {
	return slices.ContainsFunc(runtimes, func(r string) bool { return strings.Contains(s, r) })
}

// sandboxed knows gVisor, which is a kernel of its own in user space and always
// tells the same version.
func sandboxed(h Host) bool {
	version := h.text("proc/version")
	return strings.Contains(version, "gVisor") || strings.HasPrefix(version, "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016")
}

// virtual asks the processor first, which says it on x86, then the firmware.
func virtual(h Host) bool {
	if strings.Contains(strings.ToLower(h.text("proc/version")), "microsoft") { // WSL
		return true
	}
	for line := range strings.Lines(h.text("proc/cpuinfo")) {
		if key, flags, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "flags" {
			return slices.Contains(strings.Fields(flags), "hypervisor")
		}
	}
	if h.exists("proc/device-tree/hypervisor") || strings.TrimSpace(h.text("sys/hypervisor/type")) != "" {
		return true
	}
	product := strings.TrimSpace(h.text("sys/class/dmi/id/product_name"))
	if strings.Contains(product, ".metal") {
		return false // a cloud's whole machine bears the cloud's name
	}
	made := h.text("sys/class/dmi/id/sys_vendor") + product
	return slices.ContainsFunc(hypervisors, func(v string) bool { return strings.Contains(made, v) })
}

var hypervisors = []string{
	"QEMU", "KVM", "VMware", "VirtualBox", "innotek", "Xen", "Amazon EC2", "Google Compute Engine", "Virtual Machine",
	"OpenStack", "Parallels", "BHYVE", "Hetzner", "DigitalOcean", "Nutanix", "Apple Virtualization", "Alibaba Cloud", "oVirt", "RHEV",
}
