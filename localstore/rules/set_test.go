package rules

import (
	"strings"
	"testing"
)

const good = `groups:
  - name: g
    rules:
      - {record: "job:up:sum", expr: sum(up)}
`

func TestEveryFaultOfEveryFileIsNamedWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an expression", strings.Replace(good, "sum(up)", "sum(up", 1), `f.yaml:4:38: group "g", rule 1, "job:up:sum": could not parse expression: 1:7: parse error`},
		{"an unknown key", strings.Replace(good, "expr", "exprs", 1), `f.yaml:4: field exprs not found`},
		{"no YAML", "groups: [", `f.yaml:1: did not find expected node content`},
		{"a name twice", good + strings.TrimPrefix(good, "groups:\n"), `f.yaml:5:5: groupname: "g" is repeated in the same file`},
		{"too large", strings.Repeat(" ", MaxFileSize+1), `f.yaml: larger than 4 MiB`},
	} {
		_, err := Parse([]File{{"good.yaml", []byte(good)}, {"f.yaml", []byte(c.text)}, {"also.yaml", []byte("groups: 3")}})
		if err == nil {
			t.Errorf("%s: no fault", c.name)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: said\n%v\nwant\n%s", c.name, err, c.want)
		}
		if strings.Count(err.Error(), "also.yaml:1:") != 1 {
			t.Errorf("%s: the other file's fault is not there once:\n%v", c.name, err)
		}
	}
}

func TestNoFileIsNoRule(t *testing.T) {
	set, err := Parse(nil)
	if err != nil || set.Rules() != 0 {
		t.Fatalf("%v, %v", set, err)
	}
	if set, err = Parse([]File{{"f.yaml", []byte(good)}}); err != nil || set.Rules() != 1 {
		t.Fatalf("%v, %v", set, err)
	}
}
