package logstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// The tests that kill, starve and cut off a process start this test binary
// again as a writer. It appends from several goroutines, flushes and merges all
// the time, and says on its standard output what was acknowledged ("a id") and
// what was refused ("f id").
const writerEnv, writerRunEnv = "WEIR_TEST_LOGSTORE", "WEIR_TEST_RUN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerEnv); dir != "" {
		if err := writer(dir, os.Getenv(writerRunEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func writerOptions() Options {
	return Options{HeadBytes: 40 << 10, BlockBytes: 4 << 10, MaintainEvery: 5 * time.Millisecond}
}

const partsOfID = 3

func batchOfID(id string) []Stream {
	now := time.Now().UnixNano()
	var out []Stream
	for k := range partsOfID {
		out = append(out, Stream{Labels: labels.FromStrings("app", fmt.Sprint("app", k%2)), Entries: []Entry{{
			Timestamp: now + int64(k), Line: fmt.Sprintf("%s %d %s", id, k, strings.Repeat("x", 20*k)),
			Metadata: labels.FromStrings("trace_id", fmt.Sprintf("%032x", now))}}})
	}
	return out
}

func writer(dir, run string) error {
	s, err := Open(vfs.OS, dir, writerOptions())
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; ; n++ {
				id := fmt.Sprintf("%s-%d-%d", run, w, n)
				verdict := "a"
				if _, err := s.Append(context.Background(), batchOfID(id)); err != nil {
					verdict = "f"
				}
				if _, err := os.Stdout.WriteString(verdict + " " + id + "\n"); err != nil {
					return
				}
			}
		}()
	}
	wg.Wait()
	s.shutdown()
	return nil
}

// process is a writer that runs.
type process struct {
	cmd   *exec.Cmd
	first chan struct{} // closed at the first acknowledgement
	done  chan struct{} // closed when the output has ended

	mu             sync.Mutex // until done
	acked, refused []string
}

func startWriter(t testing.TB, dir, run string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self), first: make(chan struct{}), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), writerEnv+"="+dir, writerRunEnv+"="+run)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	return p
}

func (p *process) read(out io.Reader) {
	defer close(p.done)
	for sc := bufio.NewScanner(out); sc.Scan(); {
		verdict, id, _ := strings.Cut(sc.Text(), " ")
		p.mu.Lock()
		switch verdict {
		case "a":
			if p.acked = append(p.acked, id); len(p.acked) == 1 {
				close(p.first)
			}
		case "f":
			p.refused = append(p.refused, id)
		}
		p.mu.Unlock()
	}
}

// end waits until all that the process said has been read.
func (p *process) end() error {
	<-p.done
	return p.cmd.Wait()
}

// checkAcked opens what a writer left and demands every acknowledged record,
// none twice.
func checkAcked(t testing.TB, dir string, acked map[string]bool, about string) Stats {
	t.Helper()
	s, err := Open(vfs.OS, dir, Options{MaintainEvery: -1})
	if err != nil {
		t.Fatalf("%s: does not start: %v", about, err)
	}
	defer s.shutdown()
	parts := map[string]int{}
	seen := map[string]bool{}
	err = s.Scan(context.Background(), Selection{To: 1 << 62}, func(r *Record) error {
		if seen[string(r.Line)] {
			return fmt.Errorf("a record is answered twice")
		}
		seen[string(r.Line)] = true
		id, _, _ := strings.Cut(string(r.Line), " ")
		parts[id]++
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", about, err)
	}
	lost := 0
	for id := range acked {
		if parts[id] != partsOfID {
			lost++
		}
	}
	st := s.Stats()
	if lost > 0 || st.LostBlocks+st.LostFrames+st.LostIndexes > 0 {
		t.Fatalf("%s: %d of %d acknowledged appends are not whole; %+v", about, lost, len(acked), st)
	}
	return st
}
