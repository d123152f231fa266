package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/weir-telemetry/weir/internal/vfs"
	"github.com/weir-telemetry/weir/redaction/consent"
	"github.com/weir-telemetry/weir/redaction/policy"
)

const revokeUsage = "[--json] FILE|DIGEST --by NAME --reason TEXT"

// revokeAnswer is the JSON of revoke. Its keys are stable.
type revokeAnswer struct {
	// Revoked are the acceptances that were taken back: the one that was named,
	// and the person's that it followed from if it was Weir's own.
	Revoked []consent.Revocation `json:"revoked"`
	Reason  string               `json:"reason,omitempty"` // why there was none
}

// runPolicyRevoke needs the file's bytes and not that they are a policy: what
// was accepted can be taken back also if this Weir cannot read it.
func runPolicyRevoke(e env, args []string) int {
	var by, reason string
	a, err := parsePolicyArgs("policy revoke", revokeUsage, args, func(fs *flag.FlagSet) {
		fs.StringVar(&by, "by", "", "")
		fs.StringVar(&reason, "reason", "", "")
	})
	if err != nil {
		return e.fail(err)
	}
	if by == "" || reason == "" {
		return e.fail(fmt.Errorf("%w: it is recorded who takes it back and why: weir policy revoke %s", errUsage, revokeUsage))
	}
	digest, err := policy.ParseDigest(a.file)
	if err != nil {
		source, err := os.ReadFile(a.file)
		if errors.Is(err, fs.ErrNotExist) {
			return e.fail(fmt.Errorf("%w: name a file, or the digest that 'weir policy status' shows", err))
		}
		if err != nil {
			return e.fail(err)
		}
		digest = policy.DigestOf(source)
	}
	list, err := consent.Revoke(vfs.OS, e.dataDir(), digest, by, reason, time.Now())
	if errors.Is(err, consent.ErrNotAccepted) {
		if a.json {
			return e.json(revokeAnswer{Revoked: []consent.Revocation{}, Reason: err.Error()}, exitNo)
		}
		fmt.Fprintf(e.out, "%s: %v.\n%s", a.file, err, e.stillInForce(a.file))
		return exitNo
	}
	if err != nil {
		return e.fail(err)
	}
	if a.json {
		return e.json(revokeAnswer{Revoked: list}, exitYes)
	}
	fmt.Fprintf(e.out, "Taken back: from the next report on, nothing leaves under\n\n  digest    %s\n", digest)
	for _, r := range list[1:] {
		fmt.Fprintf(e.out, "  and       %s, which it followed from\n", r.Digest)
	}
	r := list[0]
	fmt.Fprintf(e.out, "  by        %s, %s\n  reason    %s\n  recorded  %s\n\nLet it out again: weir policy accept FILE --by NAME --reason TEXT\n",
		r.By, r.At.Format(time.RFC3339), r.Reason, consent.RevocationFile(e.dataDir(), r.Digest))
	return exitYes
}

// stillInForce says what leaves although the file was never accepted.
func (e env) stillInForce(file string) string {
	d := consent.Rules{}.Look(vfs.OS, e.dataDir(), file, time.Now())
	if d.State != consent.Active || d.Right != consent.RightMeet {
		return ""
	}
	return fmt.Sprintf("What leaves now is what it shares with revision %d, which is accepted. To take that back: weir policy revoke %s --by NAME --reason TEXT\n",
		d.Base.Revision, d.Base.Digest)
}
