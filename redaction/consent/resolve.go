package consent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// MaxPolicySize bounds a policy file. A hand-written one of a thousand signals
// is a third of it.
const MaxPolicySize = 1 << 20

// Rules are what an install demands beside a person's acceptance. The zero
// Rules demand nothing.
type Rules struct {
	// Verifiers are the vendor's keys, of which Threshold must have signed the
	// configured file, at least one. None: a signature is not looked at.
	Verifiers []note.Verifier
	Threshold int
	// Accepters are the customer's keys, of which AcceptThreshold must have
	// signed a person's acceptance, at least one. None: it counts unsigned.
	Accepters       []note.Verifier
	AcceptThreshold int
}

// clerk answers one question: under which rules, from which folder, for which
// file, and when.
type clerk struct {
	Rules
	fsys       vfs.FS
	data, file string
	now        time.Time
	look       bool // write nothing down
}

// Resolve is [Rules.Resolve] under no rules.
func Resolve(fsys vfs.FS, data, file string, now time.Time) Decision {
	return Rules{}.Resolve(fsys, data, file, now)
}

// Resolve answers for the policy file and the acceptances under data. An empty
// file name is [NoPolicy].
//
// It writes where the ratchet moves: an acceptance of Weir's own. If that cannot
// be written down, nothing leaves. Apart from that it only reads, and asked again
// it gives the same answer.
func (r Rules) Resolve(fsys vfs.FS, data, file string, now time.Time) Decision {
	return (&clerk{Rules: r, fsys: fsys, data: data, file: file, now: now}).resolve()
}

// Look is [Rules.Resolve] for those who only want to know: it writes nothing, and
// says what would be written.
func (r Rules) Look(fsys vfs.FS, data, file string, now time.Time) Decision {
	return (&clerk{Rules: r, fsys: fsys, data: data, file: file, now: now, look: true}).resolve()
}

func (c *clerk) resolve() Decision {
	if c.file == "" {
		return Decision{State: NoPolicy, Err: errors.New("no policy is configured: name one with WEIR_POLICY or the policy extension's 'file'")}
	}
	source, err := readPolicy(c.fsys, c.file)
	if err != nil {
		return Decision{State: Unreadable, Err: err}
	}
	p, err := policy.Parse(c.file, source)
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(err.Error()), "\n")
		return Decision{State: Invalid, Err: fmt.Errorf("policy %s is invalid: %s: run 'weir policy lint %s' for every fault", c.file, first, c.file)}
	}
	d := Decision{Policy: p}
	if p.Expired(c.now) {
		d.State, d.Err = Expired, expiredError(c.file, p)
		return d
	}
	var until time.Time
	if len(c.Verifiers) > 0 {
		if until, err = c.signedUntil(c.fsys, c.file, p, c.now); err != nil {
			d.State, d.Err = Unsigned, unsignedError(c.file, p, err)
			return d
		}
	}
	d = c.accepts(p)
	d.SignedUntil = until
	return d
}

// signedUntil verifies the signature beside the file. The configured file alone
// is asked for one: what was in force before it was under the rules of its time.
func (r Rules) signedUntil(fsys vfs.FS, file string, p *policy.Policy, now time.Time) (time.Time, error) {
	data, err := readRegular(fsys, policy.SignatureFile(file), policy.MaxSignatureSize)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, policy.ErrNotSigned
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("its signature cannot be read: %w", pathless(err))
	}
	s, err := policy.VerifySignature(p, data, r.Verifiers, r.Threshold, now)
	if errors.Is(err, policy.ErrSignatureBroken) {
		return time.Time{}, policy.ErrSignatureBroken
	}
	return s.Until(), err
}

func unsignedError(file string, p *policy.Policy, err error) error {
	return fmt.Errorf("policy %s is not signed as demanded: %w: ask %s for %s", file, err, p.Vendor, policy.SignatureFile(file))
}

// accepts decides on a policy that is whole, in time and signed as demanded.
func (c *clerk) accepts(p *policy.Policy) Decision {
	d := Decision{Policy: p}
	var err error
	d.Acceptance, err = readAcceptance(c.fsys, c.data, p.Digest)
	if err == nil {
		d.AcceptedUntil, err = c.stands(c.fsys, c.data, d.Acceptance, c.now)
	}
	switch {
	case errors.Is(err, errWordUnsigned) && !d.Acceptance.Own():
		d.State, d.Err = Unsigned, c.wordError(d.Acceptance)
	case errors.Is(err, fs.ErrNotExist):
		return c.unaccepted(p)
	case err != nil:
		d.State, d.Err = Unaccepted, fmt.Errorf("policy %s: %w: remove that file and run %s", c.file, err, c.acceptHint(""))
	case !d.Acceptance.As.IsZero():
		return c.same(p, d.Acceptance)
	default:
		d.State, d.Right = Active, RightAccepted
		if d.Acceptance.Own() {
			d.Right, d.Note = RightNarrowed, narrowedNote(c.file, p, d.Acceptance)
		}
	}
	return d
}

// unaccepted decides on a policy that no acceptance holds for.
func (c *clerk) unaccepted(p *policy.Policy) Decision {
	r, err := readRevocation(c.fsys, c.data, p.Digest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.ratchet(p)
	case err != nil:
		err = fmt.Errorf("policy %s: %w", c.file, err)
	default:
		err = fmt.Errorf("policy %s was taken back by %s on %s: %s to let it out again", c.file, r.By, r.At.Format(time.DateOnly), c.acceptHint(""))
	}
	return Decision{State: Unaccepted, Policy: p, Revocation: r, Err: err}
}

// acceptHint is the command that accepts the file.
func (c *clerk) acceptHint(flags string) string {
	if len(c.Accepters) > 0 {
		flags += " --key KEYFILE"
	}
	return fmt.Sprintf("'weir policy accept %s%s --by NAME --reason TEXT'", c.file, flags)
}

// wordError says what an acceptance lacks.
func (c *clerk) wordError(a Acceptance) error {
	by, _, err := a.Verify(c.Accepters, c.AcceptThreshold, c.now)
	switch {
	case errors.Is(err, policy.ErrNotSigned) && len(by) > 0:
		return fmt.Errorf("policy %s is accepted, but by %d of the %d keys that are demanded: let another one run 'weir policy accept %s --key KEYFILE'",
			c.file, len(by), max(c.AcceptThreshold, 1), c.file)
	case errors.Is(err, policy.ErrNotSigned):
		return fmt.Errorf("policy %s is accepted, but not signed with the keys that are demanded: run %s", c.file, c.acceptHint(""))
	}
	return fmt.Errorf("policy %s is accepted, but not signed as demanded: %w: run %s", c.file, err, c.acceptHint(""))
}

// At is the decision as it stands at another time, if no file changed since.
// It only ever takes away: what was not active does not become so.
func (d Decision) At(file string, now time.Time) Decision {
	if d.State != Active {
		return d
	}
	switch {
	case d.Policy.Expired(now):
		d.State, d.Err = Expired, expiredError(file, d.Policy)
	case !d.SignedUntil.IsZero() && !now.Before(d.SignedUntil):
		d.State, d.Err = Unsigned, unsignedError(file, d.Policy, policy.ErrSignatureExpired)
	case !d.AcceptedUntil.IsZero() && !now.Before(d.AcceptedUntil):
		d.State, d.Err = Unsigned, fmt.Errorf("policy %s is accepted, but %w: run 'weir policy accept %s --key KEYFILE --by NAME --reason TEXT'", file, policy.ErrSignatureExpired, file)
	default:
		return d
	}
	d.Right, d.Note, d.Pending, d.Base, d.Same, d.SameAs = "", "", nil, nil, nil, Acceptance{}
	return d
}

func expiredError(file string, p *policy.Policy) error {
	last := p.Expires.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
	return fmt.Errorf("policy %s expired, its last day was %s: ask %s for a new revision and accept it", file, last, p.Vendor)
}

func readPolicy(fsys vfs.FS, file string) ([]byte, error) {
	source, err := readRegular(fsys, file, MaxPolicySize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("policy %s does not exist: put the file there, or set WEIR_POLICY to where it is", file)
	case errors.Is(err, errNotRegular):
		return nil, fmt.Errorf("policy %s is not a regular file: set WEIR_POLICY to a file", file)
	case errors.Is(err, errTooLarge):
		return nil, fmt.Errorf("policy %s is larger than %d bytes: split the product or drop signals", file, MaxPolicySize)
	case err != nil:
		return nil, fmt.Errorf("policy %s cannot be read: %w: let Weir's user read it", file, pathless(err))
	}
	return source, nil
}

var (
	errNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("too large")
)

// readRegular reads a file of at most limit bytes.
func readRegular(fsys vfs.FS, file string, limit int64) ([]byte, error) {
	st, err := fsys.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() { // a pipe would hang us
		return nil, errNotRegular
	}
	f, err := fsys.OpenFile(file, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errTooLarge
	}
	return data, nil
}

// pathless drops the path that the message names already.
func pathless(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
