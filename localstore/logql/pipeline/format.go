package pipeline

import (
	"bytes"
	"errors"
	"strings"
	"text/template"
	"time"

	"github.com/grafana/regexp"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/weir-telemetry/weir/localstore/logql/syntax"
)

const errTemplate = "TemplateFormatErr"

// renderer runs templates for the entry at hand.
type renderer struct {
	line []byte
	time int64
	out  limitedBuffer
	data map[string]string
}

const maxRendered = 1 << 20

var errRendered = errors.New("formatted text is too long")

// limitedBuffer keeps a template from filling the memory.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, errRendered
	}
	return b.Buffer.Write(p)
}

func (r *renderer) parse(name, text string, now func() time.Time) (*template.Template, error) {
	return syntax.ParseTemplate(name, text, syntax.TemplateContext{
		Line:      func() string { return string(r.line) },
		Timestamp: func() time.Time { return time.Unix(0, r.time).UTC() },
		Now:       now,
	})
}

// render returns text that is the caller's to keep.
func (r *renderer) render(t *template.Template, line []byte, s *Set) (string, error) {
	r.line = line
	r.out.Reset()
	if r.data == nil {
		r.data = map[string]string{}
	}
	clear(r.data)
	for _, l := range s.Sorted() {
		r.data[l.Name] = l.Value
	}
	err := t.Execute(&r.out, r.data)
	return r.out.String(), err
}

type lineFormat struct {
	r *renderer
	t *template.Template
}

func (f *lineFormat) process(line []byte, s *Set) ([]byte, bool) {
	text, err := f.r.render(f.t, line, s)
	if err != nil {
		s.setError(errTemplate, err.Error())
		return line, true
	}
	return []byte(text), true
}

type labelFormat struct {
	r     *renderer
	items []labelFormatItem
}

type labelFormatItem struct {
	dst, src string
	t        *template.Template // nil: rename
}

func (f *labelFormat) process(line []byte, s *Set) ([]byte, bool) {
	for _, it := range f.items {
		if it.t == nil {
			if v, ok := s.Get(it.src); ok && it.src != ErrorLabel {
				s.put(it.dst, v)
				if it.src != it.dst {
					s.del(it.src)
				}
			}
			continue
		}
		text, err := f.r.render(it.t, line, s)
		if err != nil {
			s.setError(errTemplate, err.Error())
			continue
		}
		s.put(it.dst, text)
	}
	return line, true
}

// decolorize removes the sequences that colour text on terminals.
type decolorize struct{}

func (decolorize) process(line []byte, _ *Set) ([]byte, bool) {
	if bytes.IndexByte(line, 0x1b) < 0 && !bytes.Contains(line, []byte("\u009b")) {
		return line, true
	}
	return ansi.ReplaceAllLiteral(line, nil), true
}

// ansi is the expression that programs about terminals have in common: a
// control sequence introducer with its parameters, or an operating system
// command up to its bell.
var ansi = regexp.MustCompile("[\u001b\u009b][[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\u0007)|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))")

// dropLabels and keepLabels take labels away.
type dropLabels struct{ items []syntax.LabelSelectItem }

func (f dropLabels) process(line []byte, s *Set) ([]byte, bool) {
	for _, it := range f.items {
		v, ok := s.Get(it.Name)
		if it.Name == ErrorDetailsLabel {
			v, ok = s.details, s.details != ""
		}
		if !ok || it.Matcher != nil && !it.Matcher.Matches(v) {
			continue
		}
		switch it.Name {
		case ErrorLabel:
			s.err, s.keepError = "", false
		case ErrorDetailsLabel:
			s.details = ""
		}
		s.del(it.Name)
	}
	return line, true
}

// keepLabels leaves the error labels alone: only drop removes those.
type keepLabels struct{ items []syntax.LabelSelectItem }

func (f keepLabels) process(line []byte, s *Set) ([]byte, bool) {
	kept := s.cur[:0]
	for _, l := range s.cur {
		if f.wants(l) || strings.HasPrefix(l.Name, ErrorLabel) || l.Name == ErrorDetailsLabel {
			kept = append(kept, l)
		}
	}
	s.cur, s.cut = kept, true
	return line, true
}

func (f keepLabels) wants(l Label) bool {
	for _, it := range f.items {
		if it.Name == l.Name && (it.Matcher == nil || matches(it.Matcher, l.Value)) {
			return true
		}
	}
	return false
}

func matches(m *labels.Matcher, v string) bool { return m.Matches(v) }
