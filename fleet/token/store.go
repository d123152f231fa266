package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// Store keeps what a fleet has to remember of its tokens, in a folder:
//
//	<id>.json  customer, expiry, hash; never the secret
//	<id>.used  by which install, with which key, when; its existence is what counts
//
// Rules for change: fields of either file are only added.
type Store struct {
	FS  vfs.FS
	Dir string
}

// keepExpired is how long a token that has expired is remembered, so that its
// user is told so.
const keepExpired = 30 * 24 * time.Hour

type storedToken struct {
	Customer string    `json:"customer"`
	Expires  time.Time `json:"expires"`
	Hash     []byte    `json:"hash"` // SHA-256 of the line
}

// Use is who has used a token.
type Use struct {
	Install string `json:"install"`
	// Key is the SHA-256 of the SubjectPublicKeyInfo that was certified.
	Key  []byte    `json:"key"`
	Time time.Time `json:"time"`
}

func (s Store) file(id, suffix string) string { return filepath.Join(s.Dir, id+suffix) }

// Create remembers a token, durably, and forgets those that expired long ago.
func (s Store) Create(t Token, now time.Time) error {
	if err := s.FS.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("remember the token: %w", err)
	}
	if err := s.FS.SyncDir(filepath.Dir(s.Dir)); err != nil {
		return fmt.Errorf("remember the token: %w", err)
	}
	s.prune(now)
	text, err := json.Marshal(storedToken{Customer: t.Customer, Expires: t.Expires, Hash: hashLine(t.Text())})
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(s.FS, s.file(t.ID, ".json"), append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("remember the token: %w", err)
	}
	return nil
}

// Find answers with the token that a line spells, if it was given out and has
// not expired. Whether it has been used is for [Store.Use] to say.
func (s Store) Find(line string, now time.Time) (Token, error) {
	t, err := Parse(line)
	if err != nil {
		return Token{}, err
	}
	text, err := vfs.ReadFile(s.FS, s.file(t.ID, ".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, ErrUnknown
	}
	if err != nil {
		return Token{}, fmt.Errorf("look the token up: %w", err)
	}
	var known storedToken
	if json.Unmarshal(text, &known) != nil {
		return Token{}, fmt.Errorf("look the token up: %s is damaged: remove it and make a new token", s.file(t.ID, ".json"))
	}
	if !sameHash(known.Hash, hashLine(line)) {
		return Token{}, ErrUnknown
	}
	if !now.Before(known.Expires) {
		return Token{}, ErrExpired
	}
	return t, nil
}

// Use takes the token for u, once. Of any number of callers in any number of
// processes over one folder, one succeeds. The same install may come again with
// the same key: it did not get the answer.
func (s Store) Use(t Token, u Use) error {
	name := s.file(t.ID, ".used")
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	f, err := s.FS.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return s.again(name, u)
	}
	if err != nil {
		return fmt.Errorf("use the token: %w", err)
	}
	// From here on the token is gone, whatever happens: a half-written file is a
	// used token of nobody.
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("use the token: %w", err)
	}
	if err := s.FS.SyncDir(s.Dir); err != nil {
		return fmt.Errorf("use the token: %w", err)
	}
	return nil
}

func (s Store) again(name string, u Use) error {
	text, err := vfs.ReadFile(s.FS, name)
	if err != nil {
		return fmt.Errorf("use the token: %w", err)
	}
	var first Use
	if json.Unmarshal(text, &first) != nil || first.Install != u.Install || len(u.Key) == 0 || !bytes.Equal(first.Key, u.Key) {
		return ErrUsed
	}
	return nil
}

// prune forgets old tokens. What it cannot remove stays, which harms nobody.
func (s Store) prune(now time.Time) {
	list, err := s.FS.ReadDir(s.Dir)
	if err != nil {
		return
	}
	for _, e := range list {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok {
			continue
		}
		text, err := vfs.ReadFile(s.FS, s.file(id, ".json"))
		var known storedToken
		if err != nil || json.Unmarshal(text, &known) != nil || now.Before(known.Expires.Add(keepExpired)) {
			continue
		}
		// The token goes first: without its mark it must not be found any more.
		if s.FS.Remove(s.file(id, ".json")) == nil {
			_ = s.FS.Remove(s.file(id, ".used"))
		}
	}
}
