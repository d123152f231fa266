package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// MaxFileSize bounds a rule file.
const MaxFileSize = 4 << 20

// File is a rule file and its content.
type File struct {
	Name string
	Data []byte
}

// Set is the checked rules of some files.
type Set struct {
	names  []string
	groups map[string]*rulefmt.RuleGroups
	rules  int
}

// Rules is how many rules there are.
func (s *Set) Rules() int { return s.rules }

// Parse checks rule files. Its error names every fault of every file.
func Parse(files []File) (*Set, error) {
	set := &Set{groups: map[string]*rulefmt.RuleGroups{}}
	var faults []error
	for _, f := range files {
		if len(f.Data) > MaxFileSize {
			faults = append(faults, fmt.Errorf("%s: larger than %d MiB: split it", f.Name, MaxFileSize>>20))
			continue
		}
		groups, errs := rulefmt.Parse(f.Data, false, model.UTF8Validation)
		seen := map[string]bool{} // YAML is read twice, and says some things twice
		for _, err := range errs {
			at := positioned(err, f.Data)
			if text := strings.TrimSuffix(at, "Node"); !seen[text] { // the second reading's type
				seen[text] = true
				faults = append(faults, fmt.Errorf("%s:%s", f.Name, at))
			}
		}
		if len(errs) > 0 {
			continue
		}
		if set.groups[f.Name] == nil {
			set.names = append(set.names, f.Name)
		}
		set.groups[f.Name] = groups
		for _, g := range groups.Groups {
			set.rules += len(g.Rules)
		}
	}
	slices.Sort(set.names)
	return set, errors.Join(faults...)
}

// positioned is a fault that begins with its line.
func positioned(err error, data []byte) string {
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, "yaml: unmarshal errors:\n"); ok {
		text = strings.Join(strings.Fields(rest), " ")
	}
	text = strings.TrimPrefix(text, "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		return rest
	}
	// Of a fault of a whole group Prometheus knows no place.
	if rest, ok := strings.CutPrefix(text, "0:0:"); ok {
		return groupAt(data) + rest
	}
	if len(text) > 0 && (text[0] < '0' || text[0] > '9') {
		return " " + text
	}
	return text
}

// groupAt is the place of the first group without a name or with the name of
// one before.
func groupAt(data []byte) string {
	var file struct {
		Groups []yaml.Node `yaml:"groups"`
	}
	if yaml.Unmarshal(data, &file) != nil {
		return ""
	}
	seen := map[string]bool{"": true}
	for _, n := range file.Groups {
		var g struct {
			Name string `yaml:"name"`
		}
		if n.Decode(&g) == nil && seen[g.Name] {
			return fmt.Sprintf("%d:%d:", n.Line, n.Column)
		}
		seen[g.Name] = true
	}
	return ""
}

// loader hands the manager what Parse has checked, so that nothing can change
// between the check and the use.
type loader struct{ set *Set }

func (l *loader) Load(name string, _ bool, _ model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	g, ok := l.set.groups[name]
	if !ok {
		return nil, []error{fmt.Errorf("%s: not in the set", name)}
	}
	return g, nil
}

func (*loader) Parse(query string) (parser.Expr, error) { return parser.ParseExpr(query) }
