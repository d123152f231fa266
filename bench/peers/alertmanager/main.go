// Alertmanager runs the real one beside a fleet whose rule fires, and holds that
// the alert arrives there with its labels, and ends there when the rule is
// taken out. `make peers-alertmanager` builds and runs it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const fires = `groups:
  - name: g
    interval: 1s
    rules:
      - alert: AlwaysTrue
        expr: vector(7)
        labels: {severity: page}
        annotations: {summary: "it is {{ $value }}"}
`

const quiet = `groups:
  - name: g
    interval: 1s
    rules:
      - alert: AlwaysTrue
        expr: vector(7) > 8
        labels: {severity: page}
`

func main() {
	referee := flag.String("alertmanager", "bin/peers/alertmanager", "the `program` that takes alerts")
	collector := flag.String("collector", "bin/weir-collector", "the `program` that sends them")
	flag.Parse()
	if err := run(*referee, *collector); err != nil {
		fmt.Fprintln(os.Stderr, "alertmanager:", err)
		os.Exit(1)
	}
	fmt.Println("an alert of the local store's rules arrived at the real Alertmanager, and ended there")
}

func run(referee, collector string) error {
	dir, err := os.MkdirTemp("", "weir-alertmanager-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	conf, rules := filepath.Join(dir, "alertmanager.yml"), filepath.Join(dir, "rules.yaml")
	for name, text := range map[string]string{conf: "route: {receiver: none}\nreceivers: [{name: none}]\n", rules: fires} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	var at [3]string
	for i := range at {
		if at[i], err = freePort(); err != nil {
			return err
		}
	}
	end, err := start(referee, nil, "--config.file", conf, "--storage.path", filepath.Join(dir, "am"), "--web.listen-address", at[0], "--cluster.listen-address", "")
	if err != nil {
		return err
	}
	defer end()
	end, err = start(collector, []string{
		"WEIR_DATA=" + filepath.Join(dir, "data"), "WEIR_FLEET_LISTEN=" + at[1], "WEIR_FLEET_OTLP_HTTP=" + at[2], "WEIR_FLEET_REQUIRE_IDENTITY=false",
		"WEIR_FLEET_RULES=" + rules, "WEIR_ALERTMANAGER=http://" + at[0],
	}, "--config", "config/fleet.yaml")
	if err != nil {
		return err
	}
	defer end()

	type alert struct {
		Labels, Annotations map[string]string
		GeneratorURL        string
	}
	active := func() ([]alert, error) {
		var list []alert
		return list, get("http://"+at[0]+"/api/v2/alerts?active=true", &list)
	}
	var got alert
	if err := within(60*time.Second, func() error {
		list, err := active()
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("%d alerts", len(list))
		}
		if err == nil {
			got = list[0]
		}
		return err
	}); err != nil {
		return fmt.Errorf("the alert did not arrive: %w", err)
	}
	if got.Labels["alertname"] != "AlwaysTrue" || got.Labels["severity"] != "page" || got.Annotations["summary"] != "it is 7" || !strings.Contains(got.GeneratorURL, "/graph?") {
		return fmt.Errorf("the alert arrived as %+v", got)
	}
	if err := os.WriteFile(rules, []byte(quiet), 0o600); err != nil {
		return err
	}
	if err := within(60*time.Second, func() error {
		list, err := active()
		if err == nil && len(list) != 0 {
			err = errors.New("it is still active")
		}
		return err
	}); err != nil {
		return fmt.Errorf("the alert did not end: %w", err)
	}
	return nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// start runs a program until end is called.
func start(program string, env []string, args ...string) (end func(), err error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}, nil
}

func get(url string, into any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func within(d time.Duration, f func() error) (err error) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if err = f(); err == nil {
			return nil
		}
	}
	return err
}
