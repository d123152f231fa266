package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed loki.yaml
var lokiConfig string

//go:embed weir.yaml
var weirConfig string

// server is one of the two programs, running.
type server struct {
	name, binary, flag, dir, config string
	base                            string // http://host:port
	cmd                             *exec.Cmd
	exited                          chan error
	idle                            float64 // share of a processor that it takes when nobody asks
}

func newServer(name, binary, flag, config, dir string) (*server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	s := &server{name: name, binary: binary, flag: flag, dir: dir, base: "http://127.0.0.1:" + ports[0], config: filepath.Join(dir, name+".yaml")}
	config = strings.NewReplacer("{dir}", dir, "{http}", ports[0], "{grpc}", ports[1]).Replace(config)
	return s, os.WriteFile(s.config, []byte(config), 0o644)
}

// newLoki is a Loki that packs its chunks so.
func newLoki(binary, dir, encoding string) (*server, error) {
	return newServer("loki", binary, "-config.file", strings.ReplaceAll(lokiConfig, "{encoding}", encoding), dir)
}

// start runs the program and waits until it takes logs.
func (s *server) start() error {
	out, err := os.Create(filepath.Join(s.dir, s.name+".log"))
	if err != nil {
		return err
	}
	defer out.Close()
	s.cmd = exec.Command(s.binary, s.flag+"="+s.config)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", s.binary, err)
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.cmd.Wait() }()
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		if resp, err := http.Get(s.base + "/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-s.exited:
			return fmt.Errorf("%s ended at its start (%w): see %s", s.name, err, out.Name())
		default:
		}
	}
	return fmt.Errorf("%s is not ready after two minutes", s.name)
}

// stop ends it in an orderly way, so that all it has is on the disk.
func (s *server) stop() error {
	if s.cmd == nil {
		return nil
	}
	defer func() { s.cmd = nil }()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-s.exited:
		return nil
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		<-s.exited
		return fmt.Errorf("%s did not end within a minute", s.name)
	}
}

// used is the processor time that the process has taken, to the nanosecond, as
// the scheduler counts it for each thread.
func (s *server) used() (time.Duration, error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		return 0, errors.New("the kernel tells no processor time of threads (schedstat)")
	}
	var sum time.Duration
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		n, _, _ := strings.Cut(string(b), " ")
		ns, perr := strconv.ParseInt(n, 10, 64)
		if err != nil || perr != nil {
			return 0, errors.Join(err, perr)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// rest measures what the process takes by itself.
func (s *server) rest(d time.Duration) error {
	before, err := s.used()
	if err != nil {
		return err
	}
	time.Sleep(d)
	after, err := s.used()
	s.idle = float64(after-before) / float64(d)
	return err
}

// peak is the largest resident memory so far, in bytes.
func (s *server) peak() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(b), "VmHWM:")
	if !ok {
		return 0, errors.New("the kernel tells no peak of memory")
	}
	kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	return kb * 1024, err
}

// metric is what the program says of itself.
func (s *server) metric(name string) (float64, error) {
	resp, err := http.Get(s.base + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("it has no metric %s", name)
}

// disk is what lies in the folders, as blocks of the file system.
func (s *server) disk(skip ...string) (total float64, err error) {
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			for _, x := range skip {
				if err == nil && d.Name() == x {
					return fs.SkipDir
				}
			}
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += float64(info.Sys().(*syscall.Stat_t).Blocks) * 512
		}
		return err
	})
	return total, err
}

func (s *server) push(body []byte) error {
	resp, err := http.Post(s.base+"/loki/api/v1/push", "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s refuses a push: %s: %s", s.name, resp.Status, text)
	}
	return nil
}

// ask returns the answer's data.result.
func (s *server) ask(ctx context.Context, path string, form url.Values) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", s.base+path+"?"+form.Encode(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", s.name, resp.Status, b)
	}
	var answer struct {
		Data struct {
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	err = json.Unmarshal(b, &answer)
	return answer.Data.Result, err
}

// freePorts are free now; nobody else is expected to be in such a hurry.
func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports, nil
}
