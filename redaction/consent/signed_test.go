package consent

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// Where signatures are demanded, acceptance and ratchet come after them.
func TestWithoutTheSignatureThatIsDemandedNothingLeaves(t *testing.T) {
	secret, public, err := note.GenerateKey(rand.Reader, "acme.example")
	must(t, err)
	signer, err := note.NewSigner(secret)
	must(t, err)
	verifiers, err := policy.ParseVerifiers([]string{public})
	must(t, err)
	rules := Rules{Verifiers: verifiers, Threshold: 1}

	d := newDesk(t)
	write(t, d.file, sample)
	accept(t, d.data, sample)
	want := func(state State, says string, now time.Time) Decision {
		t.Helper()
		got := rules.Resolve(vfs.OS, d.data, d.file, now)
		if got.State != state || (got.Err == nil) != (state == Active) || got.Err != nil && !strings.Contains(got.Err.Error(), says) {
			t.Fatalf("%s: %v, want %s", got.State, got.Err, state)
		}
		if later := got.At(d.file, now.Add(time.Second)); later.State != state {
			t.Fatalf("a second later it is %s", later.State)
		}
		return got
	}
	sign := func(text string) {
		t.Helper()
		data, err := policy.Sign(parse(t, text), nil, noon, noon.AddDate(0, 0, 9), signer)
		must(t, err)
		write(t, policy.SignatureFile(d.file), string(data))
	}
	want(Unsigned, "acme", noon)
	sign(sample)
	got := want(Active, "", noon)
	over := noon.AddDate(0, 0, 10)
	want(Unsigned, "expired", over)
	if later := got.At(d.file, over); later.State != Unsigned || later.Err == nil || later.Right != "" {
		t.Errorf("the clock alone makes it %s", later.State)
	}
	// The old signature says nothing about a new text, however narrow.
	write(t, d.file, sample+"# a remark\n")
	want(Unsigned, "another policy", noon)
	sign(sample + "# a remark\n")
	if got := want(Active, "", noon); got.Right != RightSame || got.SignedUntil.IsZero() {
		t.Errorf("active by %q until %v", got.Right, got.SignedUntil)
	}
	must(t, os.Remove(policy.SignatureFile(d.file)))
	must(t, os.Mkdir(policy.SignatureFile(d.file), 0o755))
	want(Unsigned, "not a regular file", noon)
	if got := Resolve(vfs.OS, d.data, d.file, noon); got.State != Active {
		t.Errorf("nothing is demanded, and it is %s", got.State)
	}
}
