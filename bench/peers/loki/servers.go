package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed loki.yaml
var lokiConfig string

//go:embed weir.yaml
var weirConfig string

// server is one of the two, running.
type server struct {
	name string
	base string // http://host:port
	log  string

	binary, flag, dir string
	cmd               *exec.Cmd
	exited            chan error
}

// start runs a program on a configuration in a folder of its own and waits
// until it is ready to take logs.
func start(ctx context.Context, name, binary, config, flag, dir string) (*server, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	config = strings.NewReplacer("{dir}", dir, "{http}", ports[0], "{grpc}", ports[1]).Replace(config)
	file := filepath.Join(dir, name+".yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	s := &server{
		name: name, base: "http://127.0.0.1:" + ports[0], log: filepath.Join(dir, name+".log"),
		binary: binary, flag: flag + "=" + file, dir: dir,
	}
	return s, s.run(ctx)
}

func (s *server) run(ctx context.Context) error {
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	s.cmd = exec.Command(s.binary, s.flag)
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = s.dir, out, out
	// The end of the referee, however it comes, is the end of its servers.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start %s (`make peers` builds it): %w", s.binary, err)
	}
	cmd, exited := s.cmd, make(chan error, 1)
	s.exited = exited
	go func() { exited <- cmd.Wait() }()
	for until := time.Now().Add(2 * time.Minute); time.Now().Before(until); {
		if resp, err := http.Get(s.base + "/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-exited:
			return fmt.Errorf("%s ended at its start (%w): %s", s.name, err, tail(s.log))
		case <-ctx.Done():
			s.stop()
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	s.stop()
	return fmt.Errorf("%s is not ready after two minutes: %s", s.name, tail(s.log))
}

// restart ends the server as its operator would, and starts it on the same data.
func (s *server) restart(ctx context.Context) error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end %s: %w", s.name, err)
	}
	select {
	case err := <-s.exited:
		if err != nil {
			return fmt.Errorf("%s ended with %w: %s", s.name, err, tail(s.log))
		}
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return fmt.Errorf("%s has not ended a minute after SIGTERM: %s", s.name, tail(s.log))
	}
	return s.run(ctx)
}

func (s *server) stop() {
	if s != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill() // its data is thrown away
	}
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

func tail(file string) string {
	b, _ := os.ReadFile(file)
	return string(b[max(0, len(b)-2000):])
}
