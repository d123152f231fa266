package install

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/weir-telemetry/weir/internal/vfs"
)

// file is install.json. A field may be added, with a default for files without
// it; anything else is a new Version.
type file struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
	Key     []byte `json:"key"` // base64
}

// read returns fs.ErrNotExist only if there is no file. Its errors name the
// file and never quote it: the key is in there.
func read(fsys vfs.FS, name string) (Install, error) {
	text, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return Install{}, fmt.Errorf("read the install's identity: %w", err)
	}
	in, err := parse(text)
	if err != nil {
		return Install{}, fmt.Errorf("read the install's identity: %s: %w; restore the file from a backup, "+
			"or remove it and this becomes a new install in the fleet", name, err)
	}
	return in, nil
}

func parse(text []byte) (Install, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var f file
	if err := dec.Decode(&f); err != nil || dec.More() {
		return Install{}, errors.New("not the JSON that Weir wrote")
	}
	id, err := uuid.Parse(f.ID)
	switch {
	case f.Version != 1:
		return Install{}, errors.New("version is not 1; written by a newer Weir")
	case err != nil || id.Version() != 4 || id.String() != f.ID:
		return Install{}, errors.New("id is not a version 4 UUID in lower case")
	case len(f.Key) != KeySize:
		return Install{}, fmt.Errorf("key is not %d bytes", KeySize)
	}
	return Install{ID: f.ID, Key: f.Key}, nil
}
