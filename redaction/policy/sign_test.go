package policy

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

func newKey(t *testing.T, name string) (note.Signer, string) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return s, public
}

func TestASignatureIsOfOnePolicyByEnoughKeysForATime(t *testing.T) {
	p, err := Parse("p", design(t))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Parse("p", append(design(t), '\n'))
	if err != nil {
		t.Fatal(err)
	}
	alice, aliceKey := newKey(t, "alice")
	bob, bobKey := newKey(t, "bob")
	_, carolKey := newKey(t, "carol")
	impostor, _ := newKey(t, "alice")
	day := time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)
	last := time.Date(2027, 11, 21, 0, 0, 0, 0, time.UTC)

	one, err := Sign(p, nil, day, last, alice)
	if err != nil {
		t.Fatal(err)
	}
	// The second key signs the first one's text, whatever its own dates.
	two, err := Sign(p, one, day.AddDate(0, 1, 0), last.AddDate(9, 0, 0), bob)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := Sign(p, nil, day, last, impostor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(other, one, day, last, bob); !errors.Is(err, ErrSignatureOther) {
		t.Errorf("a signature of another policy was added to: %v", err)
	}
	late := bytes.Replace(one, []byte("expires: 2027"), []byte("expires: 2037"), 1)
	for _, c := range []struct {
		name      string
		policy    *Policy
		data      []byte
		keys      []string
		threshold int
		now       time.Time
		want      error
	}{
		{"one of one", p, one, []string{aliceKey}, 1, day, nil},
		{"the last moment", p, one, []string{aliceKey}, 1, last.AddDate(0, 0, 1).Add(-1), nil},
		{"the day after", p, one, []string{aliceKey}, 1, last.AddDate(0, 0, 1), ErrSignatureExpired},
		{"one of many", p, two, []string{carolKey, bobKey}, 1, day, nil},
		{"two of three", p, two, []string{carolKey, bobKey, aliceKey}, 2, day, nil},
		{"three of three", p, two, []string{carolKey, bobKey, aliceKey}, 3, day, ErrNotSigned},
		{"two, with one twice", p, append(bytes.Clone(one), one[bytes.LastIndex(one, []byte("—")):]...), []string{aliceKey, bobKey}, 2, day, ErrNotSigned},
		{"nobody asked for", p, one, []string{bobKey}, 1, day, ErrNotSigned},
		{"no keys", p, one, nil, 1, day, ErrNotSigned},
		{"threshold of none is one", p, one, []string{bobKey}, 0, day, ErrNotSigned},
		{"another policy", other, one, []string{aliceKey}, 1, day, ErrSignatureOther},
		{"a date changed", p, late, []string{aliceKey}, 1, day, ErrSignatureBroken},
		{"an impostor of that name", p, forged, []string{aliceKey}, 1, day, ErrNotSigned},
		{"no file", p, nil, []string{aliceKey}, 1, day, ErrSignatureBroken},
		{"a huge file", p, bytes.Repeat(one, 1000), []string{aliceKey}, 1, day, ErrSignatureBroken},
	} {
		t.Run(c.name, func(t *testing.T) {
			verifiers, err := ParseVerifiers(c.keys)
			if err != nil {
				t.Fatal(err)
			}
			s, err := VerifySignature(c.policy, c.data, verifiers, c.threshold, c.now)
			if !errors.Is(err, c.want) || c.want == nil && (err != nil || s.Digest != p.Digest || len(s.By) < c.threshold) {
				t.Errorf("%v, want %v: %+v", err, c.want, s)
			}
		})
	}
	if _, err := ParseVerifiers([]string{aliceKey, aliceKey}); err == nil {
		t.Error("one key counts twice")
	}
	if _, err := ParseVerifiers([]string{"alice"}); err == nil {
		t.Error("a name is no key")
	}
}

// Anything but the one text is refused, also under a good signature.
func TestASignedTextIsReadStrictly(t *testing.T) {
	p, err := Parse("p", design(t))
	if err != nil {
		t.Fatal(err)
	}
	alice, key := newKey(t, "alice")
	verifiers, err := ParseVerifiers([]string{key})
	if err != nil {
		t.Fatal(err)
	}
	good := signatureHead + "\nproduct: acme-analytics\nrevision: 7\ndigest: " + p.Digest.String() + "\nsigned: 2026-11-21\nexpires: 2027-11-21\n"
	check := func(text string) error {
		data, err := note.Sign(&note.Note{Text: text}, alice)
		if err != nil {
			t.Fatal(err)
		}
		_, err = VerifySignature(p, data, verifiers, 1, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
		return err
	}
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"v1", "v2"}, {"revision: 7", "revision: 07"}, {"revision: 7", "revision: 8"}, {"revision: 7\n", ""}, {"product: acme", "product:  acme"},
		{"expires: 2027-11-21\n", "expires: 2027-11-21\nexpires: 2037-11-21\n"}, {"expires: 2027-11-21", "expires: never"},
		{"signed: 2026-11-21\n", ""}, {"digest: ", "digest: 0"}, {"product: acme-analytics", "product: other"},
	} {
		if err := check(strings.Replace(good, c[0], c[1], 1)); err == nil {
			t.Errorf("%q for %q passes", c[1], c[0])
		}
	}
}
