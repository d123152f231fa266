package gateprocessor

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// errPending says that nobody can tell yet whether a digest is known.
var errPending = errors.New("policies are being read")

// revisions are the policies that installs run under: every file, and the meets
// of every two revisions of one product. A file counts for as long as it is
// there, however many newer ones there are.
type revisions struct {
	patterns []string

	// Of the one who looks; see look.
	files  map[string]file
	pairs  map[pair]policy.Digest
	broken string // faults that have been told

	mu      sync.RWMutex // guards all below
	known   map[policy.Digest]*policy.Policy
	meets   map[policy.Digest]parents
	pending bool
	met     map[policy.Digest]*policy.Policy // some of meets, worked out
}

// file is what was last seen at a path. Its policy is the last good one: a file
// that is just being written must not lock its installs out.
type file struct {
	modTime time.Time
	size    int64
	policy  *policy.Policy
	fault   error
}

// maxMet bounds the meets kept in memory; the rest are worked out again.
const maxMet = 64

func newRevisions(patterns []string) (*revisions, error) {
	r := &revisions{patterns: patterns, files: map[string]file{}, pairs: map[pair]policy.Digest{}, met: map[policy.Digest]*policy.Policy{}}
	if _, err := r.look(); err != nil {
		return nil, err
	}
	return r, nil
}

// count is the number of policies that have a file.
func (r *revisions) count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.known)
}

// find answers with the policy of a digest, nil if there is none.
func (r *revisions) find(d policy.Digest) (*policy.Policy, error) {
	r.mu.RLock()
	p := r.known[d]
	if p == nil {
		p = r.met[d]
	}
	of, isMeet := r.meets[d]
	pending := r.pending
	r.mu.RUnlock()
	switch {
	case p != nil:
		return p, nil
	case isMeet:
		m, err := policy.Meet(of[0], of[1])
		if err != nil {
			return nil, nil
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.met) >= maxMet {
			clear(r.met)
		}
		r.met[d] = m
		return m, nil
	case pending:
		return nil, errPending
	default:
		return nil, nil
	}
}

// look reads what has changed and says whether anything has. Its error is what
// is wrong now, once for as long as it stays the same; what was good before
// stays known. If no file is left at all, the folder is away rather than empty,
// and everything stays.
func (r *revisions) look() (changed bool, err error) {
	seen := map[string]file{}
	var faults []error
	for _, pattern := range r.patterns {
		names, err := match(pattern)
		if err != nil {
			faults = append(faults, err)
		}
		for _, name := range names {
			now, fault := r.read(name)
			if now.policy != r.files[name].policy {
				changed = true
			}
			if fault != nil {
				faults = append(faults, fault)
			}
			seen[name] = now
		}
	}
	if len(seen) == 0 && len(r.files) > 0 {
		return false, r.tell(faults)
	}
	for name := range r.files {
		if _, still := seen[name]; !still {
			changed = true
		}
	}
	r.files = seen
	if changed {
		r.publish()
	}
	return changed, r.tell(faults)
}

func (r *revisions) read(name string) (file, error) {
	before := r.files[name]
	info, err := os.Stat(name)
	if err != nil {
		before.fault = err
		return before, err
	}
	if info.ModTime().Equal(before.modTime) && info.Size() == before.size {
		return before, before.fault
	}
	now := file{modTime: info.ModTime(), size: info.Size(), policy: before.policy}
	p, err := read(name)
	if err == nil {
		now.policy = p
	}
	now.fault = err
	return now, err
}

// tell joins faults, and answers nil if they have been told before.
func (r *revisions) tell(faults []error) error {
	err := errors.Join(faults...)
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == r.broken {
		return nil
	}
	r.broken = text
	return err
}

// publish makes the files known at once and their meets when they are worked out.
func (r *revisions) publish() {
	known := map[policy.Digest]*policy.Policy{}
	for _, f := range r.files {
		if f.policy != nil {
			known[f.policy.Digest] = f.policy
		}
	}
	r.mu.Lock()
	r.known, r.pending = known, true
	r.mu.Unlock()
	meets := r.meetsOf(known)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.meets, r.pending = meets, false
	for d := range r.met {
		if _, still := meets[d]; !still {
			delete(r.met, d)
		}
	}
}

func match(pattern string) ([]string, error) {
	names, err := filepath.Glob(pattern)
	switch {
	case err != nil:
		return nil, patternFault(pattern, "is no pattern: write a file's name, with * for any part")
	case len(names) == 0:
		return nil, patternFault(pattern, "")
	}
	slices.Sort(names)
	return names, nil
}
