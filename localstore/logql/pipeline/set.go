package pipeline

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Category says where a label comes from; it decides who wins a conflict and
// how an answer is grouped.
type Category uint8

const (
	Stream   Category = iota // the stream's identity
	Metadata                 // structured metadata, kept beside the line
	Parsed                   // made by a stage
)

const (
	// ErrorLabel marks entries that a stage could not handle.
	ErrorLabel = "__error__"
	// ErrorDetailsLabel says what was wrong.
	ErrorDetailsLabel = "__error_details__"
	// duplicateSuffix is put behind a label that would hide one of the stream.
	duplicateSuffix = "_extracted"
)

// Label is one label of an entry.
type Label struct {
	Name, Value string
	Category    Category
}

// Set holds the labels of the entry that is being processed.
type Set struct {
	stream labels.Labels // what base was made from
	base   []Label
	cur    []Label
	sorted bool
	cut    bool // labels were taken away, perhaps the stream's
	// arena holds values that had to be unescaped; see unescaped.
	arena []byte

	err, details string
	// keepError is set when a filter asked to keep entries with an error, so
	// that a metric query may count them.
	keepError bool

	suffixed map[string]string // name → name with duplicateSuffix
}

// reset prepares the set for an entry. Entries of one stream follow each other
// in scans, so the stream's labels are unpacked once.
func (s *Set) reset(stream, metadata labels.Labels) {
	if !labels.Equal(stream, s.stream) || s.base == nil {
		s.stream = stream.Copy()
		s.base = s.base[:0]
		s.stream.Range(func(l labels.Label) {
			s.base = append(s.base, Label{Name: l.Name, Value: l.Value})
		})
	}
	s.cur = append(s.cur[:0], s.base...)
	s.sorted = metadata.IsEmpty()
	s.arena = s.arena[:0]
	s.err, s.details, s.keepError, s.cut = "", "", false, false
	if metadata.IsEmpty() {
		return
	}
	metadata.Range(func(l labels.Label) {
		s.cur = append(s.cur, Label{Name: s.free(l.Name), Value: l.Value, Category: Metadata})
	})
}

// free is the name under which a label that is not of the stream can be put.
func (s *Set) free(name string) string {
	if s.ofStream(name) {
		return s.suffix(name)
	}
	return name
}

// suffix keeps the suffixed names: a stage asks for the same few every line.
func (s *Set) suffix(name string) string {
	if out, ok := s.suffixed[name]; ok {
		return out
	}
	if s.suffixed == nil || len(s.suffixed) > 1000 {
		s.suffixed = map[string]string{}
	}
	name = strings.Clone(name)
	out := name + duplicateSuffix
	s.suffixed[name] = out
	return out
}

// Get finds a label; the error labels are among them.
func (s *Set) Get(name string) (string, bool) {
	for i := range s.cur {
		if s.cur[i].Name == name {
			return s.cur[i].Value, true
		}
	}
	// The details are for answers and templates; no filter sees them.
	if name == ErrorLabel {
		return s.err, s.err != ""
	}
	return "", false
}

// parsedName is the name under which a parser's find is kept: what the stream
// or the entry's metadata call so is not hidden.
func (s *Set) parsedName(name string) string {
	if s.isMetadata(name) {
		return s.suffix(name)
	}
	return s.free(name)
}

func (s *Set) isMetadata(name string) bool {
	for i := range s.cur {
		if s.cur[i].Category == Metadata && s.cur[i].Name == name {
			return true
		}
	}
	return false
}

// parsedAlready says whether a parser has set the label: the first value stays.
func (s *Set) parsedAlready(name string) bool {
	for i := range s.cur {
		if s.cur[i].Name == name {
			return s.cur[i].Category == Parsed
		}
	}
	return false
}

// put sets a label whatever it was before.
func (s *Set) put(name, value string) {
	for i := range s.cur {
		if s.cur[i].Name == name {
			s.cur[i].Value, s.cur[i].Category = value, Parsed
			return
		}
	}
	s.cur = append(s.cur, Label{Name: name, Value: value, Category: Parsed})
	s.sorted = false
}

// extract sets what a parser found under a name that hides nothing; the first of
// several values stays. It returns the name, or none if no label came to be: a
// field without a name makes none.
func (s *Set) extract(name, value string) (as string) {
	if name == "" {
		return ""
	}
	taken := false
	for i := range s.cur {
		if s.cur[i].Name == name {
			if s.cur[i].Category == Parsed {
				return ""
			}
			taken = true
			break
		}
	}
	if taken || s.cut && s.ofStream(name) {
		name = s.suffix(name)
		if s.parsedAlready(name) {
			return ""
		}
		s.put(name, value)
		return name
	}
	s.cur = append(s.cur, Label{Name: name, Value: value, Category: Parsed})
	s.sorted = false
	return name
}

func (s *Set) ofStream(name string) bool {
	for i := range s.base {
		if s.base[i].Name == name {
			return true
		}
	}
	return false
}

func (s *Set) del(name string) {
	for i := range s.cur {
		if s.cur[i].Name == name {
			s.cur = append(s.cur[:i], s.cur[i+1:]...)
			s.cut = true
			return
		}
	}
}

func (s *Set) setError(name, details string) {
	s.err, s.details = name, details
}

// Err is the name of the error that the entry carries, if any.
func (s *Set) Err() string { return s.err }

// Faulty says whether the entry carries an error or the details of one.
func (s *Set) Faulty() bool { return s.err != "" || s.details != "" }

// ErrKept says whether a filter asked to keep entries with an error.
func (s *Set) ErrKept() bool { return s.keepError }

// Sorted gives all labels in the order of their names, the error labels among
// them. The slice is valid until the next entry.
func (s *Set) Sorted() []Label {
	if s.err != "" {
		s.put(ErrorLabel, s.err)
	}
	if s.details != "" {
		s.put(ErrorDetailsLabel, s.details)
	}
	if !s.sorted {
		slices.SortFunc(s.cur, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
		s.sorted = true
	}
	return s.cur
}

// Labels copies labels into one that lasts.
func Labels(from []Label) labels.Labels {
	b := labels.NewScratchBuilder(len(from))
	for _, l := range from {
		b.Add(strings.Clone(l.Name), strings.Clone(l.Value))
	}
	b.Sort()
	return b.Labels()
}
