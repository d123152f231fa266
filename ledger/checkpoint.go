package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is a statement about the whole ledger: so many records, this root.
// Its text is a signed note in the form that transparency logs share
// (C2SP tlog-checkpoint):
//
//	weir ledger 6f9619ff-8b86-4d01-b42d-00c04fc964ff
//	1234
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— weir-ledger-6f9619ff-8b86-4d01-b42d-00c04fc964ff Az3grlgt…
//
// Rules for change: further lines behind the root and further signatures are
// allowed by the form, are kept, and are ignored by readers that do not know them.
type Checkpoint struct {
	Install string
	Size    int64
	Root    tlog.Hash
}

const (
	originPrefix  = "weir ledger "
	keyNamePrefix = "weir-ledger-"
	maxCheckpoint = 64 << 10
)

func (c Checkpoint) text() string {
	return originPrefix + c.Install + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

func (c Checkpoint) sign(s note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.text()}, s)
}

// OpenCheckpoint checks the signature of a signed checkpoint and reads it.
func OpenCheckpoint(msg []byte, v note.Verifier) (Checkpoint, error) {
	var c Checkpoint
	if len(msg) > maxCheckpoint {
		return c, errors.New("checkpoint is too long")
	}
	n, err := openNote(msg, v)
	if err != nil {
		return c, err
	}
	if c, err = parseCheckpoint(n.Text); err != nil {
		return c, err
	}
	if v.Name() != keyNamePrefix+c.Install {
		return c, errors.New("checkpoint's key is another install's")
	}
	return c, nil
}

// openNote is note.Open for one signature that must be there.
func openNote(msg []byte, v note.Verifier) (*note.Note, error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		// The library's text quotes the file.
		return nil, errors.New("checkpoint is not signed by this ledger's key")
	}
	for _, s := range append(n.Sigs, n.UnverifiedSigs...) {
		// Base64 with stray bits behind its end decodes to the same bytes;
		// one statement has one spelling.
		raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64)
		if err != nil || len(raw) == 0 {
			return nil, errors.New("checkpoint's signature is not in canonical form")
		}
	}
	return n, nil
}

// parseCheckpoint reads a checkpoint's text, which somebody else has verified.
func parseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	lines := strings.Split(text, "\n") // ends in a line feed: the last is empty
	if len(lines) < 4 {
		return c, errors.New("checkpoint has too few lines")
	}
	var ok bool
	if c.Install, ok = strings.CutPrefix(lines[0], originPrefix); !ok {
		return c, errors.New("checkpoint is not one of a Weir ledger")
	}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, errors.New("checkpoint's size is not a number")
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, errors.New("checkpoint's root is not a hash")
	}
	return c, nil
}

// parseText is parseCheckpoint of a signed checkpoint whose signatures are not
// looked at.
func parseText(msg []byte) (Checkpoint, bool) {
	i := bytes.Index(msg, []byte("\n\n"))
	if len(msg) > maxCheckpoint || i < 0 {
		return Checkpoint{}, false
	}
	c, err := parseCheckpoint(string(msg[:i+1]))
	return c, err == nil
}

func (c Checkpoint) String() string { return fmt.Sprintf("%d records, root %s", c.Size, c.Root) }
