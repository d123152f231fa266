package syntax

import (
	"errors"
	"fmt"
	"text/template"
	tree "text/template/parse"
	"time"
)

// CheckTemplate says whether a template of line_format or label_format parses.
func CheckTemplate(text string) error {
	_, err := ParseTemplate(text, TemplateContext{})
	return err
}

// TemplateContext is what the functions about the current entry answer with.
type TemplateContext struct {
	Line      func() string
	Timestamp func() time.Time
	Now       func() time.Time
}

// ParseTemplate compiles a template; a label that does not exist is empty.
func ParseTemplate(text string, c TemplateContext) (*template.Template, error) {
	t, err := template.New("line").Option("missingkey=zero").Funcs(templateFuncs).Funcs(template.FuncMap{
		"__line__":      c.Line,
		"__timestamp__": c.Timestamp,
		"now":           c.Now,
	}).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("invalid template: %w", err)
	}
	for _, part := range t.Templates() {
		if part.Tree == nil {
			continue
		}
		if err := checkLoops(part.Root, map[string]bool{}); err != nil {
			return nil, fmt.Errorf("invalid template: %w", err)
		}
	}
	return t, nil
}

var errLoop = errors.New("range is only allowed over fromJson or what it contains")

// checkLoops refuses range over numbers, which text/template allows: such a
// loop could run for hours on one line. elements holds the variables that an
// outer range declared; they stem from JSON, whose numbers cannot be ranged over.
func checkLoops(n tree.Node, elements map[string]bool) error {
	switch n := n.(type) {
	case *tree.ListNode:
		if n == nil {
			return nil
		}
		for _, c := range n.Nodes {
			if err := checkLoops(c, elements); err != nil {
				return err
			}
		}
	case *tree.IfNode:
		return checkLists(elements, n.List, n.ElseList)
	case *tree.WithNode:
		return checkLists(elements, n.List, n.ElseList)
	case *tree.TemplateNode:
		return errors.New("template calls are not allowed")
	case *tree.RangeNode:
		if !fromJSON(n.Pipe, elements) {
			return errLoop
		}
		for _, d := range n.Pipe.Decl {
			elements[d.Ident[0]] = true
		}
		return checkLists(elements, n.List, n.ElseList)
	}
	return nil
}

func checkLists(elements map[string]bool, lists ...*tree.ListNode) error {
	for _, l := range lists {
		if err := checkLoops(l, elements); err != nil {
			return err
		}
	}
	return nil
}

func fromJSON(pipe *tree.PipeNode, elements map[string]bool) bool {
	last := pipe.Cmds[len(pipe.Cmds)-1].Args
	switch a := last[0].(type) {
	case *tree.IdentifierNode:
		return a.Ident == "fromJson"
	case *tree.FieldNode, *tree.DotNode:
		return len(last) == 1
	case *tree.VariableNode:
		return len(last) == 1 && elements[a.Ident[0]]
	}
	return false
}
