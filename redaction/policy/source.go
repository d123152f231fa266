package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits of a file. They are far beyond what a reviewer would read, and keep
// what a hostile file costs within some tens of megabytes.
const (
	MaxFileSize = 1 << 20
	maxTokens   = 200_000
)

// tree reads the file into YAML nodes without resolving anything. It refuses
// what would let the machine read something else than the reviewer: characters
// that do not show, text in two places (anchors, merges), types by tag, a
// second document.
func (c *collector) tree(data []byte) *yaml.Node {
	if !c.readable(data) {
		return nil
	}
	doc, rest, err := decode(data)
	if err != nil {
		line, what := syntaxFault(err)
		c.add(line, 1, "see docs/format/policy.md for the shape of the file", "not YAML at or below this line: %s", what)
		return nil
	}
	if doc == nil || len(doc.Content) == 0 {
		c.add(1, 1, "start with: version: 1", "the file is empty")
		return nil
	}
	if rest != nil {
		c.add(rest.Line, rest.Column, "one file, one policy: remove what follows the ---", "the file has a second document")
	}
	if !c.plain(doc) || rest != nil {
		return nil
	}
	return doc.Content[0]
}

// readable checks the bytes before any parser sees them.
func (c *collector) readable(data []byte) bool {
	if len(data) > MaxFileSize {
		c.add(1, 1, "a policy is read by people; name fewer signals", "the file has %d bytes, more than %d", len(data), MaxFileSize)
		return false
	}
	line, column, tokens := 1, 1, 0
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			c.add(line, column, "save the file as UTF-8", "byte %#02x is not UTF-8", data[i])
			return false
		case r == '\r' && i+1 < len(data) && data[i+1] == '\n':
		case r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)):
			c.add(line, column, "remove it: a reviewer must see everything that Weir reads", "character %U does not show", r)
			return false
		case strings.ContainsRune("\n,:-?[]{}", r):
			tokens++
		}
		i += size
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	if tokens > maxTokens {
		c.add(1, 1, "a policy is read by people; name fewer signals", "the file has more than %d YAML tokens", maxTokens)
		return false
	}
	return true
}

// decode parses the first document, and the second if there is one. A parser
// that panics on some input is that input's fault here, not the caller's.
func decode(data []byte) (first, second *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			first, second, err = nil, nil, errors.New("the YAML reader gave up")
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	first = new(yaml.Node)
	if err := dec.Decode(first); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	second = new(yaml.Node)
	if err := dec.Decode(second); err != nil {
		if errors.Is(err, io.EOF) {
			return first, nil, nil
		}
		return nil, nil, err
	}
	return first, second, nil
}

var syntaxLine = regexp.MustCompile(`^line (\d+): `)

func syntaxFault(err error) (line int, what string) {
	what = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(what); m != nil {
		line, _ = strconv.Atoi(m[1])
		what = what[len(m[0]):]
	}
	return line, what
}

// plain walks the whole tree once. Aliases are not followed, so an alias bomb
// is as large as its text.
func (c *collector) plain(n *yaml.Node) bool {
	ok := true
	refuse := func(hint, what string) {
		c.add(n.Line, n.Column, hint, "%s", what)
		ok = false
	}
	switch {
	case n.Kind == yaml.AliasNode:
		refuse("write the value out: each entry is reviewed by itself", "a YAML alias")
	case n.Anchor != "":
		refuse("write the value out where it is used: each entry is reviewed by itself", "a YAML anchor")
	case n.Style&yaml.TaggedStyle != 0:
		refuse("leave the tag out", fmt.Sprintf("a YAML tag, %s", quoted(n.Tag)))
	}
	for _, child := range n.Content {
		if !c.plain(child) {
			ok = false
		}
	}
	return ok
}
