package policyextension

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// A signature that comes or goes is noticed though the policy stays as it is.
func TestTheSignatureIsWatchedToo(t *testing.T) {
	secret, public, err := note.GenerateKey(rand.Reader, "acme.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(secret)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(file, old, old))

	cfg := createDefaultConfig().(*Config)
	cfg.File, cfg.Verifiers = file, []string{public}
	require.NoError(t, cfg.Validate())
	b := start(t, file)
	b.watcher.rules, err = cfg.rules()
	require.NoError(t, err)
	b.watcher.looked = false
	b.accept(t)
	b.want(t, consent.Unsigned)
	p, err := policy.Parse(file, []byte(sample))
	require.NoError(t, err)
	data, err := policy.Sign(p, nil, b.now(), b.now().AddDate(0, 1, 0), signer)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(policy.SignatureFile(file), data, 0o644))
	b.want(t, consent.Active)
	require.NoError(t, os.Remove(policy.SignatureFile(file)))
	b.want(t, consent.Unsigned)
}

func TestVerifiersAreKeysEachOnce(t *testing.T) {
	_, public, err := note.GenerateKey(rand.Reader, "acme.example")
	require.NoError(t, err)
	for _, c := range []struct {
		verifiers []string
		threshold int
		says      string
	}{
		{[]string{"acme"}, 0, "weir policy keygen"},
		{[]string{public, public}, 0, "twice"},
		{[]string{public}, 2, "threshold 2"},
		{nil, 1, "threshold 1"},
		{[]string{public}, -1, "threshold -1"},
	} {
		cfg := createDefaultConfig().(*Config)
		cfg.Verifiers, cfg.Threshold = c.verifiers, c.threshold
		require.ErrorContains(t, cfg.Validate(), c.says)
		cfg = createDefaultConfig().(*Config)
		cfg.Require = RequireConfig{AcceptanceSignature: c.verifiers, Threshold: c.threshold}
		require.ErrorContains(t, cfg.Validate(), c.says)
		require.ErrorContains(t, cfg.Validate(), "require::")
	}
}

// With the customer's own keys demanded, an acceptance that somebody wrote into
// the folder lets nothing out; the one that they sign does, and taking it back
// is noticed like anything else.
func TestAnAcceptanceCanHaveToBeSigned(t *testing.T) {
	secret, public, err := note.GenerateKey(rand.Reader, "security.customer.example")
	require.NoError(t, err)
	signer, err := note.NewSigner(secret)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "allowlist.yaml")
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	cfg := createDefaultConfig().(*Config)
	conf := confmap.NewFromStringMap(map[string]any{"require": map[string]any{"acceptance_signature": []any{public}, "threshold": 1}})
	require.NoError(t, conf.Unmarshal(cfg))
	require.NoError(t, cfg.Validate())

	b := start(t, file)
	b.watcher.rules, err = cfg.rules()
	require.NoError(t, err)
	b.accept(t)
	b.want(t, consent.Unsigned)
	b.wantPending(t, attribute.Int("in_force", 0), attribute.Int("revision", 7))
	p, err := policy.Parse(file, []byte(sample))
	require.NoError(t, err)
	_, err = consent.Word{By: "Ada Lovelace", Reason: "reviewed", Signer: signer, Expires: b.now().AddDate(0, 0, 30)}.Accept(vfs.OS, b.data, p, b.now())
	require.NoError(t, err)
	b.want(t, consent.Active)
	b.set(b.now().AddDate(0, 0, 31))
	require.Equal(t, consent.Unsigned, b.Decision().State, "an expiry waits for no poll")
	b.set(b.now().AddDate(0, 0, -31))
	b.want(t, consent.Active)
	_, err = consent.Revoke(vfs.OS, b.data, p.Digest, "Ada Lovelace", "the pilot is over", b.now())
	require.NoError(t, err)
	b.want(t, consent.Unaccepted)
	b.wantPending(t)
}
