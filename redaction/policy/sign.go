package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A signature says that a vendor stands behind one revision, for a time. It
// lies beside the policy as FILE.sig, a signed note (golang.org/x/mod/sumdb/note,
// Ed25519) with this text:
//
//	weir policy signature v1
//	product: acme-analytics
//	revision: 7
//	digest: 64 hex digits
//	signed: 2026-11-21
//	expires: 2027-11-21
//
// The last day is part of the signature. Any number of keys can sign one text.
//
// Rules for change: another text has another first line.
type Signature struct {
	Product  string `json:"product"`
	Revision int    `json:"revision"`
	Digest   Digest `json:"digest"`
	Signed   string `json:"signed"`  // a day
	Expires  string `json:"expires"` // the last day on which it counts
	// By names the keys that were asked for and have signed.
	By []string `json:"by"`
}

// Errors of [VerifySignature]. Each means that the policy counts as unsigned.
var (
	ErrNotSigned        = errors.New("not signed by enough of the keys that are asked for")
	ErrSignatureExpired = errors.New("the signature has expired")
	ErrSignatureOther   = errors.New("the signature is of another policy")
	ErrSignatureBroken  = errors.New("the signature is not well formed")
)

// MaxSignatureSize bounds a signature file.
const MaxSignatureSize = 64 << 10

const signatureHead = "weir policy signature v1"

// SignatureFile is where a policy's signature lies.
func SignatureFile(file string) string { return file + ".sig" }

// Sign signs p. If existing is a signature of the same policy, its text and the
// signatures on it are kept and the dates are ignored: keys that sign one after
// another sign the same.
func Sign(p *Policy, existing []byte, signed, expires time.Time, signers ...note.Signer) ([]byte, error) {
	n := &note.Note{Text: fmt.Sprintf("%s\nproduct: %s\nrevision: %d\ndigest: %s\nsigned: %s\nexpires: %s\n", signatureHead,
		p.Product, p.Revision, p.Digest, signed.UTC().Format(time.DateOnly), expires.UTC().Format(time.DateOnly))}
	if len(existing) > 0 {
		_, err := note.Open(existing, note.VerifierList())
		var unverified *note.UnverifiedNoteError
		if !errors.As(err, &unverified) {
			return nil, fmt.Errorf("sign: %w", ErrSignatureBroken)
		}
		s, err := parseSignature(unverified.Note.Text)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		if !s.of(p) {
			return nil, fmt.Errorf("sign: %w", ErrSignatureOther)
		}
		n = unverified.Note
	}
	out, err := note.Sign(n, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return out, nil
}

// ParseVerifiers reads the keys that are asked for. Each must be there once.
func ParseVerifiers(keys []string) ([]note.Verifier, error) {
	var list []note.Verifier
	seen := map[string]bool{}
	for i, k := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(k))
		if err != nil {
			return nil, fmt.Errorf("verifier %d is not a key: write what 'weir policy keygen' printed", i+1)
		}
		id := fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash())
		if seen[id] {
			return nil, fmt.Errorf("verifier %d comes twice: each counts once", i+1)
		}
		seen[id] = true
		list = append(list, v)
	}
	return list, nil
}

// VerifySignature answers whether at least threshold of the verifiers have
// signed p, in a text that has not expired. A signature that is wrong for one of
// them makes all of it wrong; those of other keys are ignored.
func VerifySignature(p *Policy, data []byte, verifiers []note.Verifier, threshold int, now time.Time) (Signature, error) {
	if len(data) > MaxSignatureSize {
		return Signature{}, ErrSignatureBroken
	}
	n, err := note.Open(data, note.VerifierList(verifiers...))
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unverified):
		return Signature{}, ErrNotSigned
	case err != nil:
		return Signature{}, fmt.Errorf("%w: %w", ErrSignatureBroken, err)
	}
	s, err := parseSignature(n.Text)
	if err != nil {
		return Signature{}, err
	}
	for _, sig := range n.Sigs {
		s.By = append(s.By, sig.Name)
	}
	switch {
	case !s.of(p):
		return s, ErrSignatureOther
	case len(n.Sigs) < max(threshold, 1):
		return s, ErrNotSigned
	case !now.Before(s.Until()):
		return s, ErrSignatureExpired
	}
	return s, nil
}

// Until is the instant from which the signature does not count.
func (s Signature) Until() time.Time {
	day, err := time.Parse(time.DateOnly, s.Expires)
	if err != nil {
		return time.Time{} // long ago
	}
	return day.AddDate(0, 0, 1)
}

func (s Signature) of(p *Policy) bool {
	return s.Digest == p.Digest && s.Product == p.Product && s.Revision == p.Revision
}

// parseSignature reads the text and nothing else: what it means is exactly what
// is written.
func parseSignature(text string) (Signature, error) {
	lines := strings.Split(text, "\n")
	keys := []string{"product", "revision", "digest", "signed", "expires"}
	if len(lines) != len(keys)+2 || lines[0] != signatureHead || lines[len(lines)-1] != "" {
		return Signature{}, ErrSignatureBroken
	}
	values := map[string]string{}
	for i, k := range keys {
		v, ok := strings.CutPrefix(lines[i+1], k+": ")
		if !ok {
			return Signature{}, ErrSignatureBroken
		}
		values[k] = v
	}
	s := Signature{Product: values["product"], Signed: values["signed"], Expires: values["expires"]}
	var err error
	if s.Revision, err = strconv.Atoi(values["revision"]); err != nil || strconv.Itoa(s.Revision) != values["revision"] {
		return Signature{}, ErrSignatureBroken
	}
	if s.Digest, err = ParseDigest(values["digest"]); err != nil {
		return Signature{}, ErrSignatureBroken
	}
	for _, day := range []string{s.Signed, s.Expires} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return Signature{}, ErrSignatureBroken
		}
	}
	return s, nil
}
