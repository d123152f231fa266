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
	_, err := ParseTemplate("line", text, TemplateContext{})
	return err
}

// TemplateContext is what the functions about the current entry answer with.
type TemplateContext struct {
	Line      func() string
	Timestamp func() time.Time
	Now       func() time.Time
}

// ParseTemplate compiles a template; a label that does not exist is empty. Its
// name is part of what an error says.
func ParseTemplate(name, text string, c TemplateContext) (*template.Template, error) {
	t, err := template.New(name).Option("missingkey=zero").Funcs(templateFuncs).Funcs(template.FuncMap{
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
		elements := map[string]bool{}
		fromElsewhere(part.Root, elements)
		if err := checkLoops(part.Root, elements); err != nil {
			return nil, fmt.Errorf("invalid template: %w", err)
		}
	}
	return t, nil
}

var errLoop = errors.New("range is only allowed over fromJson or what it contains")

// checkLoops refuses range over numbers, which text/template allows: such a
// loop could run for hours on one line. elements says of variables whether they
// stem from JSON, whose numbers cannot be ranged over: true where they do,
// false where anything else is ever assigned to that name. It says the same of
// the dot within a with; outside of all, the dot holds labels, which are text.
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
	case *tree.ActionNode:
		declare(n.Pipe, elements)
	case *tree.IfNode:
		declare(n.Pipe, elements)
		return checkLists(elements, n.List, n.ElseList)
	case *tree.WithNode:
		declare(n.Pipe, elements)
		outside, known := elements["."]
		elements["."] = fromJSON(n.Pipe, elements)
		err := checkLists(elements, n.List, n.ElseList)
		if elements["."] = outside; !known {
			delete(elements, ".")
		}
		return err
	case *tree.TemplateNode:
		return errors.New("template calls are not allowed")
	case *tree.RangeNode:
		if !fromJSON(n.Pipe, elements) {
			return errLoop
		}
		declare(n.Pipe, elements)
		return checkLists(elements, n.List, n.ElseList)
	}
	return nil
}

// declare notes variables that get something out of JSON.
func declare(pipe *tree.PipeNode, elements map[string]bool) {
	if !fromJSON(pipe, elements) {
		return
	}
	for _, d := range pipe.Decl {
		if _, other := elements[d.Ident[0]]; !other {
			elements[d.Ident[0]] = true
		}
	}
}

// fromElsewhere notes the names of variables that ever get anything else.
func fromElsewhere(n tree.Node, elements map[string]bool) {
	note := func(pipe *tree.PipeNode) {
		switch a := pipe.Cmds[len(pipe.Cmds)-1].Args[0].(type) {
		case *tree.IdentifierNode:
			if a.Ident == "fromJson" {
				return
			}
		case *tree.FieldNode, *tree.DotNode, *tree.VariableNode:
			return // checked where it is ranged over
		}
		for _, d := range pipe.Decl {
			elements[d.Ident[0]] = false
		}
	}
	switch n := n.(type) {
	case *tree.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				fromElsewhere(c, elements)
			}
		}
	case *tree.ActionNode:
		note(n.Pipe)
	case *tree.IfNode:
		note(n.Pipe)
		fromElsewhere(n.List, elements)
		fromElsewhere(n.ElseList, elements)
	case *tree.WithNode:
		note(n.Pipe)
		fromElsewhere(n.List, elements)
		fromElsewhere(n.ElseList, elements)
	case *tree.RangeNode:
		note(n.Pipe)
		fromElsewhere(n.List, elements)
		fromElsewhere(n.ElseList, elements)
	}
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
		dot, within := elements["."]
		return len(last) == 1 && (dot || !within)
	case *tree.VariableNode:
		return len(last) == 1 && elements[a.Ident[0]] // with fields behind it or without
	}
	return false
}
