package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// What a person decided of a policy is a file of JSON named for its digest:
// .json accepts it, .refused refuses it, .revoked takes the acceptance back.

// errForeign is returned for a decision that Weir has not written so.
var errForeign = errors.New("is not the JSON that Weir wrote")

// textFile is where the text of a digest lies that was decided on.
func textFile(data string, d policy.Digest) string {
	return filepath.Join(data, folder, d.String()+".yaml")
}

// writeDecision writes the policy's text before the decision: whoever finds the
// second can read the first. Both are durable after syncDecisions.
func writeDecision(fsys vfs.FS, data, name string, p *policy.Policy, decision any) error {
	text, err := json.MarshalIndent(decision, "", "  ")
	if err != nil {
		return err
	}
	if err := vfs.WriteFileAtomic(fsys, textFile(data, p.Digest), p.Source, 0o644); err != nil {
		return err
	}
	return vfs.WriteFileAtomic(fsys, name, append(text, '\n'), 0o644)
}

// syncDecisions makes durable what was written, and the folder itself.
func syncDecisions(fsys vfs.FS, data string) error {
	for _, dir := range []string{filepath.Join(data, folder), data, filepath.Dir(filepath.Clean(data))} {
		if err := fsys.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// readDecision returns errForeign for a file that is there and can be read, and
// is none.
func readDecision(fsys vfs.FS, name string, decision any) error {
	text, err := vfs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if dec.Decode(decision) != nil || dec.More() {
		return errForeign
	}
	return nil
}
