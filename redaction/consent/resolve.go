package consent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// MaxPolicySize bounds a policy file. A hand-written one of a thousand signals
// is a third of it.
const MaxPolicySize = 1 << 20

// Resolve answers for the policy file and the acceptances under data. An empty
// file name is [NoPolicy].
//
// It writes where the ratchet moves: an acceptance of Weir's own. If that cannot
// be written down, nothing leaves. Apart from that it only reads, and asked again
// it gives the same answer.
func Resolve(fsys vfs.FS, data, file string, now time.Time) Decision {
	if file == "" {
		return Decision{State: NoPolicy, Err: errors.New("no policy is configured: name one with WEIR_POLICY or the policy extension's 'file'")}
	}
	source, err := readPolicy(fsys, file)
	if err != nil {
		return Decision{State: Unreadable, Err: err}
	}
	p, err := policy.Parse(file, source)
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
		return Decision{State: Invalid, Err: fmt.Errorf("policy %s is invalid: %s: run 'weir policy lint %s' for every fault", file, first, file)}
	}
	d := Decision{Policy: p}
	if p.Expired(now) {
		d.State, d.Err = Expired, expiredError(file, p)
		return d
	}
	d.Acceptance, err = readAcceptance(fsys, data, p.Digest)
	if err == nil {
		err = stands(fsys, data, d.Acceptance)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ratchet(fsys, data, file, p, now)
	case err != nil:
		d.State, d.Err = Unaccepted, fmt.Errorf("policy %s: %w: remove that file and run 'weir policy accept %s --by NAME --reason TEXT'", file, err, file)
	default:
		d.State, d.Right = Active, RightAccepted
		if d.Acceptance.Own() {
			d.Right, d.Note = RightNarrowed, narrowedNote(file, p, d.Acceptance)
		}
	}
	return d
}

// At is the decision as it stands at another time, if no file changed since.
// It only ever takes away: what was not active does not become so.
func (d Decision) At(file string, now time.Time) Decision {
	if d.State == Active && d.Policy.Expired(now) {
		d.State, d.Err = Expired, expiredError(file, d.Policy)
	}
	return d
}

func expiredError(file string, p *policy.Policy) error {
	last := p.Expires.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
	return fmt.Errorf("policy %s expired, its last day was %s: ask %s for a new revision and accept it", file, last, p.Vendor)
}

func readPolicy(fsys vfs.FS, file string) ([]byte, error) {
	st, err := fsys.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("policy %s does not exist: put the file there, or set WEIR_POLICY to where it is", file)
	case err != nil:
		return nil, fmt.Errorf("policy %s cannot be read: %w: let Weir's user read it", file, pathless(err))
	case !st.Mode().IsRegular(): // a pipe would hang us
		return nil, fmt.Errorf("policy %s is not a regular file: set WEIR_POLICY to a file", file)
	}
	f, err := fsys.OpenFile(file, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("policy %s cannot be read: %w: let Weir's user read it", file, pathless(err))
	}
	defer f.Close()
	source, err := io.ReadAll(io.LimitReader(f, MaxPolicySize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("policy %s cannot be read: %w: check the disk", file, pathless(err))
	case len(source) > MaxPolicySize:
		return nil, fmt.Errorf("policy %s is larger than %d bytes: split the product or drop signals", file, MaxPolicySize)
	}
	return source, nil
}

// pathless drops the path that the message names already.
func pathless(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
