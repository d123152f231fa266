package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/vitals/probe"
	"github.com/weir-telemetry/weir/vitals/responsibilities"
)

// Report is the verdict with its evidence, for people at the install. It is
// written to [File] and never leaves.
//
// Rules for change: keys are added, never renamed; what a key means changes only
// with Version.
type Report struct {
	Version int       `json:"version"`
	At      time.Time `json:"at"` // of the last round
	Verdict
	// Contact is who answers for the owner's area, if somebody is named.
	Contact *responsibilities.Contact `json:"contact"`
	// Signs are those of the last round. Their verdict may not be in force yet.
	Signs []Sign `json:"signs"`
	// Warnings decide nothing yet.
	Warnings []Sign          `json:"warnings"`
	Probes   []probe.Finding `json:"probes"`
	Failing  []Service       `json:"failing_services"`
	// Changes are the last verdicts, the newest last.
	Changes []Change `json:"changes"`
}

// Change is a verdict that came into force, and the signs that it came with.
type Change struct {
	Verdict
	Signs []Sign `json:"signs"`
}

const (
	maxChanges     = 100
	maxChangeSigns = 8
	maxReport      = 4 << 20
	// reserve is what a report takes on the disk at least, so that there is room
	// for it on a disk that has run full since.
	reserve = 64 << 10
)

// File is where a report lies in a data folder.
func File(data string) string { return filepath.Join(data, "vitals", "fault.json") }

// Add takes a round and its verdict in.
func (r *Report) Add(round Round, v Verdict, changed bool, at time.Time) {
	signs := Signs(round)
	r.Version, r.At, r.Verdict, r.Signs, r.Warnings, r.Failing = 1, at, v, signs, Warnings(round.Findings), round.Failing
	r.Probes = nil
	for _, f := range round.Findings {
		r.Probes = append(r.Probes, f.Finding)
	}
	if changed {
		// What decided is kept if not all can be.
		signs = slices.Clone(signs)
		slices.SortStableFunc(signs, func(a, b Sign) int {
			return slices.Index(Domains, b.Domain) - slices.Index(Domains, a.Domain)
		})
		r.Changes = append(r.Changes, Change{v, signs[:min(len(signs), maxChangeSigns)]})
		r.Changes = r.Changes[max(0, len(r.Changes)-maxChanges):]
	}
}

// Warnings are what a round shows and does not decide by.
func Warnings(findings []Finding) []Sign {
	var all []Sign
	for _, f := range findings {
		if f.Reason.Outcome() == probe.Warning {
			all = append(all, signOf(f, false))
		}
	}
	return all
}

// Load reads the last report. One that is not there is empty, one that cannot be
// read is an error.
func Load(fsys vfs.FS, file string) (*Report, error) {
	f, err := fsys.OpenFile(file, os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return &Report{}, nil
	}
	if err != nil {
		return &Report{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxReport))
	if err != nil {
		return &Report{}, err
	}
	r := &Report{}
	if err := json.Unmarshal(data, r); err != nil || r.Version != 1 {
		return &Report{}, fmt.Errorf("read %s: it is no report of version 1; it is begun anew", file)
	}
	r.Changes = r.Changes[max(0, len(r.Changes)-maxChanges):]
	return r, nil
}

// Save replaces the file as a whole. If there is no room for a second one, it
// writes into the one that is there, which a crash in that moment tears: that the
// disk is full is what people look for just then.
func (r *Report) Save(fsys vfs.FS, file string) error {
	whole := *r
	whole.Signs, whole.Warnings, whole.Probes = listed(r.Signs), listed(r.Warnings), listed(r.Probes)
	whole.Failing, whole.Changes = listed(r.Failing), listed(r.Changes)
	data, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if short := reserve - len(data)%reserve; short < reserve {
		data = append(append(data, bytes.Repeat([]byte{' '}, short-1)...), '\n')
	}
	err = vfs.WriteFileAtomic(fsys, file, data, 0o600)
	if err != nil && overwrite(fsys, file, data) == nil {
		return nil
	}
	return err
}

// listed makes an empty list of none, for readers that are strict about it.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// overwrite writes into a file that is as large already.
func overwrite(fsys vfs.FS, file string, data []byte) error {
	f, err := fsys.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil && st.Size() < int64(len(data)) {
		err = errors.New("it would grow")
	}
	if err == nil {
		if short := st.Size() - int64(len(data)); short > 0 {
			data = append(data, bytes.Repeat([]byte{' '}, int(short))...)
		}
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
