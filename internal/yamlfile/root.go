package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// MaxSize bounds a file.
const MaxSize = 1 << 20

var lineOf = regexp.MustCompile(`line (\d+)`)

// Root reads the one document of a file. what is the file in words, such as
// "catalogue". It is nil if there is a fault.
func (r *Reader) Root(data []byte, what string) *yaml.Node {
	top := &yaml.Node{Line: 1, Column: 1}
	if len(data) > MaxSize {
		r.Fault(top, "split it", "the file is larger than %d bytes", MaxSize)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
				_, _ = fmt.Sscan(m[1], &top.Line)
			}
		}
		r.Fault(top, "begin with version: 1; quotes and indentation are the usual culprits", "this is no YAML")
		return nil
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		r.Fault(top, "one "+what+" a file", "there is a second document")
		return nil
	}
	return doc.Content[0]
}
