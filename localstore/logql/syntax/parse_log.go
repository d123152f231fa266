package syntax

import (
	"fmt"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// logExpr reads a selector and its pipeline.
func (p *parser) logExpr() (*LogExpr, *Error) {
	e, err := p.selector()
	if err != nil {
		return nil, err
	}
	return e, p.stages(e)
}

func (p *parser) selector() (*LogExpr, *Error) {
	e := &LogExpr{Pos: p.tok().pos}
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	for !p.is("}") {
		if len(e.Matchers) > 0 {
			if !p.accept(",") {
				return nil, p.unexpected("}", ",")
			}
		}
		m, err := p.matcher()
		if err != nil {
			return nil, err
		}
		e.Matchers = append(e.Matchers, m)
	}
	p.next()
	return e, nil
}

var matchTypes = map[string]labels.MatchType{
	"=": labels.MatchEqual, "!=": labels.MatchNotEqual, "=~": labels.MatchRegexp, "!~": labels.MatchNotRegexp,
}

func (p *parser) matcher() (*labels.Matcher, *Error) {
	if p.tok().kind != kIdent {
		return nil, p.unexpected("IDENTIFIER")
	}
	name := p.next().text
	typ, ok := matchTypes[p.tok().text]
	if !ok || p.tok().kind != kPunct {
		return nil, p.unexpected("!=", "=", "=~", "!~")
	}
	p.next()
	v, err := p.take(kString)
	if err != nil {
		return nil, err
	}
	return p.newMatcher(typ, name, v)
}

func (p *parser) newMatcher(typ labels.MatchType, name string, v token) (*labels.Matcher, *Error) {
	m, err := labels.NewMatcher(typ, name, v.text)
	if err != nil {
		return nil, p.errorf(v.pos, err.Error())
	}
	return m, nil
}

var lineOps = map[string]LineOp{
	"|=": LineContains, "!=": LineNotContains, "|~": LineMatches,
	"!~": LineNotMatches, "|>": LinePattern, "!>": LineNotPattern,
}

func (p *parser) stageBegins() bool {
	_, line := lineOps[p.tok().text]
	return p.tok().kind == kPunct && (line || p.tok().text == "|")
}

func (p *parser) stages(e *LogExpr) *Error {
	for p.stageBegins() {
		s, err := p.stage()
		if err != nil {
			return err
		}
		if f, ok := s.(*LineFilter); ok && f.Op.Negative() {
			for _, t := range f.Terms {
				e.Stages = append(e.Stages, &LineFilter{Op: f.Op, Terms: []LineTerm{t}})
			}
			continue
		}
		e.Stages = append(e.Stages, s)
	}
	return nil
}

func (p *parser) stage() (Stage, *Error) {
	if op, ok := lineOps[p.tok().text]; ok {
		p.next()
		return p.lineFilter(op)
	}
	p.next() // the pipe
	// A label may be called json: then an operator follows, which no parser has.
	if p.tok().kind == kIdent && !comparing(p.peek()) {
		word := p.tok().word
		if read, ok := stageReaders[word]; ok {
			p.next()
			return read(p)
		}
	}
	c, err := p.cond(0)
	if err != nil {
		return nil, err
	}
	return &LabelFilter{Cond: c}, nil
}

var stageReaders map[string]func(*parser) (Stage, *Error)

// The readers reach back to stage by way of conditions, so the table is filled
// here and not in its declaration.
func init() {
	stageReaders = map[string]func(*parser) (Stage, *Error){
		"json":         (*parser).json,
		"logfmt":       (*parser).logfmt,
		"regexp":       (*parser).regexp,
		"pattern":      (*parser).pattern,
		"unpack":       func(*parser) (Stage, *Error) { return &Unpack{}, nil },
		"decolorize":   func(*parser) (Stage, *Error) { return &Decolorize{}, nil },
		"line_format":  (*parser).lineFormat,
		"label_format": (*parser).labelFormat,
		"drop":         func(p *parser) (Stage, *Error) { return p.labelSelect(false) },
		"keep":         func(p *parser) (Stage, *Error) { return p.labelSelect(true) },
		"unwrap":       (*parser).unwrap,
	}
}

func comparing(t token) bool {
	if t.kind != kPunct {
		return false
	}
	switch t.text {
	case "=", "==", "!=", "=~", "!~", ">", ">=", "<", "<=":
		return true
	}
	return false
}

func (p *parser) lineFilter(op LineOp) (Stage, *Error) {
	f := &LineFilter{Op: op}
	for {
		term, err := p.lineTerm(op)
		if err != nil {
			return nil, err
		}
		f.Terms = append(f.Terms, term)
		if !p.acceptWord("or") {
			return f, nil
		}
	}
}

func (p *parser) lineTerm(op LineOp) (LineTerm, *Error) {
	at := p.tok()
	if p.isWord("ip") {
		text, err := p.call("ip")
		if err != nil {
			return LineTerm{}, err
		}
		if op != LineContains && op != LineNotContains {
			return LineTerm{}, p.errorf(at.pos, fmt.Sprintf("unknown filter operation: %s", op))
		}
		if err := CheckIP(text); err != nil {
			return LineTerm{}, p.errorf(at.pos, err.Error())
		}
		return LineTerm{Text: text, IP: true}, nil
	}
	t, err := p.take(kString)
	if err != nil {
		return LineTerm{}, err
	}
	switch op {
	case LineMatches, LineNotMatches:
		if _, err := CompileLineRegexp(t.text); err != nil {
			return LineTerm{}, p.errorf(t.pos, err.Error())
		}
	case LinePattern, LineNotPattern:
		pat, err := ParsePattern(t.text)
		if err == nil {
			err = pat.checkFilter()
		}
		if err != nil {
			return LineTerm{}, p.errorf(t.pos, err.Error())
		}
	}
	return LineTerm{Text: t.text}, nil
}

// call reads word("text").
func (p *parser) call(word string) (string, *Error) {
	if !p.acceptWord(word) {
		return "", p.unexpected(word)
	}
	if err := p.expect("("); err != nil {
		return "", err
	}
	t, err := p.take(kString)
	if err != nil {
		return "", err
	}
	return t.text, p.expect(")")
}

func (p *parser) json() (Stage, *Error) {
	exprs, err := p.extractions(func(path string) error {
		_, err := ParsePath(path)
		return err
	})
	return &JSON{Exprs: exprs}, err
}

func (p *parser) logfmt() (Stage, *Error) {
	s := &Logfmt{}
	for p.tok().kind == kFlag {
		switch p.tok().text {
		case "--strict":
			s.Strict = true
		case "--keep-empty":
			s.KeepEmpty = true
		default:
			return nil, p.unexpected("--strict", "--keep-empty")
		}
		p.next()
	}
	var err *Error
	s.Exprs, err = p.extractions(func(path string) error {
		if path == "" {
			return fmt.Errorf("cannot parse expression [%s]: syntax error: unexpected $end, expecting KEY", path)
		}
		if strings.ContainsAny(path, " =\"") {
			return fmt.Errorf("cannot parse expression [%s]: want one key, without blanks, = and quotes", path)
		}
		return nil
	})
	return s, err
}

// extractions reads label="path" or a label alone, with commas between.
func (p *parser) extractions(check func(path string) error) ([]Extraction, *Error) {
	if p.tok().kind != kIdent {
		return nil, nil
	}
	var all []Extraction
	for {
		t, err := p.take(kIdent)
		if err != nil {
			return nil, err
		}
		x := Extraction{Label: t.text, Path: t.text}
		if p.accept("=") {
			if t, err = p.take(kString); err != nil {
				return nil, err
			}
			x.Path = t.text
		}
		if err := check(x.Path); err != nil {
			return nil, p.errorf(t.pos, err.Error())
		}
		all = append(all, x)
		if !p.accept(",") {
			return all, nil
		}
	}
}

func (p *parser) regexp() (Stage, *Error) {
	t, err := p.take(kString)
	if err != nil {
		return nil, err
	}
	if err := checkNamedGroups(t.text); err != nil {
		return nil, p.errorf(t.pos, err.Error())
	}
	return &Regexp{Expr: t.text}, nil
}

func (p *parser) pattern() (Stage, *Error) {
	t, err := p.take(kString)
	if err != nil {
		return nil, err
	}
	pat, perr := ParsePattern(t.text)
	if perr == nil {
		perr = pat.CheckCaptures()
	}
	if perr != nil {
		return nil, p.errorf(t.pos, perr.Error())
	}
	return &Pattern{Expr: t.text}, nil
}

func (p *parser) lineFormat() (Stage, *Error) {
	t, err := p.take(kString)
	if err != nil {
		return nil, err
	}
	if err := CheckTemplate(t.text); err != nil {
		return nil, p.errorf(t.pos, err.Error())
	}
	return &LineFormat{Template: t.text}, nil
}

func (p *parser) labelFormat() (Stage, *Error) {
	s := &LabelFormat{}
	seen := map[string]bool{}
	for {
		dst, err := p.take(kIdent)
		if err != nil {
			return nil, err
		}
		if err := p.expect("="); err != nil {
			return nil, err
		}
		it := LabelFormatItem{Dst: dst.text, Src: p.tok().text}
		switch p.tok().kind {
		case kIdent:
			it.Rename = true
		case kString:
			if err := CheckTemplate(it.Src); err != nil {
				return nil, p.errorf(p.tok().pos, err.Error())
			}
		default:
			return nil, p.unexpected("IDENTIFIER", "STRING")
		}
		p.next()
		switch {
		case it.Dst == "__error__" || it.Dst == "__error_details__":
			return nil, p.errorf(dst.pos, it.Dst+" cannot be formatted")
		case seen[it.Dst]:
			return nil, p.errorf(dst.pos, "multiple label name '"+it.Dst+"' not allowed in a single format operation")
		}
		seen[it.Dst] = true
		s.Items = append(s.Items, it)
		if !p.accept(",") {
			return s, nil
		}
	}
}

func (p *parser) labelSelect(keep bool) (Stage, *Error) {
	s := &LabelSelect{Keep: keep}
	for {
		if comparing(p.peek()) {
			m, err := p.matcher()
			if err != nil {
				return nil, err
			}
			s.Items = append(s.Items, LabelSelectItem{Name: m.Name, Matcher: m})
		} else {
			t, err := p.take(kIdent)
			if err != nil {
				return nil, err
			}
			s.Items = append(s.Items, LabelSelectItem{Name: t.text})
		}
		if !p.accept(",") {
			return s, nil
		}
	}
}

func (p *parser) unwrap() (Stage, *Error) {
	t, err := p.take(kIdent)
	if err != nil {
		return nil, err
	}
	s := &Unwrap{Label: t.text}
	if !p.accept("(") {
		return s, nil
	}
	switch t.word {
	case "bytes", "duration", "duration_seconds":
		s.Func = t.word
	default:
		return nil, p.errorf(t.pos, "syntax error: unexpected IDENTIFIER, expecting bytes or duration or duration_seconds")
	}
	if t, err = p.take(kIdent); err != nil {
		return nil, err
	}
	s.Label = t.text
	return s, p.expect(")")
}
