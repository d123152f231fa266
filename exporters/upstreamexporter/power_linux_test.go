package upstreamexporter

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// image is an ext4 file system in a file, of which the power can be cut.
type image struct {
	t          *testing.T
	file, path string
}

func newImage(t *testing.T) *image {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting an image needs root")
	}
	for _, tool := range []string{"mkfs.ext4", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("mounting an image needs " + tool)
		}
	}
	dir := t.TempDir()
	i := &image{t: t, file: filepath.Join(dir, "image"), path: filepath.Join(dir, "mount")}
	require.NoError(t, os.WriteFile(i.file, nil, 0o600))
	require.NoError(t, os.Truncate(i.file, 64<<20))
	require.NoError(t, os.Mkdir(i.path, 0o755))
	out, err := exec.Command("mkfs.ext4", "-q", "-F", i.file).CombinedOutput()
	require.NoError(t, err, string(out))
	if out, err := exec.Command("mount", "-o", "loop", i.file, i.path).CombinedOutput(); err != nil {
		t.Skip("an image cannot be mounted here: " + string(out))
	}
	t.Cleanup(func() { _ = unix.Unmount(i.path, unix.MNT_DETACH) })
	return i
}

// cut ends all writing to the disk at once: what the kernel has not written is
// lost, the journal's end with it.
func (i *image) cut() {
	i.t.Helper()
	const (
		shutdown   = 0x8004587d // EXT4_IOC_SHUTDOWN
		noLogFlush = uint32(2)
	)
	d, err := os.Open(i.path)
	require.NoError(i.t, err)
	defer d.Close()
	how := noLogFlush
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), shutdown, uintptr(unsafe.Pointer(&how)))
	require.Zero(i.t, errno, "cut the power: %v", errno)
}

// restore mounts what is left.
func (i *image) restore() {
	i.t.Helper()
	require.NoError(i.t, unix.Unmount(i.path, 0))
	out, err := exec.Command("mount", "-o", "loop", i.file, i.path).CombinedOutput()
	require.NoError(i.t, err, string(out))
}

// TestPowerCutsLoseNothingThatLeft cuts the power of the ledger's disk at random
// moments while reports are recorded and sent.
func TestPowerCutsLoseNothingThatLeft(t *testing.T) {
	cuts := 3
	if soak {
		cuts = 100
	}
	i := newImage(t)
	f := newFleet(t)
	o := order{Data: filepath.Join(i.path, "data"), Destination: f.URL, Reports: 10_000, Pause: time.Millisecond}
	for range cuts {
		cmd := o.command(t)
		require.NoError(t, cmd.Start())
		time.Sleep(100*time.Millisecond + rand.N(300*time.Millisecond))
		i.cut()
		time.Sleep(20 * time.Millisecond) // it goes on without a disk
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		i.restore()
	}
	recorded, received := settle(t, o, f)
	require.Greater(t, recorded, cuts)
	t.Logf("%d power cuts: %d reports recorded, all arrived, %d of them twice; none lost, none unrecorded", cuts, recorded, received-recorded)
}
