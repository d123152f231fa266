package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/weir-telemetry/weir/internal/netlab"
)

// image mounts a small ext4 file system over a loop device.
func image(t *testing.T, mebibytes int64, options ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting an image needs root")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("mounting an image needs " + tool)
		}
	}
	dir := t.TempDir()
	file, path := filepath.Join(dir, "image"), filepath.Join(dir, "mount")
	for _, err := range []error{os.WriteFile(file, nil, 0o600), os.Truncate(file, mebibytes<<20), os.Mkdir(path, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("mkfs.ext4", append(append([]string{"-q", "-F"}, options...), file)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", file, path).CombinedOutput(); err != nil {
		t.Skip("an image cannot be mounted here: " + string(out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", path).Run() })
	return path
}

// fill writes until there is no more room, root's share included.
func fill(t *testing.T, folder string) (undo func()) {
	t.Helper()
	name := filepath.Join(folder, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	return func() { _ = os.Remove(name) }
}

// fillInodes makes files until there can be no more.
func fillInodes(t *testing.T, folder string) (undo func()) {
	t.Helper()
	dir := filepath.Join(folder, "many")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil || i > 100_000 {
			t.Fatalf("file %d: %v", i, err)
		}
	}
	return func() { _ = os.RemoveAll(dir) }
}

// Three real file systems: one without room, one without inodes, one that Weir
// itself lives on.
func TestAFullDiskIsTheHosts(t *testing.T) {
	t.Parallel()
	room, inodes, own := image(t, 8), image(t, 8, "-N", "64"), image(t, 300)
	n := newFaultEdge(t, "",
		fmt.Sprintf(`{name: backup-disk, kind: disk, target: "%s", owner: backups}`, room),
		fmt.Sprintf(`{name: spool-inodes, kind: inode, target: "%s"}`, inodes))
	n.data = filepath.Join(own, "data")
	n.env = append(n.env, "WEIR_DATA="+n.data)
	n.begin()
	n.ready()
	n.judges("at the start", "none/none")
	for _, c := range []struct {
		what, verdict string
		breakIt       func() func()
	}{
		{"a disk is full", "host/backups", func() func() { return fill(t, room) }},
		{"a disk has no inodes", "host/infrastructure", func() func() { return fillInodes(t, inodes) }},
		{"Weir's own disk is full", "host/infrastructure", func() func() { return fill(t, own) }},
	} {
		undo := c.breakIt()
		at := n.judges(c.what, c.verdict).At
		// The evidence goes on, on a full disk, too.
		n.eventually(c.what+", still", 10*time.Second, func() error {
			if r, err := n.fault(); err != nil || !r.At.After(at) {
				return fmt.Errorf("%w, the evidence is of %s", err, r.At)
			}
			return nil
		})
		undo()
		n.judges(c.what+" no more", "none/none")
	}
	n.stop()
}

// In a namespace of its own the edge has neither names nor, later, a way out.
func TestANetworkWithoutNamesOrWithoutAWayIsNamed(t *testing.T) {
	t.Parallel()
	lab, err := netlab.New()
	if errors.Is(err, netlab.ErrRights) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer lab.Close()
	database, err := lab.Listen(netlab.Far.String() + ":5432")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	var names net.PacketConn
	serveNames := func() {
		t.Helper()
		if err := lab.Far(func() (err error) { names, err = net.ListenPacket("udp", netlab.Far.String()+":53"); return err }); err != nil {
			t.Fatal(err)
		}
		go nameServer(names)
	}
	ip := func(args ...string) {
		t.Helper()
		if err := lab.Near(func() error {
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				return fmt.Errorf("ip %v: %w: %s", args, err, out)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	n := newFaultEdge(t, "",
		fmt.Sprintf(`{name: name-server, kind: dns, target: db.internal, resolver: "%s", timeout: 900ms}`, netlab.Far),
		fmt.Sprintf(`{name: database, kind: tcp, target: "%s:5432", timeout: 900ms}`, netlab.Far))
	if err := lab.Near(func() error { n.begin(); return nil }); err != nil {
		t.Fatal(err)
	}
	if r := n.judges("without a name server", "network/infrastructure"); len(r.Signs) != 1 || r.Signs[0].Reason != "no_resolver" {
		t.Errorf("signs %+v", r.Signs)
	}
	serveNames()
	defer func() { names.Close() }()
	n.judges("with one", "none/none")

	ip("route", "add", "unreachable", netlab.Far.String()+"/32")
	if r := n.judges("without a way", "network/infrastructure"); r.Signs[len(r.Signs)-1].Reason != "unreachable" {
		t.Errorf("signs %+v", r.Signs)
	}
	ip("route", "del", "unreachable", netlab.Far.String()+"/32")
	n.judges("with one again", "none/none")

	database.Close()
	if r := n.judges("the database is gone, the network is not", "dependency/infrastructure"); r.Signs[0].Reason != "refused" {
		t.Errorf("signs %+v", r.Signs)
	}
	n.stop()
}
