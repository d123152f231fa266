package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// The key that signs checkpoints, and its public half, in note's text forms.
const (
	signerFile     = "signer.key"
	verifierFile   = "verifier.pub"
	checkpointFile = "checkpoint"
	lockFile       = "lock"
)

// loadSigner reads the signing key, or makes one if mayCreate. The public half
// follows from it and is written again if a crash left none.
func loadSigner(fsys vfs.FS, dir, install string, random io.Reader, mayCreate bool) (note.Signer, note.Verifier, error) {
	name := filepath.Join(dir, signerFile)
	b, err := vfs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		if !mayCreate {
			return nil, nil, &Fault{File: name, Index: -1, What: "signing key is missing", Hint: hintDamaged}
		}
		key, _, gerr := note.GenerateKey(random, keyNamePrefix+install)
		if gerr != nil {
			return nil, nil, fmt.Errorf("make signing key: %w", gerr)
		}
		b = []byte(key + "\n")
		err = vfs.WriteFileAtomic(fsys, name, b, 0o600)
	}
	if err != nil {
		return nil, nil, err
	}
	signer, err := parseSigner(b)
	var public string
	if err == nil {
		public, err = verifierOf(signer.Name(), string(b))
	}
	if err != nil { // the library's text may quote the key
		return nil, nil, &Fault{File: name, Index: -1, What: "signing key cannot be read", Hint: hintDamaged}
	}
	if signer.Name() != keyNamePrefix+install {
		return nil, nil, &Fault{File: name, Index: -1, What: "ledger is that of another install", Hint: "the identity and the ledger folder belong together: restore both from the same backup, or move the ledger away"}
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, nil, fmt.Errorf("derive verifier key: %w", err)
	}
	name = filepath.Join(dir, verifierFile)
	if old, err := vfs.ReadFile(fsys, name); err != nil || string(old) != public+"\n" {
		if err == nil {
			return nil, nil, &Fault{File: name, Index: -1, What: "verifier key is not that of the signing key", Hint: hintDamaged}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		if err := vfs.WriteFileAtomic(fsys, name, []byte(public+"\n"), 0o644); err != nil {
			return nil, nil, err
		}
	}
	return signer, verifier, nil
}

// parseSigner reads a key file: the key and a line feed, in one spelling.
func parseSigner(b []byte) (note.Signer, error) {
	key := strings.TrimSuffix(string(b), "\n")
	s, err := note.NewSigner(key)
	if err == nil && string(b) != fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s\n", s.Name(), s.KeyHash(), respell(key)) {
		err = errors.New("malformed key")
	}
	return s, err
}

// respell is the canonical form of the base64 at the end of a key. The library
// takes several spellings of one key; a file that is compared has only one.
func respell(key string) string {
	parts := strings.Split(key, "+")
	for i := range parts { // the base64 may hold a + of its own: find its start
		if b, err := base64.StdEncoding.DecodeString(strings.Join(parts[i:], "+")); err == nil && len(b) == 33 {
			return base64.StdEncoding.EncodeToString(b)
		}
	}
	return ""
}

// verifierOf is the public half of a key in note's form, whose last part is
// the algorithm and the seed.
func verifierOf(name, key string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(respell(strings.TrimSuffix(key, "\n")))
	if err != nil || len(b) != 1+ed25519.SeedSize {
		return "", errors.New("malformed key")
	}
	public := ed25519.NewKeyFromSeed(b[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(name, public)
}

// LoadVerifier reads a ledger's public key.
func LoadVerifier(fsys vfs.FS, dir string) (note.Verifier, error) {
	name := filepath.Join(dir, verifierFile)
	b, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	key := strings.TrimSuffix(string(b), "\n")
	v, err := note.NewVerifier(key)
	if err != nil || string(b) != fmt.Sprintf("%s+%08x+%s\n", v.Name(), v.KeyHash(), respell(key)) {
		return nil, &Fault{File: name, Index: -1, What: "verifier key cannot be read", Hint: hintDamaged}
	}
	return v, nil
}
