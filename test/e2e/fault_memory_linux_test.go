package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/vitals/fault"
	"github.com/weir-telemetry/weir/vitals/probe"
)

// bounded makes a control group that may have so much memory, in the version
// that this machine has.
func bounded(t *testing.T, bytes int) (group string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("making a control group needs root")
	}
	for _, v := range []struct{ root, limit string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, {"/sys/fs/cgroup", "memory.max"},
	} {
		group = filepath.Join(v.root, fmt.Sprintf("weir-e2e-%d-%s", os.Getpid(), t.Name()))
		if os.Mkdir(group, 0o755) != nil {
			continue
		}
		// It can go when nothing runs in it any more.
		t.Cleanup(func() { _ = os.Remove(group) })
		// The kernel made the file, if it is a control group.
		if f, err := os.OpenFile(filepath.Join(group, v.limit), os.O_WRONLY, 0); err == nil {
			_, err = f.WriteString(strconv.Itoa(bytes))
			if err = errors.Join(err, f.Close()); err == nil {
				return group
			}
		}
	}
	t.Skip("no control group can bound memory here")
	return ""
}

// hold starts a process in a group, which holds so much memory until it is let
// go.
func hold(t *testing.T, group string, mebibytes int) (letGo func()) {
	t.Helper()
	c := exec.Command("sh", "-c", `echo $$ > "$0"/cgroup.procs && exec dd if=/dev/zero bs="$1"M count=1 status=none`, group, strconv.Itoa(mebibytes))
	// A pipe that nobody reads: dd has read all of it and cannot write it.
	if _, err := c.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	letGo = func() { _ = c.Process.Kill(); _ = c.Wait() }
	t.Cleanup(letGo)
	return letGo
}

// A process fills the group that it may use, and ends.
func TestAGroupWithoutMemoryIsTheHosts(t *testing.T) {
	t.Parallel()
	group := bounded(t, 128<<20)
	n := newFaultEdge(t, "", fmt.Sprintf(`{name: shop-memory, kind: memory, target: "%s", fail_below: 0.2, warn_below: 0.5}`, group))
	n.begin()
	n.ready()
	n.judges("at the start", "none/none")

	letGo := hold(t, group, 80)
	n.eventually("little is left", 10*time.Second, func() error {
		r, err := n.fault()
		for _, w := range r.Warnings {
			if w.Name == "shop-memory" && w.Reason == "low" && r.Domain == fault.None {
				return nil
			}
		}
		return fmt.Errorf("%w, %s, warnings %+v", err, r.Domain, r.Warnings)
	})
	letGo()

	letGo = hold(t, group, 112)
	if r := n.judges("nothing is left", "host/infrastructure"); len(r.Signs) != 1 || r.Signs[0].Name != "shop-memory" || r.Signs[0].Reason != "full" {
		t.Errorf("signs %+v", r.Signs)
	}
	letGo()
	n.judges("it was given back", "none/none")
	n.stop()
}

// The edge lives in a group of its own, which another process beside it fills:
// that is a matter of who runs Weir.
func TestAnEdgeWhoseOwnGroupHasNoMemoryLeftIsTheCollectors(t *testing.T) {
	t.Parallel()
	group := bounded(t, 1<<30)
	inGroup := []string{"sh", "-c", `echo $$ > "$0"/cgroup.procs && exec "$@"`, group}
	n := newFaultEdge(t, "")
	n.through = inGroup
	n.begin()
	n.ready()
	n.eventually("the edge finds its group", 10*time.Second, func() error {
		_, err := one(n.prom(`weir_probe_success{weir_probe_name="own-memory"} == 1`))
		return err
	})
	if r, err := n.fault(); err != nil || !slices.ContainsFunc(r.Probes, func(f probe.Finding) bool { return f.Name == "own-memory" && f.Target == group }) {
		t.Errorf("%v, probes %+v, want one of %s", err, r.Probes, group)
	}
	n.stop()

	// With shares that leave the edge enough to live on.
	n = newFaultEdge(t, "", fmt.Sprintf(`{name: own-memory, kind: memory, target: "%s", domain: collector, fail_below: 0.5, warn_below: 0.5}`, group))
	n.through = inGroup
	n.begin()
	n.ready()
	n.judges("at the start", "none/none")
	letGo := hold(t, group, 600)
	if r := n.judges("nothing is left", "collector/monitoring"); r.Signs[0].Name != "own-memory" || r.Signs[0].Reason != "full" {
		t.Errorf("signs %+v", r.Signs)
	}
	letGo()
	n.judges("it was given back", "none/none")
	n.stop()
}
