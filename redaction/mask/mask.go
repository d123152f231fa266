// Package mask replaces what people should not read in log lines by typed
// constants such as <mail>, <card> or <jwt>.
//
// It promises: whatever a family's shape describes (docs/masking.md) is gone
// from the output; bytes outside of what was found are unchanged; masking the
// output again changes nothing; valid UTF-8 stays valid; a line's result does
// not depend on other lines; the time is linear in the length of a line,
// whatever is in it. Package referee says the same shapes in plain regular
// expressions and is compared with this one.
//
// It does not decide what may leave: only a policy does, by construction
// (docs/decisions/0001). A secret without a shape, a name before it or a known
// key is not found, here as anywhere.
package mask

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// Options of a Masker.
type Options struct {
	Families []Family // what to look for; none: all
	// Keys are names beside the built-in ones whose values are masked, in JSON
	// as in key=value pairs. They are compared whole and without regard to case.
	// One with a dot in it is a gjson path from the root of a JSON line,
	// such as user.address or cards.#.number.
	Keys []string
}

// Masker is immutable and safe for concurrent use.
type Masker struct {
	table                     [3][256]uint64 // see trigger.go
	wantsDigits, wantsNumbers bool
	literals                  [literalBuckets][]literal
	keys                      []literal
	on                        [Families]bool
	paths                     []string
	scratch                   sync.Pool // *work
}

// turns is how often a line is looked at before its rest is given up.
const turns = 4

// work is what a line with something in it needs, and most lines do not.
type work struct {
	found found
	line  []byte
}

// Counts holds how often each family was masked.
type Counts [Families]int

// New compiles a Masker. Its error names all faults of the options.
func New(o Options) (*Masker, error) {
	m := &Masker{scratch: sync.Pool{New: func() any { return new(work) }}}
	for _, f := range o.Families {
		if f >= Families {
			return nil, fmt.Errorf("no family has the number %d", f)
		}
		m.on[f] = true
	}
	if len(o.Families) == 0 {
		for f := range m.on {
			m.on[f] = true
		}
	}
	var names []string
	var faults []error
	for _, k := range o.Keys {
		if err := checkKey(k); err != nil {
			faults = append(faults, err)
		} else if isPath(k) {
			m.paths = append(m.paths, k)
		} else {
			names = append(names, k)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	m.compile(names)
	return m, nil
}

// Append appends line to dst, masked. It allocates only to make room in dst.
func (m *Masker) Append(dst, line []byte) []byte { return m.AppendCounted(dst, line, nil) }

// AppendCounted is Append that adds to c, unless c is nil.
func (m *Masker) AppendCounted(dst, line []byte, c *Counts) []byte {
	var f found
	if m.find(line, &f); f.nothing() {
		return append(dst, line...)
	}
	return m.replace(dst, line, &f, c)
}

// Clean says that Append would change nothing, which is so for most lines.
func (m *Masker) Clean(line []byte) bool {
	var f found
	m.find(line, &f)
	return f.nothing()
}

// String masks s and says whether it changed. It allocates only if it did.
func (m *Masker) String(s string, c *Counts) (string, bool) {
	if len(s) == 0 {
		return s, false
	}
	line := unsafe.Slice(unsafe.StringData(s), len(s)) // only read
	var f found
	if m.find(line, &f); f.nothing() {
		return s, false
	}
	return string(m.replace(nil, line, &f, c)), true
}

// replace appends line with what was found replaced. Beside a constant
// something may have the boundary that it lacked before, such as the digits
// before a mail's name, so it looks again until nothing is found: that, and not
// an argument about neighbours, is why masking twice changes nothing.
func (m *Masker) replace(dst, line []byte, f *found, c *Counts) []byte {
	w := m.scratch.Get().(*work)
	defer m.scratch.Put(w)
	start := len(dst)
	if f.full { // more than the stack had room for
		m.again(line, w)
		dst = emit(dst, line, w.found.more, c)
	} else {
		dst = emit(dst, line, f.room[:f.n], c)
	}
	// In practice the second turn finds nothing. A line made so that each turn
	// uncovers one thing more would cost its length squared; from the fifth turn
	// on, all from the first find to the line's end goes.
	turn := 2
	for m.again(dst[start:], w); !w.found.nothing(); m.again(dst[start:], w) {
		if w.line = append(w.line[:0], dst[start:]...); turn > turns {
			w.found.more = append(w.found.more[:0], span{w.found.more[0].start, len(w.line), Secret})
		}
		dst = emit(dst[:start], w.line, w.found.more, c)
		turn++
	}
	return dst
}

// again finds into w.
func (m *Masker) again(line []byte, w *work) {
	w.found = found{grow: true, more: w.found.more[:0]}
	m.find(line, &w.found)
}

// emit appends line with the spans, which are in order and apart, replaced.
func emit(dst, line []byte, spans []span, c *Counts) []byte {
	at := 0
	for _, s := range spans {
		dst = append(dst, line[at:s.start]...)
		quote := missingQuote(line, s)
		dst = append(dst, quote...)
		dst = append(dst, families[s.family].constant...)
		dst = append(dst, quote...)
		if c != nil {
			c[s.family]++
		}
		at = s.end
	}
	return append(dst, line[at:]...)
}

// find collects what a line has to be masked.
func (m *Masker) find(line []byte, f *found) {
	m.scan(line, f)
	if len(m.paths) > 0 && len(line) > 1 && (line[0] == '{' || line[0] == '[') {
		m.findPaths(line, f)
	}
}

// missingQuote is the quote that a constant needs where a JSON number, array or
// object stood as a member's value, so that the line stays JSON.
func missingQuote(line []byte, s span) string {
	i := skipBack(line, s.start-1)
	if i < 1 || line[i] != ':' {
		return ""
	}
	if i = skipBack(line, i-1); i < 1 || line[i] != '"' {
		return ""
	}
	if s.end < len(line) {
		switch line[s.end] {
		case ',', '}', ']', ' ', '\n', '\r':
		default:
			return ""
		}
	}
	if line[i-1] == '\\' {
		return `\"`
	}
	return `"`
}

// skipBack goes back over a few blanks.
func skipBack(line []byte, i int) int {
	for end := i - 8; i > 0 && i > end && is(line[i], blank); i-- {
	}
	return i
}
