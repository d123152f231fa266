package syntax

import (
	"strconv"
	"strings"
)

func (e *LogExpr) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range e.Matchers {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(m.Name + m.Type.String() + strconv.Quote(m.Value))
	}
	b.WriteByte('}')
	for _, s := range e.Stages {
		b.WriteByte(' ')
		b.WriteString(s.String())
	}
	return b.String()
}

func (e *RangeAggregation) String() string {
	var b strings.Builder
	b.WriteString(string(e.Op) + "(")
	if e.Param != nil {
		b.WriteString(formatNumber(*e.Param) + ",")
	}
	b.WriteString(e.Log.String() + "[" + FormatDuration(e.Range) + "]")
	switch {
	case e.Offset > 0:
		b.WriteString(" offset " + FormatDuration(e.Offset))
	case e.Offset < 0:
		b.WriteString(" offset -" + FormatDuration(-e.Offset))
	}
	b.WriteByte(')')
	if e.Grouping != nil {
		b.WriteString(" " + e.Grouping.String())
	}
	return b.String()
}

func (e *VectorAggregation) String() string {
	var b strings.Builder
	b.WriteString(string(e.Op))
	if e.Grouping != nil {
		b.WriteString(" " + e.Grouping.String() + " ")
	}
	b.WriteByte('(')
	if vectorOps[e.Op] {
		b.WriteString(strconv.Itoa(e.Param) + ",")
	}
	b.WriteString(e.Expr.String() + ")")
	return b.String()
}

func (g *Grouping) String() string {
	word := "by"
	if g.Without {
		word = "without"
	}
	return word + list(g.Labels)
}

func list(names []string) string { return " (" + strings.Join(names, ",") + ")" }

func (e *Binary) String() string {
	var b strings.Builder
	b.WriteString("(" + e.Left.String() + " " + string(e.Op))
	if e.Bool {
		b.WriteString(" bool")
	}
	if m := e.Matching; m != nil {
		if m.On {
			b.WriteString(" on" + list(m.Labels))
		} else {
			b.WriteString(" ignoring" + list(m.Labels))
		}
		if m.Group != "" {
			b.WriteString(" " + m.Group + list(m.Include))
		}
	}
	b.WriteString(" " + e.Right.String() + ")")
	return b.String()
}

func (e *Literal) String() string { return formatNumber(e.Value) }

func (e *Vector) String() string { return "vector(" + formatNumber(e.Value) + ")" }

func (e *LabelReplace) String() string {
	s := "label_replace(" + e.Expr.String()
	for _, arg := range []string{e.Dst, e.Replacement, e.Src, e.Regex} {
		s += "," + strconv.Quote(arg)
	}
	return s + ")"
}

func (s *LineFilter) String() string {
	terms := make([]string, len(s.Terms))
	for i, t := range s.Terms {
		terms[i] = strconv.Quote(t.Text)
		if t.IP {
			terms[i] = "ip(" + terms[i] + ")"
		}
	}
	return string(s.Op) + " " + strings.Join(terms, " or ")
}

func (s *JSON) String() string { return "| json" + extractions(s.Exprs) }

func (s *Logfmt) String() string {
	out := "| logfmt"
	if s.Strict {
		out += " --strict"
	}
	if s.KeepEmpty {
		out += " --keep-empty"
	}
	return out + extractions(s.Exprs)
}

func extractions(all []Extraction) string {
	parts := make([]string, len(all))
	for i, x := range all {
		parts[i] = x.Label + "=" + strconv.Quote(x.Path)
	}
	if len(parts) == 0 {
		return ""
	}
	return " " + strings.Join(parts, ",")
}

func (s *Regexp) String() string      { return "| regexp " + strconv.Quote(s.Expr) }
func (s *Pattern) String() string     { return "| pattern " + strconv.Quote(s.Expr) }
func (*Unpack) String() string        { return "| unpack" }
func (*Decolorize) String() string    { return "| decolorize" }
func (s *LineFormat) String() string  { return "| line_format " + strconv.Quote(s.Template) }
func (s *LabelFilter) String() string { return "| " + s.Cond.String() }

func (s *LabelFormat) String() string {
	parts := make([]string, len(s.Items))
	for i, it := range s.Items {
		parts[i] = it.Dst + "=" + it.Src
		if !it.Rename {
			parts[i] = it.Dst + "=" + strconv.Quote(it.Src)
		}
	}
	return "| label_format " + strings.Join(parts, ",")
}

func (s *LabelSelect) String() string {
	out := "| drop "
	if s.Keep {
		out = "| keep "
	}
	parts := make([]string, len(s.Items))
	for i, it := range s.Items {
		parts[i] = it.Name
		if m := it.Matcher; m != nil {
			parts[i] = m.Name + m.Type.String() + strconv.Quote(m.Value)
		}
	}
	return out + strings.Join(parts, ",")
}

func (s *Unwrap) String() string {
	if s.Func != "" {
		return "| unwrap " + s.Func + "(" + s.Label + ")"
	}
	return "| unwrap " + s.Label
}

// String brackets a pair on the right, and or within and on the left, which
// would be read otherwise without.
func (c *CondPair) String() string {
	word := " and "
	if c.Or {
		word = " or "
	}
	left, right := c.Left.String(), c.Right.String()
	if pair, ok := c.Left.(*CondPair); ok && pair.Or && !c.Or {
		left = "(" + left + ")"
	}
	if _, pair := c.Right.(*CondPair); pair {
		right = "(" + right + ")"
	}
	return left + word + right
}

func (c *CondString) String() string {
	return c.Matcher.Name + c.Matcher.Type.String() + strconv.Quote(c.Matcher.Value)
}

func (c *CondNumber) String() string   { return c.Label + string(c.Op) + formatNumber(c.Value) }
func (c *CondDuration) String() string { return c.Label + string(c.Op) + FormatDuration(c.Value) }
func (c *CondBytes) String() string {
	return c.Label + string(c.Op) + strconv.FormatUint(c.Value, 10) + "B"
}

func (c *CondIP) String() string {
	op := "="
	if c.Not {
		op = "!="
	}
	return c.Label + op + "ip(" + strconv.Quote(c.Value) + ")"
}
