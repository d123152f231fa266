package syntax

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Stage is one step of a pipeline.
type Stage interface {
	String() string
	stage()
}

// LineOp is the operator of a line filter.
type LineOp string

const (
	LineContains    LineOp = "|="
	LineNotContains LineOp = "!="
	LineMatches     LineOp = "|~"
	LineNotMatches  LineOp = "!~"
	LinePattern     LineOp = "|>"
	LineNotPattern  LineOp = "!>"
)

// Negative says whether the filter drops the lines that match.
func (op LineOp) Negative() bool { return op[0] == '!' }

// LineFilter keeps or drops lines. With several terms, joined by or, a line
// matches when one of them does. The parser makes of a negative filter with
// several terms a filter for each, which means the same.
type LineFilter struct {
	Op    LineOp
	Terms []LineTerm
}

// LineTerm is a text, an expression or, with IP, an address, range or prefix.
type LineTerm struct {
	Text string
	IP   bool
}

// JSON parses the line as a JSON object.
type JSON struct{ Exprs []Extraction }

// Logfmt parses the line as key=value pairs.
type Logfmt struct {
	Strict, KeepEmpty bool
	Exprs             []Extraction
}

// Extraction asks a parser for one field under the name of a label.
type Extraction struct{ Label, Path string }

// Regexp parses the line by the named groups of a regular expression.
type Regexp struct{ Expr string }

// Pattern parses the line by literals and <captures>.
type Pattern struct{ Expr string }

// Unpack parses what Promtail's pack stage wrote.
type Unpack struct{}

// LabelFilter keeps the entries whose labels meet a condition.
type LabelFilter struct{ Cond Cond }

// LineFormat rewrites the line by a template.
type LineFormat struct{ Template string }

// LabelFormat renames or rewrites labels.
type LabelFormat struct{ Items []LabelFormatItem }

// LabelFormatItem is dst=src, or dst="template" when Rename is false.
type LabelFormatItem struct {
	Dst, Src string
	Rename   bool
}

// Decolorize removes ANSI sequences from the line.
type Decolorize struct{}

// LabelSelect is drop or keep.
type LabelSelect struct {
	Keep  bool
	Items []LabelSelectItem
}

// LabelSelectItem names a label, or with Matcher one with certain values.
type LabelSelectItem struct {
	Name    string
	Matcher *labels.Matcher
}

// Unwrap makes the value of a label the value of the sample.
type Unwrap struct{ Label, Func string }

func (*LineFilter) stage()  {}
func (*JSON) stage()        {}
func (*Logfmt) stage()      {}
func (*Regexp) stage()      {}
func (*Pattern) stage()     {}
func (*Unpack) stage()      {}
func (*LabelFilter) stage() {}
func (*LineFormat) stage()  {}
func (*LabelFormat) stage() {}
func (*Decolorize) stage()  {}
func (*LabelSelect) stage() {}
func (*Unwrap) stage()      {}

// Cond is a condition on labels.
type Cond interface {
	String() string
	cond()
}

// CondPair joins two conditions.
type CondPair struct {
	Or          bool
	Left, Right Cond
}

// CondString compares a label as Prometheus' matchers do.
type CondString struct{ Matcher *labels.Matcher }

// CondNumber, CondDuration and CondBytes convert the label's value first.
type CondNumber struct {
	Label string
	Op    BinOp
	Value float64
}

type CondDuration struct {
	Label string
	Op    BinOp
	Value time.Duration
}

type CondBytes struct {
	Label string
	Op    BinOp
	Value uint64
}

// CondIP compares a label with an address, a range of them or a prefix.
type CondIP struct {
	Label string
	Not   bool
	Value string
}

func (*CondPair) cond()     {}
func (*CondString) cond()   {}
func (*CondNumber) cond()   {}
func (*CondDuration) cond() {}
func (*CondBytes) cond()    {}
func (*CondIP) cond()       {}
