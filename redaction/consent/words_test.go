package consent

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// person is somebody with a key.
type person struct {
	name     string
	signer   note.Signer
	verifier note.Verifier
}

func newPerson(t *testing.T, name string) person {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	must(t, err)
	signer, err := note.NewSigner(secret)
	must(t, err)
	verifier, err := note.NewVerifier(public)
	must(t, err)
	return person{name, signer, verifier}
}

func (p person) accept(t *testing.T, data, text, reason string) Acceptance {
	t.Helper()
	by := p.name
	if reason == "" {
		by = "" // the words are another's
	}
	a, err := Word{By: by, Reason: reason, Signer: p.signer, Expires: noon.AddDate(0, 0, 9)}.Accept(vfs.OS, data, parse(t, text), noon)
	must(t, err)
	return a
}

func TestAnAcceptanceIsSignedByEnoughOfTheCustomersKeys(t *testing.T) {
	ada, bob, eve := newPerson(t, "ada.customer.example"), newPerson(t, "bob.customer.example"), newPerson(t, "eve.example")
	rules := Rules{Accepters: []note.Verifier{ada.verifier, bob.verifier}, AcceptThreshold: 2}
	d := newDesk(t)
	write(t, d.file, sample)
	want := func(state State, says string, now time.Time) Decision {
		t.Helper()
		got := rules.Resolve(vfs.OS, d.data, d.file, now)
		if got.State != state || (got.Err == nil) != (state == Active) || got.Err != nil && !strings.Contains(got.Err.Error(), says) {
			t.Fatalf("%s: %v, want %s", got.State, got.Err, state)
		}
		if look := rules.Look(vfs.OS, d.data, d.file, now); look.State != got.State || look.Acceptance != got.Acceptance {
			t.Fatalf("looked at, it is %s: %v", look.State, look.Err)
		}
		return got
	}
	want(Unaccepted, "--key KEYFILE", noon)
	accept(t, d.data, sample)
	want(Unsigned, "not signed with the keys that are demanded", noon)
	if got := d.resolve(); got.State != Active {
		t.Errorf("nothing is demanded, and it is %s", got.State)
	}
	eve.accept(t, d.data, sample, "mine")
	want(Unsigned, "not signed with the keys", noon)

	// What another one signed is not replaced, but it is not theirs to say either.
	if _, err := (Word{By: ada.name, Reason: "reviewed", Signer: ada.signer, Expires: noon}).Accept(vfs.OS, d.data, parse(t, sample), noon); !errors.Is(err, ErrWorded) {
		t.Fatalf("other words were taken: %v", err)
	}
	if _, err := Revoke(vfs.OS, d.data, policy.DigestOf([]byte(sample)), ada.name, "eve is none of us", noon); err != nil {
		t.Fatal(err)
	}
	first := ada.accept(t, d.data, sample, "reviewed with security")
	want(Unsigned, "by 1 of the 2 keys", noon)
	both := bob.accept(t, d.data, sample, "")
	if both.Words() != first.Words() || both.Order != first.Order || strings.Join(both.SignedBy(), " ") != ada.name+" "+bob.name {
		t.Errorf("countersigned: %+v", both)
	}
	got := want(Active, "", noon)
	if got.Acceptance != both || !got.AcceptedUntil.Equal(time.Date(2027, 3, 11, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("until %v under %+v", got.AcceptedUntil, got.Acceptance)
	}
	over := noon.AddDate(0, 0, 10)
	want(Unsigned, "expired", over)
	if later := got.At(d.file, over); later.State != Unsigned || later.Err == nil || later.Right != "" {
		t.Errorf("the clock alone makes it %s", later.State)
	}
	// A renewal has words of its own, and a place in the order that is the old one.
	renewed, err := Word{By: ada.name, Reason: "still right", Signer: ada.signer, Expires: over.AddDate(1, 0, 0)}.Accept(vfs.OS, d.data, parse(t, sample), over)
	if err != nil || renewed.Order != first.Order || renewed.Words() == first.Words() {
		t.Errorf("renewed: %+v, %v", renewed, err)
	}
	want(Unsigned, "by 1 of the 2 keys", over)
}

// What Weir concludes rests on a person's word, and so on the signature on that.
func TestTheRatchetAsksForTheSignatureToo(t *testing.T) {
	ada := newPerson(t, "ada.customer.example")
	rules := Rules{Accepters: []note.Verifier{ada.verifier}}
	d := newDesk(t)
	d.now = noon
	put := func(text string) Decision {
		t.Helper()
		write(t, d.file, text)
		return rules.Resolve(vfs.OS, d.data, d.file, d.now)
	}
	accept(t, d.data, revision("3", signal("a"), signal("b")))
	if got := put(revision("4", signal("a"))); got.State != Unaccepted {
		t.Fatalf("it follows from what nobody signed, and is %s", got.State)
	}
	signed := ada.accept(t, d.data, revision("3", signal("a"), signal("b")), "reviewed")
	got := put(revision("4", signal("a")))
	if got.State != Active || got.Right != RightNarrowed || got.Acceptance.Base != signed.Digest || got.AcceptedUntil.IsZero() {
		t.Fatalf("%s by %q: %v", got.State, got.Right, got.Err)
	}
	// A later acceptance that nobody signed is none: what widens goes on waiting.
	accept(t, d.data, revision("5", signal("a"), signal("b"), signal("c")))
	if got := put(revision("6", signal("a"), signal("b"), signal("c"))); got.State != Active || got.Right != RightMeet || len(got.Policy.Signals) != 2 {
		t.Fatalf("%s by %q with %d signals: %v", got.State, got.Right, len(got.Policy.Signals), got.Err)
	}
	d.now = noon.AddDate(0, 0, 10)
	if got := put(revision("4", signal("a"))); got.State != Unaccepted {
		t.Errorf("the signature has expired, and it is %s by %q", got.State, got.Right)
	}
}

// Each word of what was signed counts.
func TestASignatureIsOfTheseWordsOnly(t *testing.T) {
	ada := newPerson(t, "ada.customer.example")
	d := newDesk(t)
	a := ada.accept(t, d.data, sample, "reviewed")
	verify := func(a Acceptance) error {
		_, _, err := a.Verify([]note.Verifier{ada.verifier}, 1, noon)
		return err
	}
	must(t, verify(a))
	for name, change := range map[string]func(*Acceptance){
		"digest":  func(a *Acceptance) { a.Digest = policy.DigestOf(nil) },
		"by":      func(a *Acceptance) { a.By = "Eve" },
		"reason":  func(a *Acceptance) { a.Reason += "." },
		"at":      func(a *Acceptance) { a.At = a.At.Add(time.Second) },
		"expires": func(a *Acceptance) { a.Expires = "2099-01-01" },
		"no note": func(a *Acceptance) { a.Note = "" },
		"cut":     func(a *Acceptance) { a.Note = a.Note[:len(a.Note)-20] },
		"flipped": func(a *Acceptance) { a.Note = strings.Replace(a.Note, "Ada", "Ida", 1) + "x" },
		"signature of others": func(a *Acceptance) {
			other := newPerson(t, ada.name).accept(t, newDesk(t).data, sample, "reviewed")
			a.Note = other.Note
		},
	} {
		b := a
		change(&b)
		if err := verify(b); err == nil {
			t.Errorf("%s: it verifies", name)
		}
	}
	// In the folder, too: a file whose words were changed counts as unsigned.
	text, err := os.ReadFile(AcceptanceFile(d.data, a.Digest))
	must(t, err)
	write(t, AcceptanceFile(d.data, a.Digest), strings.Replace(string(text), `"reason": "reviewed"`, `"reason": "whatever"`, 1))
	write(t, d.file, sample)
	got := Rules{Accepters: []note.Verifier{ada.verifier}}.Resolve(vfs.OS, d.data, d.file, noon)
	if got.State != Unsigned || !strings.Contains(got.Err.Error(), errOtherWords.Error()) {
		t.Errorf("%s: %v", got.State, got.Err)
	}
}
