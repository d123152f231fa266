package consent

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/redaction/policy"
)

const wordsHead = "weir policy acceptance v1"

// Words is the text that a person signs with an acceptance: what, who, why,
// when, and the last day on which the signature counts. The signed note
// (golang.org/x/mod/sumdb/note, Ed25519) is kept in the acceptance and goes with
// it into the ledger. Any number of keys can sign one text.
//
//	weir policy acceptance v1
//	digest: 64 hex digits
//	by: Ada Lovelace
//	reason: reviewed with security
//	at: 2027-03-01T12:00:00Z
//	expires: 2028-03-01
//
// Rules for change: another text has another first line.
func (a Acceptance) Words() string {
	return fmt.Sprintf("%s\ndigest: %s\nby: %s\nreason: %s\nat: %s\nexpires: %s\n",
		wordsHead, a.Digest, a.By, a.Reason, a.At.UTC().Format(time.RFC3339), a.Expires)
}

// SignedBy names the keys that are on the note. Nothing says that these
// signatures are right; [Acceptance.Verify] does.
func (a Acceptance) SignedBy() []string {
	n, err := a.unverified()
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range n.UnverifiedSigs {
		names = append(names, s.Name)
	}
	return names
}

// Verify answers whether at least threshold of the verifiers have signed
// exactly what the acceptance says, until when that counts, and which have.
func (a Acceptance) Verify(verifiers []note.Verifier, threshold int, now time.Time) (by []string, until time.Time, err error) {
	if a.Note == "" {
		return nil, time.Time{}, policy.ErrNotSigned
	}
	n, err := note.Open([]byte(a.Note), note.VerifierList(verifiers...))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return nil, time.Time{}, policy.ErrNotSigned
	case err != nil:
		return nil, time.Time{}, policy.ErrSignatureBroken
	case n.Text != a.Words():
		return nil, time.Time{}, errOtherWords
	}
	for _, s := range n.Sigs {
		by = append(by, s.Name)
	}
	until = a.until()
	switch {
	case len(by) < max(threshold, 1):
		return by, until, policy.ErrNotSigned
	case !now.Before(until):
		return by, until, policy.ErrSignatureExpired
	}
	return by, until, nil
}

var errOtherWords = errors.New("what was signed is not what the acceptance says")

// until is the instant from which the signatures do not count.
func (a Acceptance) until() time.Time {
	day, err := time.Parse(time.DateOnly, a.Expires)
	if err != nil {
		return time.Time{} // long ago
	}
	return day.AddDate(0, 0, 1)
}

// sign adds a signature to those that are there.
func (a Acceptance) sign(signer note.Signer) (Acceptance, error) {
	n := &note.Note{Text: a.Words()}
	if a.Note != "" {
		var err error
		if n, err = a.unverified(); err != nil {
			return Acceptance{}, err
		}
	}
	signed, err := note.Sign(n, signer)
	if err != nil {
		return Acceptance{}, fmt.Errorf("sign: %w", err)
	}
	a.Note = string(signed)
	return a, nil
}

func (a Acceptance) unverified() (*note.Note, error) {
	_, err := note.Open([]byte(a.Note), note.VerifierList())
	var unverified *note.UnverifiedNoteError
	switch {
	case !errors.As(err, &unverified):
		return nil, policy.ErrSignatureBroken
	case unverified.Note.Text != a.Words():
		return nil, errOtherWords
	}
	return unverified.Note, nil
}
