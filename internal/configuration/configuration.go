// Package configuration notices that the configuration of an edge is another
// than before, and keeps what changed: when, and which lines.
//
// Beside the data of an install, in the folder configuration, lie in-force.json,
// the configuration as it was last seen, and a file for each change, the newest
// ones, with the difference as people read it. Secrets are hidden before anything
// is compared or written, so a changed secret is no changed configuration. What
// is said elsewhere is a hash, keyed with the install's own key: it says that
// something changed, and tells nobody what, nor whether two installs are alike.
package configuration

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/weir-telemetry/weir/internal/vfs"
)

const (
	// Kept is how many changes are kept; with each one more the oldest goes.
	Kept = 50
	// maxText bounds what is compared and kept.
	maxText = 1 << 20
)

// State is the configuration that was last seen.
//
// Rules for change: keys are added, never renamed or removed.
type State struct {
	Hash    string    `json:"hash"`
	Since   time.Time `json:"since"`
	Changes int64     `json:"changes"` // since the first start
	Text    string    `json:"text"`    // YAML, secrets hidden
}

// Change is that from one configuration to the next.
type Change struct {
	Before string    `json:"before"` // hash; empty: there was none
	After  string    `json:"after"`
	At     time.Time `json:"at"`
	Diff   string    `json:"-"`
}

// Folder is where all of it lies.
func Folder(data string) string { return filepath.Join(data, "configuration") }

func stateFile(data string) string { return filepath.Join(Folder(data), "in-force.json") }

// Text is a configuration as YAML, secrets hidden.
func Text(conf map[string]any) (string, error) {
	text, err := yaml.Marshal(Hide(conf))
	if err != nil {
		return "", fmt.Errorf("write the configuration as YAML: %w", err)
	}
	return string(text), nil
}

// Notice compares the configuration of this start with that of the one before.
// If it is another, the change is kept, tell is told, and only then it counts as
// seen: a crash in between keeps and tells it again.
func Notice(fsys vfs.FS, data string, key []byte, conf map[string]any, now time.Time, tell func(Change) error) (State, error) {
	text, err := Text(conf)
	if err != nil {
		return State{}, err
	}
	if len(text) > maxText {
		return State{}, fmt.Errorf("the configuration is longer than %d bytes: its changes are not noticed", maxText)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	now = now.UTC().Truncate(time.Second)
	next := State{Hash: hex.EncodeToString(mac.Sum(nil)[:8]), Since: now, Text: text}
	before, err := InForce(fsys, data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return State{}, err
	}
	if before.Hash == next.Hash {
		return before, nil
	}
	c := Change{Before: before.Hash, After: next.Hash, At: now, Diff: unified(before.Text, text)}
	if next.Changes = before.Changes; before.Hash != "" {
		next.Changes++
	}
	if err := fsys.MkdirAll(Folder(data), 0o700); err != nil {
		return State{}, fmt.Errorf("keep what changed in the configuration: %w", err)
	}
	if before.Hash != "" {
		if err := keep(fsys, data, c); err != nil {
			return State{}, fmt.Errorf("keep what changed in the configuration: %w", err)
		}
	}
	if err := tell(c); err != nil {
		return State{}, fmt.Errorf("record that the configuration changed: %w", err)
	}
	state, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return State{}, err
	}
	if err := vfs.WriteFileAtomic(fsys, stateFile(data), append(state, '\n'), 0o600); err != nil {
		return State{}, fmt.Errorf("keep the configuration: %w", err)
	}
	for _, dir := range []string{Folder(data), data} {
		if err := fsys.SyncDir(dir); err != nil {
			return State{}, fmt.Errorf("keep the configuration: %w", err)
		}
	}
	return next, nil
}

// InForce is what was last seen; fs.ErrNotExist: nothing yet.
func InForce(fsys vfs.FS, data string) (State, error) {
	name := stateFile(data)
	text, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return State{}, fmt.Errorf("read the configuration that was last seen: %w", err)
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil || s.Hash == "" {
		return State{}, fmt.Errorf("read the configuration that was last seen: %s is not what Weir wrote: remove it, and changes are noticed anew", name)
	}
	return s, nil
}

const (
	suffix     = ".diff"
	nameLayout = "20060102T150405Z"
)

// keep writes a change as a text that people read, and removes the oldest ones.
func keep(fsys vfs.FS, data string, c Change) error {
	text := fmt.Sprintf("at: %s\nbefore: %s\nafter: %s\n\n%s", c.At.Format(time.RFC3339), c.Before, c.After, c.Diff)
	name := c.At.Format(nameLayout) + "-" + c.After + suffix
	if err := vfs.WriteFileAtomic(fsys, filepath.Join(Folder(data), name), []byte(text), 0o600); err != nil {
		return err
	}
	names, err := kept(fsys, data)
	if err != nil {
		return err
	}
	for _, old := range names[:max(0, len(names)-Kept)] {
		if err := fsys.Remove(filepath.Join(Folder(data), old)); err != nil {
			return err
		}
	}
	return nil
}

// kept lists the changes' files, oldest first.
func kept(fsys vfs.FS, data string) ([]string, error) {
	files, err := fsys.ReadDir(Folder(data))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), suffix) {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// Changes are those that are kept, newest first. A file that is not one is left
// out: people may write there.
func Changes(fsys vfs.FS, data string) ([]Change, error) {
	names, err := kept(fsys, data)
	if err != nil {
		return nil, fmt.Errorf("list the changes of the configuration: %w", err)
	}
	slices.Reverse(names)
	list := []Change{}
	for _, name := range names[:min(len(names), Kept)] {
		text, err := vfs.ReadFile(fsys, filepath.Join(Folder(data), name))
		if err != nil {
			return nil, fmt.Errorf("list the changes of the configuration: %w", err)
		}
		if c, ok := parse(string(text)); ok {
			list = append(list, c)
		}
	}
	return list, nil
}

func parse(text string) (Change, bool) {
	head, diff, found := strings.Cut(text, "\n\n")
	c := Change{Diff: diff}
	lines := strings.Split(head, "\n")
	if !found || len(lines) != 3 {
		return c, false
	}
	var err error
	for i, into := range []func(string){
		func(s string) { c.At, err = time.Parse(time.RFC3339, s) },
		func(s string) { c.Before = s },
		func(s string) { c.After = s },
	} {
		key, value, _ := strings.Cut(lines[i], ": ")
		if key != []string{"at", "before", "after"}[i] {
			return c, false
		}
		into(value)
	}
	return c, err == nil
}
