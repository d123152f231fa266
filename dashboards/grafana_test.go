//go:build grafana

package dashboards

import (
	"os"
	"strings"
	"testing"
)

// A real Grafana at GRAFANA_URL, with an edge and a fleet behind it, and
// GRAFANA_TOKEN if it lets nobody in without one. That the same questions can fail is
// tested without one, over what Grafana's documentation says it answers.
func connect(t *testing.T) grafana {
	g := grafana{strings.TrimRight(os.Getenv("GRAFANA_URL"), "/"), os.Getenv("GRAFANA_TOKEN")}
	if g.url == "" {
		t.Fatal("GRAFANA_URL is not set: it names the Grafana to check, such as http://127.0.0.1:3000")
	}
	return g
}

func TestGrafanaIsHealthyAndHasEveryDashboard(t *testing.T) {
	g := connect(t)
	version, err := g.health()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("Grafana %s", version)
	found, err := g.found()
	if err != nil {
		t.Fatal(err)
	}
	forEach(t, func(t *testing.T, _ string, b *board) {
		if !found[b.UID] {
			t.Fatalf("the search for the tag weir does not find %s", b.UID)
		}
		if err := g.has(b); err != nil {
			t.Error(err)
		}
	})
}

func TestGrafanaAnswersEveryQueryWithFrames(t *testing.T) {
	g := connect(t)
	forEach(t, func(t *testing.T, _ string, b *board) {
		if err := g.answers(b); err != nil {
			t.Error(err)
		}
	})
}
