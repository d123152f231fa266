package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/tools/txtar"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// inFolder is a folder of its own with a policy in p.yaml, and its text.
func inFolder(t *testing.T) string {
	t.Helper()
	t.Chdir(t.TempDir())
	a, err := txtar.ParseFile(filepath.Join(policyTestdata, "accept.txtar"))
	require.NoError(t, err)
	text := string(a.Files[1].Data)
	require.NoError(t, os.WriteFile("p.yaml", []byte(text), 0o600))
	return text
}

func statusOf(t *testing.T, args ...string) (statusAnswer, int) {
	t.Helper()
	out, errOut, code := policyRun(append([]string{"status", "--json", "p.yaml"}, args...)...)
	var s statusAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &s), errOut)
	return s, code
}

// With two people's keys demanded, it takes both; each step is what the edge
// goes by, and status says what is missing.
func TestAnAcceptanceIsSignedByEach(t *testing.T) {
	inFolder(t)
	keygen := func(name string) string {
		out, errOut, code := policyRun("keygen", "--name", name, "--out", name+".key")
		require.Equal(t, exitYes, code, errOut)
		return strings.TrimSpace(out)
	}
	ada, bob := keygen("ada.customer.example"), keygen("bob.customer.example")
	verifiers, err := policy.ParseVerifiers([]string{ada, bob})
	require.NoError(t, err)
	edge := func() consent.State {
		return consent.Rules{Accepters: verifiers, AcceptThreshold: 2}.Resolve(vfs.OS, "data", "p.yaml", time.Now()).State
	}
	accept := func(args ...string) (string, int) {
		out, errOut, code := policyRun(append([]string{"accept", "p.yaml"}, args...)...)
		return out + errOut, code
	}
	out, code := accept("--key", "bob.customer.example.key")
	assert.Equal(t, exitError, code)
	assert.Contains(t, out, "by is empty")
	out, code = accept("--key", "ada.customer.example.key", "--by", "Ada Example", "--reason", "reviewed", "--expires", time.Now().AddDate(0, 0, 9).UTC().Format(time.DateOnly))
	require.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "  signed    by ada.customer.example; counts until ")
	assert.Equal(t, consent.Unsigned, edge())
	s, code := statusOf(t, "--key", ada, "--key", bob, "--threshold", "2")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, s.Error, "by 1 of the 2 keys")
	assert.NotNil(t, s.Waiting)

	out, code = accept("--key", "bob.customer.example.key", "--by", "Bob", "--reason", "me too")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "leave out --by and --reason")
	out, code = accept("--key", "bob.customer.example.key")
	require.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "these words are signed now")
	assert.Contains(t, out, "by ada.customer.example, bob.customer.example;")
	assert.Equal(t, consent.Active, edge())
	s, code = statusOf(t, "--key", ada, "--key", bob, "--threshold", "2")
	assert.Equal(t, exitYes, code)
	assert.Equal(t, []string{"ada.customer.example", "bob.customer.example"}, s.InForce.SignedBy)
	assert.Nil(t, s.Waiting)

	// What the data folder holds is what they said, to whoever has their keys.
	var a consent.Acceptance
	data, err := os.ReadFile(consent.AcceptanceFile("data", s.InForce.Digest))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &a))
	n, err := note.Open([]byte(a.Note), note.VerifierList(verifiers...))
	require.NoError(t, err)
	assert.Contains(t, n.Text, "by: Ada Example\nreason: reviewed\n")

	for _, args := range [][]string{
		{"--by", "x", "--reason", "y", "--expires", "2099-01-01"},
		{"--by", "x", "--reason", "y", "--key", "nowhere"},
		{"--by", "x", "--reason", "y", "--key", "p.yaml"},
		{"--by", "x", "--reason", "y", "--key", "ada.customer.example.key", "--expires", "tomorrow"},
	} {
		out, code := accept(args...)
		assert.Equal(t, exitError, code, args)
		assert.Equal(t, 1, strings.Count(out, "\n"), out)
	}
}

func TestAnAcceptanceIsTakenBack(t *testing.T) {
	text := inFolder(t)
	revoke := func(args ...string) (string, int) {
		out, errOut, code := policyRun(append([]string{"revoke"}, args...)...)
		return out + errOut, code
	}
	edge := func() consent.State { return consent.Resolve(vfs.OS, "data", "p.yaml", time.Now()).State }
	why := []string{"--by", "Bob", "--reason", "the pilot is over"}
	out, code := revoke(append(why, "p.yaml")...)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "not accepted")
	_, _, code = policyRun("accept", "p.yaml", "--by", "Ada", "--reason", "pilot")
	require.Equal(t, exitYes, code)
	for _, args := range [][]string{{"p.yaml"}, {"p.yaml", "--by", "Bob"}, append(why, "nowhere.yaml"), append(why, "p.yaml", "p.yaml"), append([]string{"--by", "\x1b", "--reason", "x"}, "p.yaml")} {
		out, code = revoke(args...)
		assert.Equal(t, exitError, code, args)
		assert.Equal(t, 1, strings.Count(out, "\n"), out)
	}
	require.Equal(t, consent.Active, edge())
	out, code = revoke(append(why, "p.yaml")...)
	require.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "reason    the pilot is over\n")
	require.Equal(t, consent.Unaccepted, edge())
	s, code := statusOf(t)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, s.Error, "was taken back by Bob")
	assert.Len(t, s.Revoked, 1)
	assert.Nil(t, s.Waiting, "what was taken back does not wait")

	// By its digest, and where the file is one that this Weir cannot read.
	_, _, code = policyRun("accept", "p.yaml", "--by", "Ada", "--reason", "pilot again")
	require.Equal(t, exitYes, code)
	require.Equal(t, consent.Active, edge())
	out, code = revoke(append(why, "--json", policy.DigestOf([]byte(text)).String())...)
	require.Equal(t, exitYes, code, out)
	var answer revokeAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.Equal(t, "Bob", answer.Revoked[0].By)
	require.Equal(t, consent.Unaccepted, edge())
	require.NoError(t, os.WriteFile("p.yaml", []byte("nonsense"), 0o600))
	out, code = revoke(append(why, "--json", "p.yaml")...)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, `"revoked": []`)
}

func TestARevisionIsRefused(t *testing.T) {
	text := inFolder(t)
	refuse := func(args ...string) (string, int) {
		out, errOut, code := policyRun(append([]string{"refuse"}, args...)...)
		return out + errOut, code
	}
	why := []string{"--by", "Rosa", "--reason", "too much"}
	for _, args := range [][]string{{"p.yaml"}, {"p.yaml", "--by", "Rosa"}, append(why, "nowhere.yaml"), append(why, "p.yaml", "p.yaml"), append([]string{"--by", "\x1b", "--reason", "x"}, "p.yaml")} {
		out, code := refuse(args...)
		assert.Equal(t, exitError, code, args)
		assert.Equal(t, 1, strings.Count(out, "\n"), out)
	}
	_, _, code := policyRun("accept", "p.yaml", "--by", "Ada", "--reason", "pilot")
	require.Equal(t, exitYes, code)
	out, code := refuse(append(why, "p.yaml")...)
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "weir policy revoke p.yaml")

	require.NoError(t, os.WriteFile("p.yaml", []byte(strings.NewReplacer("revision: 4", "revision: 8", "[api, worker]", "[api, batch]").Replace(text)), 0o600))
	out, code = refuse(append(why, "p.yaml")...)
	require.Equal(t, exitYes, code, out)
	assert.Contains(t, out, "revision 8 does not take effect.\n")
	assert.Contains(t, out, "  reason    too much\n")
	list, err := os.ReadDir("data/inbox")
	require.NoError(t, err)
	assert.Len(t, list, 2, "the refused text and the refusal wait for the edge to record them")
	out, code = refuse(append(why, "--json", "p.yaml")...)
	require.Equal(t, exitYes, code, out)
	var answer refuseAnswer
	require.NoError(t, json.Unmarshal([]byte(out), &answer))
	assert.True(t, answer.Before)

	s, code := statusOf(t)
	assert.Equal(t, exitYes, code)
	assert.Equal(t, 4, s.InForce.Revision)
	assert.Nil(t, s.Waiting, "what was refused does not wait")
	assert.Equal(t, []consent.Refusal{answer.Refusal}, s.Refused)
	out, _, _ = policyRun("status", "p.yaml")
	assert.Contains(t, out, "was refused by Rosa")
	assert.Contains(t, out, "revision 8, by Rosa, ")
	_, _, code = policyRun("accept", "p.yaml", "--by", "Ada", "--reason", "decided otherwise")
	require.Equal(t, exitYes, code)
	s, _ = statusOf(t)
	assert.Equal(t, 8, s.InForce.Revision)
	assert.Empty(t, s.Refused)
}

func TestStatusSaysWhatIsInForceAndWhatWaits(t *testing.T) {
	text := inFolder(t)
	out, errOut, code := policyRun("status", "p.yaml")
	assert.Equal(t, exitNo, code, errOut)
	assert.Contains(t, out, "Nothing leaves: policy p.yaml is not accepted")
	assert.Contains(t, out, "Waiting: revision 4, in p.yaml since ")
	assert.Contains(t, out, "added: error rate per release")
	_, _, code = policyRun("accept", "p.yaml", "--by", "Ada", "--reason", "pilot")
	require.Equal(t, exitYes, code)
	out, _, code = policyRun("status", "p.yaml")
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, "In force: shop of acme, revision 4.\n")
	assert.Contains(t, out, "accepted  by Ada, ")
	assert.NotContains(t, out, "Waiting")

	put := func(pairs ...string) {
		require.NoError(t, os.WriteFile("p.yaml", []byte(strings.NewReplacer(pairs...).Replace(text)), 0o600))
	}
	put("revision: 4", "revision: 8", "[api, worker]", "[api, batch]")
	out, _, code = policyRun("status", "p.yaml")
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, "In force: shop of acme, revision 4.\n")
	assert.Contains(t, out, "Waiting: revision 8")
	assert.Contains(t, out, "http.server.requests attributes.service.name")
	s, _ := statusOf(t)
	assert.Equal(t, consent.RightMeet, s.InForce.Right)
	assert.Len(t, s.Waiting.Widens, 1)
	assert.WithinDuration(t, time.Now(), s.Waiting.Since, time.Minute)
	files, err := os.ReadDir("data/policy")
	require.NoError(t, err)
	assert.Len(t, files, 3, "the acceptance, its text and the lock: looking writes nothing")
	// What waits was never accepted; what leaves meanwhile can be taken back.
	out, _, code = policyRun("revoke", "p.yaml", "--by", "Bob", "--reason", "no")
	assert.Equal(t, exitNo, code)
	assert.Contains(t, out, "weir policy revoke "+policy.DigestOf([]byte(text)).String())

	put("revision: 4", "revision: 3")
	out, _, _ = policyRun("status", "p.yaml")
	assert.Contains(t, out, "older     than the one in force\n")
	put("product:", "# a remark\nproduct:")
	out, _, code = policyRun("status", "p.yaml")
	assert.Equal(t, exitYes, code)
	assert.Contains(t, out, "in other words")
	put("revision: 4", "revision: 9", "[api, worker]", "[api]")
	out, _, _ = policyRun("status", "p.yaml")
	assert.Contains(t, out, "  accepted  by weir, ")
	assert.Contains(t, out, "  follows   "+policy.DigestOf([]byte(text)).String())

	out, errOut, code = policyRun("status")
	assert.Equal(t, exitNo, code, errOut)
	assert.Contains(t, out, "no policy is configured")
	for _, args := range [][]string{{"a", "b"}, {"--key", "x", "p.yaml"}, {"--nonsense"}} {
		_, errOut, code = policyRun(append([]string{"status"}, args...)...)
		assert.Equal(t, exitError, code)
		assert.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
	}
}
