package policyextension

import (
	"io/fs"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
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

// watcher resolves the policy again when one of the files that it depends on
// looks different. It is used by one goroutine at a time.
type watcher struct {
	fsys       vfs.FS
	data, file string
	rules      consent.Rules

	decision          consent.Decision
	looked            bool
	policy, signature glance
	accepted          [4]glance // the folder, and the acceptances that the decision rests on
	unsettled         bool
}

// settleTime is how long a file must lie still before its looks are trusted:
// two writes within one tick of the file system's clock look the same.
const settleTime = 2 * time.Second

func (g glance) unsettled(now time.Time) bool { return g.err == "" && now.Sub(g.modTime) < settleTime }

// look returns the decision as it stands now.
func (w *watcher) look(now time.Time) consent.Decision {
	if w.file != "" {
		// Glances come before reading: what changes in between is seen next time.
		file, signature := glanceAt(w.fsys, w.file), glanceAt(w.fsys, policy.SignatureFile(w.file))
		if w.looked && !w.unsettled && file == w.policy && signature == w.signature && w.acceptance() == w.accepted {
			return w.decision.At(w.file, now)
		}
		w.policy, w.signature = file, signature
		w.accepted = w.acceptance()
	}
	before := w.decision
	w.decision, w.looked = w.rules.Resolve(w.fsys, w.data, w.file, now), true
	if w.decision.Acceptance != before.Acceptance || digestOf(w.decision.Policy) != digestOf(before.Policy) || digestOf(w.decision.Pending) != digestOf(before.Pending) {
		w.accepted[0] = glance{err: "of another decision"} // look once more
	}
	w.unsettled = w.policy.unsettled(now) || w.signature.unsettled(now)
	return w.decision.At(w.file, now)
}

// acceptance looks at what the decision rests on: any acceptance that comes or
// goes may be the last one, and those that count must stay as they are.
func (w *watcher) acceptance() [4]glance {
	list := [4]glance{glanceAt(w.fsys, consent.Folder(w.data))}
	for i, d := range []policy.Digest{digestOf(w.decision.Policy), digestOf(w.decision.Pending), w.decision.Acceptance.Base} {
		if !d.IsZero() {
			list[i+1] = glanceAt(w.fsys, consent.AcceptanceFile(w.data, d))
		}
	}
	return list
}

func digestOf(p *policy.Policy) policy.Digest {
	if p == nil {
		return policy.Digest{}
	}
	return p.Digest
}
