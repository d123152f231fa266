package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// On a full disk senders are told so, what is stored is answered, and when there
// is room again it goes on by itself; nothing that was acknowledged is missing.
func TestAFullDiskRefusesSendersAndAnswersQueries(t *testing.T) {
	t.Parallel()
	disk := image(t, 300)
	n := newEdge(t, "")
	own := filepath.Join(disk, "logs")
	for _, err := range []error{os.MkdirAll(n.data, 0o700), os.Mkdir(own, 0o700), os.Symlink(own, filepath.Join(n.data, "logs"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n.start()
	defer n.stop()

	sent := 0
	var acknowledged []string
	line := func() string { sent++; return fmt.Sprintf("record=%04d", sent) }
	ways := map[string]func(line string) (int, string){
		"push": func(line string) (int, string) {
			return post(t, "http://"+n.api+"/loki/api/v1/push", "application/json", pushLines([]string{line}))
		},
		"otlp": func(line string) (int, string) {
			return post(t, "http://"+n.otlp+"/v1/logs", protobuf, otlpLines(t, []string{line}))
		},
	}
	takes := func(when string) {
		t.Helper()
		for way, send := range ways {
			n.eventually(when+": "+way+" is taken", 20*time.Second, func() error {
				l := line()
				status, text := send(l)
				if status != 200 && status != 204 {
					return fmt.Errorf("status %d: %s", status, text)
				}
				acknowledged = append(acknowledged, l)
				return nil
			})
		}
	}
	answers := func(when string) {
		t.Helper()
		got, err := n.lines(`{service_name="crash"}`, 5000)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		for _, want := range acknowledged {
			if !slices.Contains(got, want) {
				t.Errorf("%s: %q was acknowledged and is not answered", when, want)
			}
		}
	}

	takes("with room")
	answers("with room")
	mend := fill(t, disk)
	for way, send := range ways {
		n.eventually("full: "+way+" is refused", 20*time.Second, func() error {
			l := line()
			status, text := send(l)
			if status == 200 || status == 204 {
				acknowledged = append(acknowledged, l)
				return fmt.Errorf("it is still taken")
			}
			if status != 503 {
				t.Fatalf("full: %s has status %d: %s", way, status, text)
			}
			if strings.Contains(text, "record=") || strings.Contains(text, disk) {
				t.Errorf("full: %s is answered with what was sent, or where it is stored: %s", way, text)
			}
			return nil
		})
	}
	answers("full")
	mend()
	takes("with room again")
	answers("with room again")
}
