//go:build soak

package logstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

func TestSoakKillLosesNothingAcknowledged(t *testing.T) { killCycles(t, 1000) }

func TestSoakALogCutAnywhereWithinItsEnd(t *testing.T) { cutTheEnd(t, 1) }

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s (this test needs root, loop devices and mkfs.ext4)", name, strings.Join(args, " "), err, out)
	}
}

// image makes a file with an ext4 of so many MiB.
func image(t *testing.T, name string, mib int64) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, mib<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", "-F", name)
}

// mounted mounts an image; the kernel commits its journal only when asked.
func mounted(t *testing.T, image, at string) (unmount func()) {
	t.Helper()
	if err := os.MkdirAll(at, 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", "-o", "loop,commit=300", image, at)
	done := false
	unmount = func() {
		if !done {
			done = true
			run(t, "umount", at)
		}
	}
	t.Cleanup(unmount)
	return unmount
}

// The power goes: the writer is stopped, what its disk holds at that moment is
// copied without what only the kernel knows, and the copy is what the next
// start finds.
func TestSoakAPowerCutLosesNothingAcknowledged(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	dir := t.TempDir()
	disk, mountedAt, copyAt := filepath.Join(dir, "disk"), filepath.Join(dir, "mounted"), filepath.Join(dir, "copy-mounted")
	image(t, disk, 64)
	acked := map[string]bool{}
	total := 0
	for n := range 24 {
		if n%8 == 7 { // a new disk, so that it does not fill
			image(t, disk, 64)
			clear(acked)
		}
		unmount := mounted(t, disk, mountedAt)
		p := startWriter(t, filepath.Join(mountedAt, "logs"), fmt.Sprint(n))
		select {
		case <-p.first:
		case <-p.done:
			t.Fatalf("cycle %d: the writer ended", n)
		}
		time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
		if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond) // all threads stand, and what they said is read
		run(t, "cp", "--sparse=always", disk, disk+".copy")
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.end()
		for _, id := range p.acked {
			acked[id] = true
		}
		total += len(p.acked)
		unmount()
		if err := os.Rename(disk+".copy", disk); err != nil {
			t.Fatal(err)
		}
		unmount = mounted(t, disk, copyAt)
		checkAcked(t, filepath.Join(copyAt, "logs"), acked, fmt.Sprint("cycle ", n))
		unmount()
	}
	t.Logf("24 power cuts, %d appends acknowledged, all there, none doubled", total)
	if total < 24*10 {
		t.Errorf("only %d appends", total)
	}
}

func (p *process) counts() (acked, refused int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked), len(p.refused)
}

// From the moment on that the kernel's syncs fail nothing is acknowledged, and
// when they work again, appends do too.
func TestSoakFailingSyncsAcknowledgeNothing(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("this test needs strace: ", err)
	}
	dir := filepath.Join(t.TempDir(), "logs")
	acked := map[string]bool{}
	for n := range 5 {
		p := startWriter(t, dir, fmt.Sprint(n))
		<-p.first
		trace := filepath.Join(t.TempDir(), "trace")
		st := exec.Command("strace", "-f", "-p", fmt.Sprint(p.cmd.Process.Pid), "-o", trace,
			"-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO")
		if err := st.Start(); err != nil {
			t.Fatal(err)
		}
		injected := func() bool { b, _ := os.ReadFile(trace); return strings.Count(string(b), "(INJECTED)") > 20 }
		for start := time.Now(); !injected(); time.Sleep(10 * time.Millisecond) {
			if time.Since(start) > 20*time.Second {
				t.Fatal("strace injects nothing")
			}
		}
		time.Sleep(100 * time.Millisecond) // what was said before is read
		before, failures := p.counts()
		time.Sleep(500 * time.Millisecond)
		if a, f := p.counts(); a != before || f <= failures {
			t.Fatalf("cycle %d: %d acknowledged and %d refused while syncs fail", n, a-before, f-failures)
		}
		if n%2 == 0 { // the disk recovers; else the process dies with it
			if err := st.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = st.Wait()
			for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
				if a, _ := p.counts(); a > before {
					break
				}
				if time.Since(start) > 30*time.Second {
					t.Fatal("appends do not recover with the disk")
				}
			}
		}
		_ = p.cmd.Process.Kill()
		_ = p.end()
		if n%2 != 0 {
			_ = st.Wait()
		}
		for _, id := range p.acked {
			acked[id] = true
		}
		checkAcked(t, dir, acked, fmt.Sprint("cycle ", n))
	}
}

// A file system of 64 MiB is filled until nothing more is taken, and drained by
// the retention alone, twenty times. While it is full, queries answer all that
// was acknowledged; afterwards appends work again, without a restart.
func TestSoakAFullFileSystemHeals(t *testing.T) {
	dir := t.TempDir()
	disk, at := filepath.Join(dir, "disk"), filepath.Join(dir, "mounted")
	image(t, disk, 64)
	mounted(t, disk, at)
	var now atomic.Int64
	now.Store(epoch.UnixNano())
	s, err := Open(vfs.OS, filepath.Join(at, "logs"), Options{
		Now: func() time.Time { return time.Unix(0, now.Load()) }, HeadBytes: 4 << 20, MaintainEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	r := rand.New(rand.NewPCG(3, 3))
	noise := make([]byte, 32<<10)
	total := 0
	for round := range 20 {
		name := labels.FromStrings("round", fmt.Sprint(round))
		acked, failed := 0, 0
		for failed < 200 {
			st := Stream{Labels: name}
			for range 4 {
				for i := range noise {
					noise[i] = byte(r.Uint32()) // does not compress
				}
				st.Entries = append(st.Entries, Entry{Timestamp: now.Load() + int64(total), Line: string(noise)})
				total++
			}
			_, err := s.Append(context.Background(), []Stream{st})
			switch {
			case err == nil:
				acked += 4
			case errors.Is(err, syscall.ENOSPC):
				failed++
			default:
				t.Fatalf("round %d: %v", round, err)
			}
			now.Add(int64(time.Second))
			if failed%50 == 49 {
				_ = s.Maintain(context.Background()) // what it could not do it says, and does later
			}
		}
		if acked < 400 {
			t.Fatalf("round %d: only %d entries before the disk was full", round, acked)
		}
		count := func() (n int) {
			m := labels.MustNewMatcher(labels.MatchEqual, "round", fmt.Sprint(round))
			if err := s.Scan(context.Background(), Selection{To: 1 << 62, Matchers: []*labels.Matcher{m}}, func(*Record) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != acked {
			t.Fatalf("round %d: %d entries are answered on a full disk, %d were acknowledged", round, n, acked)
		}
		now.Add(int64(9 * 24 * time.Hour))
		healed := false
		for range 10 {
			_ = s.Maintain(context.Background())
			now.Add(int64(time.Minute))
			if _, err := s.Append(context.Background(), one2(now.Load())); err == nil {
				healed = true
				break
			}
		}
		if !healed {
			t.Fatalf("round %d: nothing is taken although the retention has passed: %+v", round, s.Stats())
		}
		if round%5 == 4 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = Open(vfs.OS, filepath.Join(at, "logs"), s.o); err != nil {
				t.Fatal(err)
			}
		}
	}
	if st := s.Stats(); st.LostBlocks+st.LostFrames+st.LostIndexes > 0 {
		t.Fatalf("%+v", st)
	}
}

func one2(ts int64) []Stream {
	return []Stream{{Labels: labels.FromStrings("app", "after"), Entries: []Entry{{Timestamp: ts, Line: "room again"}}}}
}
