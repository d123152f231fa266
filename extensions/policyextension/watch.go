package policyextension

import (
	"io/fs"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
)

// glance is what a file looks like from outside.
type glance struct {
	modTime time.Time
	size    int64
	mode    fs.FileMode
	err     string
}

func glanceAt(fsys vfs.FS, name string) glance {
	st, err := fsys.Stat(name)
	if err != nil {
		return glance{err: err.Error()}
	}
	return glance{modTime: st.ModTime(), size: st.Size(), mode: st.Mode()}
}

// watcher resolves the policy again when one of its two files looks different.
// It is used by one goroutine at a time.
type watcher struct {
	fsys       vfs.FS
	data, file string

	decision         consent.Decision
	looked           bool
	policy, accepted glance
	unsettled        bool
}

// settleTime is how long a file must lie still before its looks are trusted:
// two writes within one tick of the file system's clock look the same.
const settleTime = 2 * time.Second

// look returns the decision as it stands now.
func (w *watcher) look(now time.Time) consent.Decision {
	if w.file != "" {
		// Glances come before reading: what changes in between is seen next time.
		policy := glanceAt(w.fsys, w.file)
		if w.looked && !w.unsettled && policy == w.policy && w.acceptance() == w.accepted {
			return w.decision.At(w.file, now)
		}
		w.policy = policy
		w.accepted = w.acceptance()
	}
	before := w.decision
	w.decision, w.looked = consent.Resolve(w.fsys, w.data, w.file, now), true
	if w.decision.Policy != nil && (before.Policy == nil || before.Policy.Digest != w.decision.Policy.Digest) {
		w.accepted = glance{err: "of another digest"} // look once more
	}
	w.unsettled = w.policy.err == "" && now.Sub(w.policy.modTime) < settleTime
	return w.decision.At(w.file, now)
}

func (w *watcher) acceptance() glance {
	if w.decision.Policy == nil {
		return glance{}
	}
	return glanceAt(w.fsys, consent.AcceptanceFile(w.data, w.decision.Policy.Digest))
}
