package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Three people sign in at a listener with basicauth, as docs/console.md has it.
// Each may do what their role says and no more, and what is recorded bears the
// name that signed in, whatever the page says.
func TestWhoSignedInDecidesAsTheirRoleSays(t *testing.T) {
	t.Parallel()
	policy := writePolicy(t, "https://127.0.0.1:1")
	n := newEdge(t, policy)
	more := filepath.Join(t.TempDir(), "auth.yaml")
	if err := os.WriteFile(more, []byte(`
extensions:
  basicauth:
    htpasswd:
      inline: |
        vera:looks
        rosa:reviews
        ada:approves
  local_store:
    http: {auth: {authenticator: basicauth}}
  console: {reviewers: [rosa], approvers: [ada]}
service:
  extensions: [basicauth, policy, file_storage, local_store, console, summary]
`), 0o600); err != nil {
		t.Fatal(err)
	}
	n.launch("--config", more)
	defer n.stop()
	as := func(user, password, method, path string, body any) (int, string) {
		t.Helper()
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+n.api+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		return resp.StatusCode, string(text)
	}
	n.eventually("the policy waits", 30*time.Second, func() error {
		status, text := as("vera", "looks", "GET", "/weir/v1/policy", nil)
		if status != 200 {
			return fmt.Errorf("status %d: %s", status, text)
		}
		return nil
	})
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	decision := map[string]string{"digest": fmt.Sprintf("%x", sha256.Sum256(text)), "by": "somebody else", "reason": "tested with roles"}
	const accept, refuse = "/weir/v1/policy/accept", "/weir/v1/policy/refuse"
	for _, c := range []struct {
		user, password, method, path string
		want                         int
	}{
		{"", "", "GET", "/weir/v1/policy", 401},
		{"", "", "GET", "/", 401},
		{"ada", "looks", "GET", "/weir/v1/policy", 401},
		{"", "", "POST", accept, 401},
		{"vera", "looks", "GET", "/", 200},
		{"vera", "looks", "POST", refuse, 403},
		{"vera", "looks", "POST", accept, 403},
		{"rosa", "reviews", "POST", accept, 403},
		{"rosa", "reviews", "POST", refuse, 200},
		{"ada", "approves", "POST", accept, 200},
	} {
		if status, text := as(c.user, c.password, c.method, c.path, decision); status != c.want {
			t.Errorf("%s %s as %q: status %d, want %d: %s", c.method, c.path, c.user, status, c.want, text)
		}
	}
	n.eventually("both decisions in the ledger", 30*time.Second, func() error {
		out, _ := n.run("ledger", "tail", "--json")
		for _, kind := range []string{"refusal", "acceptance"} {
			if !strings.Contains(out, kind) {
				return fmt.Errorf("no %s in %s", kind, out)
			}
		}
		return nil
	})
	out, _ := n.run("policy", "status")
	if !strings.Contains(out, "ada") || strings.Contains(out, "somebody else") {
		t.Errorf("the status does not name who signed in: %s", out)
	}
	var shown strings.Builder
	for i := range 4 {
		record, _ := n.run("ledger", "show", fmt.Sprint(i))
		shown.WriteString(record)
	}
	for _, name := range []string{"rosa", "ada"} {
		if !strings.Contains(shown.String(), name) {
			t.Errorf("no record bears the name %s:\n%s", name, shown.String())
		}
	}
	if strings.Contains(shown.String(), "somebody else") {
		t.Errorf("a record bears a name that nobody signed in with:\n%s", shown.String())
	}
}
