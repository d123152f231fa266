// Package inbox is the way into the ledger for those who may not append to it.
// The edge holds the ledger's lock while it runs; what a person decides at the
// command line or in the console, and what a start finds changed, is put into
// the folder inbox of the data folder, and the edge takes it from there.
//
// What [Put] has returned nil for is durable, and recorded by the next [Take],
// also if the edge was not running. A crash after the record and before its file
// is gone records it a second time, in the same words; it is never lost.
//
// Reports, outcomes and acceptances do not come this way: those the edge makes,
// or reads where they lie.
package inbox

import (
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

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/ledger"
)

const (
	// maxBody is that of a policy's text, with room to spare.
	maxBody = 2 << 20
	// maxWaiting bounds the folder of an edge that never takes anything.
	maxWaiting = 1000
)

// kinds are what may come this way.
var kinds = []ledger.Kind{ledger.KindPolicy, ledger.KindGrant, ledger.KindBundle, ledger.KindConfig, ledger.KindRefusal}

// item is a file of the folder. Keys are added, never renamed or removed.
type item struct {
	Kind   ledger.Kind `json:"kind"`
	Policy string      `json:"policy"` // digest in hex
	Body   []byte      `json:"body"`   // base64
}

// Folder is where the items wait.
func Folder(data string) string { return filepath.Join(data, "inbox") }

// Put leaves a record for the edge to append: its kind, its policy's digest and
// its body.
func Put(fsys vfs.FS, data string, r ledger.Record, now time.Time) error {
	if !slices.Contains(kinds, r.Kind) || len(r.Body) > maxBody {
		return fmt.Errorf("a %s of %d bytes is not put into the ledger's inbox", r.Kind, len(r.Body))
	}
	text, err := json.Marshal(item{Kind: r.Kind, Policy: hex.EncodeToString(r.PolicyDigest[:]), Body: r.Body})
	if err != nil {
		return err
	}
	dir := Folder(data)
	if err := fsys.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("put into the ledger's inbox: %w", err)
	}
	waiting, err := fsys.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("put into the ledger's inbox: %w", err)
	}
	if len(waiting) >= maxWaiting {
		return fmt.Errorf("put into the ledger's inbox: %d records wait in %s: start the edge, which takes them", len(waiting), dir)
	}
	sum := sha256.Sum256(text)
	name := filepath.Join(dir, fmt.Sprintf("%020d-%x%s", now.UnixNano(), sum[:4], suffix))
	if err := vfs.WriteFileAtomic(fsys, name, text, 0o644); err != nil {
		return fmt.Errorf("put into the ledger's inbox: %w", err)
	}
	for _, d := range []string{dir, data, filepath.Dir(filepath.Clean(data))} {
		if err := fsys.SyncDir(d); err != nil {
			return fmt.Errorf("put into the ledger's inbox: %w", err)
		}
	}
	return nil
}

const suffix = ".json"

// PutRefusal leaves a refused policy's text and behind it the refusal, as JSON.
func PutRefusal(fsys vfs.FS, data string, digest [32]byte, text []byte, refusal any, now time.Time) error {
	body, err := json.Marshal(refusal)
	if err != nil {
		return err
	}
	if err := Put(fsys, data, ledger.Record{Kind: ledger.KindPolicy, PolicyDigest: digest, Body: text}, now); err != nil {
		return err
	}
	return Put(fsys, data, ledger.Record{Kind: ledger.KindRefusal, PolicyDigest: digest, Body: body}, now.Add(1))
}

// Take gives what waits to record, oldest first, and removes what it returned
// nil for. It ends with the first error of record; a file that cannot be
// understood is left where it is and reported at the end.
func Take(fsys vfs.FS, data string, record func(ledger.Record) error) error {
	dir := Folder(data)
	files, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("take from the ledger's inbox: %w", err)
	}
	var faults []error
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), suffix) {
			continue // one that is being written
		}
		name := filepath.Join(dir, f.Name())
		r, err := read(fsys, name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if err := record(r); err != nil {
			return errors.Join(append(faults, err)...)
		}
		if err := fsys.Remove(name); err != nil {
			return errors.Join(append(faults, fmt.Errorf("take from the ledger's inbox: %w", err))...)
		}
	}
	return errors.Join(faults...)
}

func read(fsys vfs.FS, name string) (ledger.Record, error) {
	st, err := fsys.Stat(name)
	if err != nil {
		return ledger.Record{}, fmt.Errorf("take from the ledger's inbox: %w", err)
	}
	malformed := fmt.Errorf("take from the ledger's inbox: %s is not what Weir wrote: remove it", name)
	if !st.Mode().IsRegular() || st.Size() > 2*maxBody {
		return ledger.Record{}, malformed
	}
	text, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return ledger.Record{}, fmt.Errorf("take from the ledger's inbox: %w", err)
	}
	var i item
	if err := json.Unmarshal(text, &i); err != nil || !slices.Contains(kinds, i.Kind) || len(i.Body) > maxBody {
		return ledger.Record{}, malformed
	}
	r := ledger.Record{Kind: i.Kind, Body: i.Body}
	if n, err := hex.Decode(r.PolicyDigest[:], []byte(i.Policy)); err != nil || n != len(r.PolicyDigest) {
		return ledger.Record{}, malformed
	}
	return r, nil
}
