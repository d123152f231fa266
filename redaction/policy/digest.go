package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// Digest is the SHA-256 of a policy file's exact bytes. It is what a customer
// accepts, and `sha256sum FILE` computes it too.
type Digest [sha256.Size]byte

// DigestOf returns the digest of a file's bytes.
func DigestOf(source []byte) Digest { return sha256.Sum256(source) }

// String is the digest in lower-case hex; [ParseDigest] is its inverse.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

var errDigest = errors.New("not a digest: want 64 lower-case hex digits")

// ParseDigest reads what String wrote, and nothing else.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != hex.EncodedLen(len(d)) {
		return Digest{}, errDigest
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil || d.String() != s {
		return Digest{}, errDigest
	}
	return d, nil
}

// MarshalText writes the digest as String does.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads it as ParseDigest does.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err == nil {
		*d = parsed
	}
	return err
}
