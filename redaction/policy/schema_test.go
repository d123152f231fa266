package policy

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
)

const schemaFile = "../../docs/format/policy.schema.json"

func TestTheSchemaIsTheOneThatIsCommitted(t *testing.T) {
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(want, got) {
		t.Errorf("docs/format/policy.schema.json is not what the parser's tables give (%v): run this test with -update", err)
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	source, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a file as an editor hands it to the schema. ok is false where it
// is no YAML that an editor could read.
func instance(data []byte) (v any, ok bool) {
	first, second, err := decode(data)
	if err != nil || first == nil || second != nil || len(first.Content) == 0 {
		return nil, false
	}
	return jsonOf(first.Content[0])
}

func jsonOf(n *yaml.Node) (any, bool) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, ok := jsonOf(n.Content[i+1])
			if _, twice := m[n.Content[i].Value]; !ok || twice {
				return nil, false
			}
			m[n.Content[i].Value] = v
		}
		return m, true
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, ok := jsonOf(c)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!int", "!!float":
			f, err := strconv.ParseFloat(n.Value, 64)
			return f, err == nil
		case "!!bool":
			return n.Value == "true", true
		case "!!null":
			return nil, true
		}
		return n.Value, true
	}
	return nil, false
}

// What the parser sees and a schema cannot say: where names collide, what
// numbers make of each other, how long a text is in bytes, what YAML allows.
var beyondTheSchema = map[string]bool{
	"anchor":               true,
	"attribute-look-alike": true,
	"bounds-unsorted":      true,
	"destination-port":     true,
	"destination-unicode":  true,
	"escaped-character":    true,
	"expires-impossible":   true,
	"hidden-character":     true,
	"include-conflict":     true,
	"include-look-alike":   true,
	"int-reversed":         true,
	"int-too-wide":         true,
	"interval-long":        true,
	"interval-short":       true,
	"interval-uneven":      true,
	"look-alike-signal":    true,
	"max-series-dense":     true,
	"otherwise-value":      true,
	"range-too-wide":       true,
	"repeated-signal":      true,
	"step-too-fine":        true,
	"step-too-wide":        true,
	"step-uneven":          true,
	"tag":                  true,
	"too-many-series":      true,
	"value-reversed":       true,
}

func TestTheSchemaTakesWhatTheParserTakes(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var refused, accepted int
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source := section(a, "allowlist.yaml")
		_, parseErr := Parse("p", source)
		v, readable := instance(source)
		var schemaErr error
		if readable {
			schemaErr = s.Validate(v)
		}
		switch {
		case parseErr == nil && (!readable || schemaErr != nil):
			t.Errorf("%s is valid, and the schema refuses it: %v", name, schemaErr)
		case parseErr == nil:
			accepted++
		case !readable:
		case schemaErr == nil && !beyondTheSchema[name]:
			t.Errorf("%s is not valid, and the schema takes it: %v", name, parseErr)
		case schemaErr != nil && beyondTheSchema[name]:
			t.Errorf("%s is refused by the schema: take it off the list", name)
		case schemaErr != nil:
			refused++
		}
	}
	if accepted < 5 || refused < 60 {
		t.Errorf("%d accepted and %d refused: the test looks at too little", accepted, refused)
	}
}

// The policies and sets that ship are what people start from.
func TestTheSchemaTakesWhatShips(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("../../policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, ok := instance(data)
		if !ok {
			t.Fatalf("%s cannot be read", file)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// A key without a schema, or a schema without a key, is found when the schema
// is made.
func TestEachKeyHasASchemaAndEachSchemaAKey(t *testing.T) {
	if _, err := closed([]string{"a", "b"}, object{"a": object{}}); err == nil {
		t.Error("a key without a schema passes")
	}
	if _, err := closed([]string{"a"}, object{"a": object{}, "b": object{}}); err == nil {
		t.Error("a schema without a key passes")
	}
}
