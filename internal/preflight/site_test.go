package preflight

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/localstore/logstore"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

const listenEnv = "WEIR_TEST_LISTEN"

// TestMain lets this binary be a process that listens, under any name.
func TestMain(m *testing.M) {
	if at := os.Getenv(listenEnv); at != "" {
		l, err := net.Listen("tcp", at)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(l.Addr())
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started it ends
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// listening starts a process of a name that listens, and returns where, and its
// number.
func listening(t *testing.T, name string) (address string, pid int) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	named := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.Link(self, named))
	cmd := exec.Command(named)
	cmd.Env = append(os.Environ(), listenEnv+"=127.0.0.1:0")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	_, err = fmt.Fscan(out, &address)
	require.NoError(t, err)
	return address, cmd.Process.Pid
}

// site is one with nothing in it, on this machine.
func site(t *testing.T) *Site {
	t.Helper()
	return &Site{System: probe.Real(), Settings: Settings{
		Data: Setting{Value: filepath.Join(t.TempDir(), "data"), Variable: "WEIR_DATA", Key: "extensions::local_store::data"}, Stores: true,
		Logs: Kept{Setting: Setting{Value: "7d", Key: "extensions::local_store::logs::retention"}, For: week}, Metrics: Kept{For: week},
	}}
}

// only is the one finding of a check.
func only(t *testing.T, found []Finding, check string) Finding {
	t.Helper()
	var of []Finding
	for _, f := range found {
		if f.Check == check {
			of = append(of, f)
		}
	}
	require.Len(t, of, 1, "findings of %s: %+v", check, of)
	return of[0]
}

// TestATakenPortIsNamedWithItsHolder: who has it, and which variable moves the
// edge away. A collector of Weir's is how it looks while the edge runs.
func TestATakenPortIsNamedWithItsHolder(t *testing.T) {
	other, pid := listening(t, "nginx")
	own, ownPID := listening(t, collector)
	s := site(t)
	listener := func(at string) Listener {
		return Listener{Setting{Value: at, Key: "receivers::otlp::protocols::grpc::endpoint", Variable: "WEIR_OTLP_GRPC"}, "otlp"}
	}
	s.Settings.Listeners = []Listener{listener(other), listener(own), listener("127.0.0.1:0"), listener("192.0.2.1:4317"), listener("127.0.0.1:http or so")}
	s.ports(context.Background())
	require.Len(t, s.found, 5)
	assert.Equal(t, Missing, s.found[0].State)
	assert.Equal(t, fmt.Sprintf("taken by nginx, process %d", pid), s.found[0].Evidence)
	assert.Equal(t, "stop nginx, or set WEIR_OTLP_GRPC (receivers::otlp::protocols::grpc::endpoint) to a free address", s.found[0].Fix)
	assert.Equal(t, Fine, s.found[1].State)
	assert.Equal(t, fmt.Sprintf("%s listens there, process %d", collector, ownPID), s.found[1].Evidence)
	assert.Equal(t, Fine, s.found[2].State)
	assert.Equal(t, Missing, s.found[3].State)
	assert.Equal(t, "this machine has no such address", s.found[3].Evidence)
	assert.Equal(t, Missing, s.found[4].State)
}

func TestTheDataFolderMustBeOneThatCanBeWrittenTo(t *testing.T) {
	s := site(t)
	look := func() Finding {
		s.found = nil
		s.data(context.Background())
		return only(t, s.found, "data")
	}
	assert.Equal(t, "is not there yet; the edge makes it at its first start", look().Evidence)
	dir := s.Settings.Data.Value
	require.NoError(t, os.Mkdir(dir, 0o700))
	f := look()
	assert.Equal(t, Fine, f.State, f.Evidence)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "the look left something behind")
	require.NoError(t, os.Chmod(dir, 0o777))
	f = look()
	assert.Equal(t, Warning, f.State)
	assert.Equal(t, "chmod o-w "+dir, f.Fix)
	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	f = look()
	assert.Equal(t, Missing, f.State)
	assert.Equal(t, "is a file", f.Evidence)
}

// loop mounts a small file system of its own.
func loop(t *testing.T) (at string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, mkfs.ext4 and loop devices")
	}
	disk := filepath.Join(t.TempDir(), "disk")
	at = filepath.Join(t.TempDir(), "at")
	require.NoError(t, os.WriteFile(disk, nil, 0o600))
	require.NoError(t, os.Truncate(disk, 8<<20))
	require.NoError(t, os.Mkdir(at, 0o700))
	for _, c := range [][]string{{"mkfs.ext4", "-q", "-F", disk}, {"mount", "-o", "loop", disk, at}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Skipf("needs root, mkfs.ext4 and loop devices: %s: %v: %s", c[0], err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", at).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return at
}

// A disk without room is missing, by the write that failed and by its share; so
// is one that is mounted read-only.
func TestAFullDiskAndAReadOnlyOneAreMissing(t *testing.T) {
	at := loop(t)
	s := site(t)
	s.Settings.Data.Value = filepath.Join(at, "data")
	require.NoError(t, os.Mkdir(s.Settings.Data.Value, 0o700))
	look := func() (data, disk Finding) {
		s.found = nil
		s.data(context.Background())
		s.room(context.Background())
		assert.Equal(t, Fine, only(t, s.found, "inodes").State)
		assert.Equal(t, "ext4", only(t, s.found, "file system").Evidence)
		return only(t, s.found, "data"), only(t, s.found, "disk")
	}
	data, disk := look()
	assert.Equal(t, Fine, data.State, data.Evidence)
	assert.Equal(t, Fine, disk.State, disk.Evidence)
	assert.Equal(t, Warning, only(t, s.found, "room").State)

	fill, err := os.Create(filepath.Join(at, "fill"))
	require.NoError(t, err)
	for err == nil {
		_, err = fill.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, fill.Close())
	data, disk = look()
	assert.Equal(t, Missing, data.State)
	assert.Contains(t, data.Evidence, "no space left on device")
	assert.Contains(t, data.Fix, "df -h ")
	assert.Equal(t, Missing, disk.State)
	assert.Contains(t, disk.Evidence, "there is no more room")
	left, err := os.ReadDir(s.Settings.Data.Value)
	require.NoError(t, err)
	assert.Empty(t, left, "the look left something behind")

	require.NoError(t, os.Remove(fill.Name()))
	out, err := exec.Command("mount", "-o", "remount,ro", at).CombinedOutput()
	require.NoError(t, err, string(out))
	data, disk = look()
	assert.Equal(t, Missing, data.State)
	assert.Contains(t, data.Fix, "mount it writable")
	assert.Equal(t, Missing, disk.State)
}

// What the days so far have taken says whether the retention fits: here two
// days of logs, and a retention that no disk has room for.
func TestTheRoomIsHeldAgainstWhatADayTakes(t *testing.T) {
	s := site(t)
	look := func() Finding {
		s.found = nil
		s.room(context.Background())
		return only(t, s.found, "room")
	}
	assert.Contains(t, look().Evidence, "what a day takes is not known yet")
	now := s.System.Now()
	store, err := logstore.Open(vfs.OS, filepath.Join(s.Settings.Data.Value, "logs"), logstore.Options{MaintainEvery: -1})
	require.NoError(t, err)
	for day := range 2 {
		st := logstore.Stream{Labels: labels.FromStrings("service_name", "api")}
		for n := range 20_000 {
			st.Entries = append(st.Entries, logstore.Entry{Timestamp: now.Add(-time.Duration(day+1)*24*time.Hour).UnixNano() + int64(n), Line: fmt.Sprint("a line ", n*n)})
		}
		_, err := store.Append(t.Context(), []logstore.Stream{st})
		require.NoError(t, err)
	}
	require.NoError(t, store.Close())
	f := look()
	assert.Equal(t, Fine, f.State, f.Evidence)
	assert.Regexp(t, `7 days take about \d+ kB more, at \d+ kB of logs and 0 kB of metrics a day`, f.Evidence)
	s.fileSystem = func(string) (string, int64, error) { return "ext4", 100_000, nil }
	f = look()
	assert.Equal(t, Warning, f.State, f.Evidence)
	assert.Regexp(t, `That is room for about [2-6] days`, f.Evidence)
	assert.Regexp(t, `add \d+ kB to the disk, or keep less with extensions::local_store::logs::retention`, f.Fix)
	s.Settings.Logs.MaxBytes = 100_000
	f = look()
	assert.Equal(t, Fine, f.State, "a bound in bytes is kept to: "+f.Evidence)
}

// A network's file system, and one that does not last, are warnings.
func TestWhereTheDataFolderLiesIsSaid(t *testing.T) {
	for kind, want := range map[string]State{"ext4": Fine, "xfs": Fine, "another kind": Fine, "nfs": Warning, "cifs": Warning, "tmpfs": Warning, "overlay": Warning} {
		s := site(t)
		s.fileSystem = func(string) (string, int64, error) { return kind, 1 << 40, nil }
		s.data(context.Background())
		f := only(t, s.found, "file system")
		assert.Equal(t, want, f.State, kind)
		assert.Contains(t, f.Evidence, kind)
	}
}

func TestLessThanAWeekIsAWarning(t *testing.T) {
	s := site(t)
	s.retention(context.Background())
	assert.Equal(t, Fine, only(t, s.found, "retention").State)
	s.found = nil
	s.Settings.Logs.Value, s.Settings.Logs.For = "3d", 3*24*time.Hour
	s.retention(context.Background())
	f := only(t, s.found, "retention")
	assert.Equal(t, Warning, f.State)
	assert.Equal(t, "set extensions::local_store::logs::retention to 7d or more", f.Fix)
}

// A file that matches and cannot be opened is missing, here a socket; a pipe
// that nobody writes to holds nothing up.
func TestLogFilesMustBeThereAndReadable(t *testing.T) {
	dir := t.TempDir()
	s := site(t)
	s.Settings.LogFiles = []Patterns{{Component: "file_log", Exclude: []string{dir + "/**/not.log"}, Include: []Setting{
		{Value: dir + "/**/*.log"}, {Value: dir + "/none/*.log", Variable: "WEIR_LOGS", Key: "k"}, {Value: dir + "/sockets/*"}, {Value: "[", Key: "receivers::file_log::include::3"},
	}}}
	require.NoError(t, os.MkdirAll(dir+"/deep/er", 0o700))
	require.NoError(t, os.Mkdir(dir+"/sockets", 0o700))
	for _, name := range []string{"a.log", "deep/er/b.log", "deep/not.log"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.NoError(t, syscall.Mkfifo(dir+"/pipe.log", 0o600))
	l, err := net.Listen("unix", dir+"/sockets/s")
	require.NoError(t, err)
	defer l.Close()
	s.logs(context.Background())
	require.Len(t, s.found, 4)
	assert.Equal(t, Fine, s.found[0].State)
	assert.Contains(t, s.found[0].Evidence, "matches 3 files")
	assert.Equal(t, Warning, s.found[1].State)
	assert.Contains(t, s.found[1].Fix, "WEIR_LOGS (k)")
	assert.Equal(t, Missing, s.found[2].State)
	assert.Contains(t, s.found[2].Evidence, "may not read 1 of 1 files: "+dir+"/sockets/s")
	assert.Equal(t, Missing, s.found[3].State)
	assert.Equal(t, "is no pattern", s.found[3].Evidence)
}

// A fault says where, and never what the file holds.
func TestListsOfTargetsMustBeReadable(t *testing.T) {
	for text, want := range map[string]Finding{
		"":   {State: Fine, Evidence: "0 targets in 1 file"},
		"[]": {State: Fine, Evidence: "0 targets in 1 file"},
		"- targets: [\"127.0.0.1:9100\", \"db:9104\"]\n  labels: {job: node}\n": {State: Fine, Evidence: "2 targets in 1 file"},
		`[{"targets": ["a:1"]}]`:                   {State: Fine, Evidence: "1 target in 1 file"},
		"- target: [\"secret:1\"]\n":               {State: Missing, Evidence: "FILE: not a list of groups of targets, line 1"},
		"- targets: [\"a:1\"]\n  labels: secret\n": {State: Missing, Evidence: "FILE: not a list of groups of targets, line 2"},
		"{secret\n":                          {State: Missing, Evidence: "FILE: not a list of groups of targets, line 1"},
		"- targets: [\"http://secret/x\"]\n": {State: Missing, Evidence: "FILE: a target is no host:port; paths and schemes go into labels or the scrape configuration"},
	} {
		dir := t.TempDir()
		s := site(t)
		s.Settings.Scrapes = []Setting{{Value: dir + "/*.yaml", Key: "k"}, {Value: dir + "/*.json", Key: "k"}}
		require.NoError(t, os.WriteFile(dir+"/a.yaml", []byte(text), 0o600))
		s.scrapes(context.Background())
		require.Len(t, s.found, 2)
		assert.Equal(t, want.State, s.found[0].State, text)
		assert.Equal(t, want.Evidence, strings.ReplaceAll(s.found[0].Evidence, dir+"/a.yaml", "FILE"), text)
		assert.Equal(t, "matches no file: nothing is scraped", s.found[1].Evidence)
	}
}

// The kernel would end an edge whose group may have less than the edge's own
// limit, which is there to hold senders back before.
func TestALimitBelowTheEdgesOwnIsMissing(t *testing.T) {
	for _, c := range []struct {
		memory, cpu, files string
		want               [3]State
	}{
		{"max\n", "max 100000\n", "524288", [3]State{Fine, Fine, Fine}},
		{"805306368\n", "50000 100000\n", "1024", [3]State{Fine, Fine, Fine}},
		{"536870912\n", "10000 100000\n", "256", [3]State{Missing, Warning, Warning}},
	} {
		s := site(t)
		s.Settings.MemoryLimit = 512 << 20
		files := map[string]string{
			"/proc/self/cgroup": "0::/system.slice/weir.service\n",
			"/sys/fs/cgroup/system.slice/weir.service/memory.max": c.memory,
			"/sys/fs/cgroup/system.slice/weir.service/cpu.max":    c.cpu,
			"/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            64                   " + c.files + "               files     \n",
		}
		s.System.ReadFile = func(name string) ([]byte, error) {
			if text, ok := files[name]; ok {
				return []byte(text), nil
			}
			return nil, os.ErrNotExist
		}
		s.limits()
		for i, check := range []string{"memory limit", "processor limit", "open files"} {
			assert.Equal(t, c.want[i], only(t, s.found, check).State, "%s of %+v", check, c)
		}
	}
}

// What is missing has somebody's name beside it, if the list of who answers for
// what is whole; a blank in it is a finding itself.
func TestWhatIsMissingHasANameBesideIt(t *testing.T) {
	sample, err := os.ReadFile("../../config/responsibilities/shop.yaml")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "responsibilities.yaml")
	require.NoError(t, os.WriteFile(file, sample, 0o600))
	s := site(t)
	s.Settings.Responsibilities, s.Offline = file, true
	s.Settings.Listeners = []Listener{{Setting{Value: "192.0.2.1:1", Key: "k"}, "otlp"}}
	s.Settings.Doors = []Door{{"otlp_http", "https://elsewhere.example", "unknown"}}
	found := s.Run(context.Background())
	f := only(t, found, "port")
	assert.Equal(t, &responsibilities.Contact{Who: "Platform team", Reach: "+49 30 5550101, platform@shop.example", Hours: "Mon-Fri 8-18 CET"}, f.Contact)
	assert.Equal(t, responsibilities.Infrastructure, f.Area)
	assert.Equal(t, "Change board", only(t, found, "connects outwards").Contact.Who)
	f = only(t, found, "responsibilities")
	assert.Equal(t, Fine, f.State)
	assert.Empty(t, f.Area, "what is fine is nobody's to mend")

	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(sample), "Platform team", "TBD", 1)), 0o600))
	s.found = nil
	found = s.Run(context.Background())
	f = only(t, found, "responsibilities")
	assert.Equal(t, Missing, f.State)
	assert.Equal(t, "weir responsibilities lint "+file, f.Fix)
	assert.Nil(t, only(t, found, "port").Contact)
}
