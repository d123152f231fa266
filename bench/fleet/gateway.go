package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// gateway is the process under test.
type gateway struct {
	dir, addr, api, state string
	cmd                   *exec.Cmd
	out                   bytes.Buffer
	exited                chan struct{}
}

func startGateway(root, binary, policies string) (*gateway, error) {
	dir, err := os.MkdirTemp("", "weir-bench-fleet-")
	if err != nil {
		return nil, err
	}
	g := &gateway{dir: dir, state: filepath.Join(dir, "state"), exited: make(chan struct{})}
	for _, at := range []*string{&g.addr, &g.api} {
		if *at, err = freePort(); err != nil {
			return nil, err
		}
	}
	g.cmd = exec.Command(binary, "--config", "config/fleet.yaml")
	g.cmd.Dir = root
	g.cmd.Env = append(os.Environ(),
		"WEIR_DATA="+filepath.Join(dir, "data"), "WEIR_FLEET_LISTEN="+g.api, "WEIR_FLEET_STATE="+g.state, "WEIR_FLEET_OTLP_HTTP="+g.addr,
		"WEIR_FLEET_POLICIES="+policies, "WEIR_FLEET_URL=https://"+g.addr)
	g.cmd.Stdout, g.cmd.Stderr = &g.out, &g.out
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = g.cmd.Wait(); close(g.exited) }()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case <-g.exited:
			return nil, fmt.Errorf("the gateway ended at its start:\n%s", g.out.String())
		default:
		}
		if resp, err := http.Get("http://" + g.api + "/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return g, nil
			}
		}
	}
	return nil, errors.Join(errors.New("the gateway did not become ready"), g.stop())
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (g *gateway) stop() error {
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.exited:
	case <-time.After(30 * time.Second):
		_ = g.cmd.Process.Kill()
		<-g.exited
	}
	return os.RemoveAll(g.dir)
}

// tick is the unit of /proc/PID/stat.
const tick = 10 * time.Millisecond

// cpu is the processor time of the gateway so far.
func (g *gateway) cpu() time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * tick
}

// memory is the gateway's resident memory now and at its highest, in bytes.
func (g *gateway) memory() (now, high int64) {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "VmRSS:" {
			now, _ = strconv.ParseInt(f[1], 10, 64)
		}
		if len(f) == 3 && f[0] == "VmHWM:" {
			high, _ = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return now << 10, high << 10
}

// ownCPU is the processor time of this process, the installs.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rulesTime is how long the last evaluation of all rules took.
func (g *gateway) rulesTime() (time.Duration, error) {
	var answer struct {
		Data struct {
			Groups []struct {
				EvaluationTime float64
				Rules          []struct{ Name, Health, LastError string }
			}
		}
	}
	if err := g.get("/api/v1/rules", &answer); err != nil {
		return 0, err
	}
	var sum float64
	for _, group := range answer.Data.Groups {
		sum += group.EvaluationTime
		for _, r := range group.Rules {
			if r.Health == "err" {
				return 0, fmt.Errorf("rule %s: %s", r.Name, r.LastError)
			}
		}
	}
	return time.Duration(sum * float64(time.Second)), nil
}

// ask answers an instant query with its one number.
func (g *gateway) ask(query string) (float64, error) {
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := g.get("/api/v1/query?query="+query, &answer); err != nil {
		return 0, err
	}
	if len(answer.Data.Result) != 1 {
		return 0, nil
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}

func (g *gateway) get(path string, into any) error {
	resp, err := http.Get("http://" + g.api + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(into)
}
