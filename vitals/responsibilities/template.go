package responsibilities

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Template is a file to fill in. It is full of blanks, and refused until they
// are filled.
func Template() []byte {
	var b bytes.Buffer
	b.WriteString("# Who answers for what at this install. Weir names the owner of a fault by it.\n")
	b.WriteString("# It stays here: of all this, nothing leaves but the name of an area, and that\n")
	b.WriteString("# only if the policy names weir.fault.domain. A blank is refused by\n")
	b.WriteString("#   weir responsibilities lint FILE\n#\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "#   %-6s %s; such as %q\n", f.key, f.about, f.example)
	}
	b.WriteString("version: 1\n")
	for _, a := range Areas {
		fmt.Fprintf(&b, "\n%s:%s# %s\n", a, strings.Repeat(" ", 16-len(a)), a.About())
		for _, f := range fields {
			fmt.Fprintf(&b, "  %s: \"\"\n", f.key)
		}
	}
	return b.Bytes()
}

// SchemaID is where the schema is found, and what editors are pointed at.
const SchemaID = "https://github.com/weir-telemetry/weir/docs/format/responsibilities.schema.json"

// Schema is a JSON Schema of the file, for editors. It sees less than [Parse]
// does: words that put a thing off pass it.
func Schema() ([]byte, error) {
	type object = map[string]any
	contact, properties, required := object{}, object{"version": object{"const": 1, "description": "the version of the format"}}, []string{"version"}
	for _, f := range fields {
		contact[f.key] = object{"type": []string{"string", "number"}, "minLength": 1, "maxLength": maxText, "pattern": `[\p{L}\p{Nd}]`, "description": f.about, "examples": []string{f.example}}
	}
	for _, a := range Areas {
		properties[string(a)] = object{"$ref": "#/$defs/contact", "description": a.About()}
		required = append(required, string(a))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaID,
		"title":       "Weir responsibilities, version 1",
		"description": "Who answers for what at an install. See docs/format/responsibilities.md.",
		"type":        "object", "additionalProperties": false, "properties": properties, "required": required,
		"$defs": object{"contact": object{"type": "object", "additionalProperties": false, "properties": contact, "required": keys()}},
	})
	return b.Bytes(), err
}
