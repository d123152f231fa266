// Package environment says in what surroundings Weir runs: on what platform,
// under which orchestrator, on which family of operating systems, on which
// architecture, behind a proxy or not, cut off or not, on how large a machine.
//
// It promises that nothing but the words of [Facts] comes out, whatever the
// files and variables say that it reads: no name of a machine, image, cluster,
// cloud or proxy. What is not known is "other".
//
// It asks nobody: it reads some files and environment variables, once, and
// probes no network, no hypervisor and no metadata service.
package environment

import (
	"io"
	"io/fs"
	"slices"
)

// Host is what is looked at.
type Host struct {
	// Files is the root of the file system: os.DirFS("/").
	Files fs.FS
	// Getenv answers as os.Getenv does.
	Getenv func(string) string
	// Arch is runtime.GOARCH.
	Arch string
	// CPUs is how many processors the machine offers: runtime.NumCPU().
	CPUs int
}

// Fact is one thing to be known, and the words that it may be said in.
type Fact struct {
	// Metric is the gauge that says it; it is 1 for the value in Attribute.
	Metric, Description string
	Attribute           string
	// Values are all that Attribute can be. If they are true and false, it is a bool.
	Values []string

	find func(Host) string
}

// Bool says that the attribute is a bool.
func (f Fact) Bool() bool { return f.Values[0] == "true" }

// Of is the fact's value on a host: one of Values.
func (f Fact) Of(h Host) string {
	v := f.find(h)
	if !slices.Contains(f.Values, v) {
		return Other
	}
	return v
}

// Other is said of what is none of the known.
const Other = "other"

// Facts are all that is ever said. Each is a metric of its own, so that a policy
// lets out as many series as there are words, not their combinations, and so that
// a customer accepts or refuses each by itself.
var Facts = []Fact{
	{
		Metric: "weir.environment.platform", Description: "What Weir runs on.",
		Attribute: "weir.platform", Values: []string{"bare", "vm", "container", Other}, find: platform,
	},
	{
		Metric: "weir.environment.orchestrator", Description: "What started Weir and starts it again.",
		Attribute: "weir.orchestrator", Values: []string{"none", "kubernetes", "nomad", "compose", "systemd", Other}, find: orchestrator,
	},
	{
		Metric: "weir.environment.os", Description: "The family of the Linux distribution.",
		Attribute: "weir.os.family", Values: []string{"debian", "rhel", "suse", "alpine", Other}, find: family,
	},
	{
		Metric: "weir.environment.architecture", Description: "The processors' architecture.",
		Attribute: "host.arch", Values: []string{"amd64", "arm64", Other}, find: func(h Host) string { return h.Arch },
	},
	{
		Metric: "weir.environment.proxy", Description: "Whether programs are told to go through a proxy here.",
		Attribute: "weir.proxy", Values: []string{"true", "false"}, find: proxy,
	},
	{
		Metric: "weir.environment.air_gap", Description: "Whether no road leads out: there is no default route and no proxy.",
		Attribute: "weir.air_gap", Values: []string{"true", "false"}, find: airGap,
	},
	{
		Metric: "weir.environment.size", Description: "How much of processors and memory Weir and the product may use here.",
		Attribute: "weir.size", Values: []string{"small", "medium", "large", "xlarge"}, find: size,
	},
}

// mostBytes is enough of any of these files: what is looked for stands at its begin.
const mostBytes = 64 << 10

// text is a file's beginning, empty if it cannot be read.
func (h Host) text(name string) string {
	f, err := h.Files.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	data, _ := io.ReadAll(io.LimitReader(f, mostBytes))
	return string(data)
}

func (h Host) exists(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, err := fs.Stat(h.Files, name)
		return err == nil
	})
}

// has says whether one of the variables is set.
func (h Host) has(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return h.Getenv(name) != "" })
}
