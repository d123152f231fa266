package responsibilities

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weir-telemetry/weir/internal/yamlfile"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite the schema")

const (
	sampleFile = "../../config/responsibilities/shop.yaml"
	schemaFile = "../../docs/format/responsibilities.schema.json"
)

func sample(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile(sampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTheSampleNamesSomebodyForEveryArea(t *testing.T) {
	c, err := Parse("shop.yaml", []byte(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range Areas {
		if c[a].Who == "" || c[a].Reach == "" || c[a].Hours == "" {
			t.Errorf("%s: %+v", a, c[a])
		}
		if a.About() == "" {
			t.Errorf("%s says nothing about itself", a)
		}
	}
	if len(c) != len(Areas) || c[Emergency] != (Contact{"Duty manager", "+49 30 5550199", "24/7"}) {
		t.Errorf("read as %+v", c)
	}
}

func TestABlankAndEveryOtherFaultIsNamedWithItsPlace(t *testing.T) {
	good := sample(t)
	for _, c := range []struct{ from, to, want string }{
		{"version: 1\n", "version: 2\n", "r.yaml:3:10: this version of the format is not known; this Weir reads version: 1"},
		{"version: 1\n", "", "the file has no version; add version:"},
		{"who: Duty manager", `who: ""`, `r.yaml:31:8: emergency.who is blank; a team or a role that outlasts a person, or a person, such as "Platform team"`},
		{"who: Duty manager", "who:", "r.yaml:31:7: emergency.who is blank"},
		{"who: Duty manager", "who: '  '", "emergency.who is blank"},
		{"who: Duty manager", "who: TBD", "emergency.who is blank"},
		{"who: Duty manager", "who: <todo>", "emergency.who is blank"},
		{"who: Duty manager", "who: '---'", "emergency.who is blank"},
		{"who: Duty manager", "who: ~", "emergency.who is blank"},
		{"who: Duty manager", "who: N/A", "emergency.who is blank"},
		{"who: Duty manager", "who: [Ada]", "r.yaml:31:8: emergency.who is not one text"},
		{"who: Duty manager", `who: "Ada\nBob"`, "emergency.who holds a line break"},
		{"who: Duty manager", "who: " + strings.Repeat("a", maxText+1), "emergency.who has more than 200 characters"},
		{"  who: Duty manager\n", "", "r.yaml:31:3: emergency has no who"},
		{"  hours: 24/7\n", "  hours: 24/7\n  phone: 1\n", `r.yaml:34:3: emergency has no key "phone"; it has who, reach, hours`},
		{"emergency:\n", "emergency:\nduty:\n", "r.yaml:30:11: emergency is blank or no mapping"},
		{"emergency:", "duty:", `r.yaml:30:1: the file has no key "duty"; it has version, infrastructure`},
		{"emergency:", "duty:", `r.yaml:3:1: nobody is named for emergency (whom to wake when nobody else answers); add emergency: {who: "Platform team"`},
		{"emergency:", "emergency: [", "this is no YAML"},
		{"emergency:", "---\nemergency:", "there is a second document"},
		{good, "- a", "r.yaml:1:1: the file is not a mapping"},
	} {
		if !strings.Contains(good, c.from) {
			t.Fatalf("%q is not in the sample", c.from)
		}
		_, err := Parse("r.yaml", []byte(strings.Replace(good, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s → %s: said\n%v\nwant\n%s", c.from, c.to, err, c.want)
		}
	}
}

// A text that YAML takes for a number, a date or a bool is a text here.
func TestANumberIsAContact(t *testing.T) {
	c, err := Parse("r.yaml", []byte(strings.Replace(sample(t), `"+49 30 5550199"`, "110", 1)))
	if err != nil || c[Emergency].Reach != "110" {
		t.Errorf("%+v, %v", c[Emergency], err)
	}
}

func TestNoFaultRepeatsWhatTheFileSays(t *testing.T) {
	const canary = "Jannike-Roehampton"
	file := strings.NewReplacer("hours: 24/7", "hours: "+strings.Repeat(canary, 20), "who: Storage team", `who: "`+canary+`\n"`).Replace(sample(t))
	_, err := Parse("r.yaml", []byte(file))
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("said %v", err)
	}
}

// The template is refused for its blanks and for nothing else.
func TestTheTemplateIsABlankForm(t *testing.T) {
	_, err := Parse("r.yaml", Template())
	var f *yamlfile.Faults
	if !errors.As(err, &f) || len(f.List) != len(Areas)*len(fields) {
		t.Fatalf("said %v", err)
	}
	for _, one := range f.List {
		if !strings.HasSuffix(one.What, " is blank") {
			t.Errorf("%+v", one)
		}
	}
	if _, err := Parse("r.yaml", bytes.ReplaceAll(Template(), []byte(`: ""`), []byte(`: "somebody"`))); err != nil {
		t.Errorf("filled in, it is refused: %v", err)
	}
}

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	source, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, source, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(want, source) {
		t.Fatalf("docs/format/responsibilities.schema.json is not what the package gives (%v): run this test with -update", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("r.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("r.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instance(t *testing.T, file []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(file, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaTakesTheSampleAndRefusesBlanks(t *testing.T) {
	s := schema(t)
	if err := s.Validate(instance(t, []byte(sample(t)))); err != nil {
		t.Errorf("the sample: %v", err)
	}
	for what, file := range map[string][]byte{
		"the template":     Template(),
		"an area missing":  []byte(strings.Split(sample(t), "monitoring:")[0]),
		"an unknown area":  []byte(sample(t) + "janitor: {who: a, reach: b, hours: c}\n"),
		"an unknown field": []byte(sample(t) + "  phone: '1'\n"),
	} {
		if s.Validate(instance(t, file)) == nil {
			t.Errorf("%s passes the schema", what)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample(f)))
	f.Add(Template())
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("version: 1\nemergency: {who: *x}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("r.yaml", data)
		if err == nil && len(c) != len(Areas) {
			t.Errorf("an area is missing from %v", c)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "r.yaml:") {
			t.Errorf("a fault without its place: %v", err)
		}
	})
}
