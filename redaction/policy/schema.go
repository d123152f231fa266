package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SchemaID is where the schema is found, and what editors are pointed at.
const SchemaID = "https://github.com/weir-telemetry/weir/docs/format/policy.schema.json"

type object = map[string]any

// Schema returns a JSON Schema of the policy file, for editors: it completes
// keys and marks slips while they are typed. It is made from the parser's own
// tables of keys, words, shapes and limits; which keys are required, and which
// a kind refuses, the parser is asked. It sees less than [Parse] does, such as
// names that collide or steps that do not end at max: a file that it passes may
// still be refused, one that Parse accepts never fails it.
func Schema() ([]byte, error) {
	sets, err := Sets()
	if err != nil {
		return nil, err
	}
	root, err := closed(topKeys, topSchemas(sets))
	if err != nil {
		return nil, fmt.Errorf("make the schema of the policy: %w", err)
	}
	root["required"] = probe(func(c *collector, n *yaml.Node) { c.policy(n, &Policy{}) })
	root["$schema"], root["$id"] = "https://json-schema.org/draft/2020-12/schema", SchemaID
	root["title"] = "Weir policy, version 1"
	root["description"] = "The whole of what may leave an install. See docs/format/policy.md."
	signal, err := signalSchema()
	if err != nil {
		return nil, err
	}
	value, err := closed(valueKeys, object{
		"min":  says(object{"type": "number"}, "the least value"),
		"max":  says(object{"type": "number"}, "the greatest value; more is sent as max"),
		"step": says(object{"type": "number", "exclusiveMinimum": 0}, "to what values are rounded, such as 1 or 0.01"),
	})
	if err != nil {
		return nil, fmt.Errorf("make the schema of a value: %w", err)
	}
	value["required"] = probe(func(c *collector, n *yaml.Node) { c.value(n, true) })
	root["$defs"] = object{
		"signal": signal, "value": value,
		"attributes": attributesSchema(true), "identity": attributesSchema(false),
		"constant": object{"type": "string", "minLength": 1, "maxLength": maxEnumLength, "pattern": "^[!-~]([ -~]*[!-~])?$"},
		"date":     object{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return b.Bytes(), nil
}

// closed is a mapping with these keys and no other. A key of the parser's
// without a schema, or the other way round, is an error here.
func closed(keys []string, schemas object) (object, error) {
	for _, k := range keys {
		if schemas[k] == nil {
			return nil, fmt.Errorf("key %s has no schema", k)
		}
	}
	for k := range schemas {
		if !slices.Contains(keys, k) {
			return nil, fmt.Errorf("the parser has no key %s", k)
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": schemas}, nil
}

func says(schema object, description string) object {
	schema["description"] = description
	return schema
}

func ref(name, description string) object {
	return object{"$ref": "#/$defs/" + name, "description": description}
}

func words[T comparable](names []named[T]) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = n.name
	}
	return list
}

func topSchemas(sets []*Set) object {
	var names, about []string
	for _, s := range sets {
		names = append(names, s.Name)
		about = append(about, s.Name+": "+s.About)
	}
	slug := func(what string) object {
		return says(object{"type": "string", "pattern": slugShape.String()}, what)
	}
	return object{
		"version":     says(object{"const": 1}, "the version of the format"),
		"product":     slug("the product's name"),
		"vendor":      slug("the vendor's name"),
		"revision":    says(object{"type": "integer", "minimum": 1, "maximum": 1_000_000_000}, "a number that grows with every release of this file"),
		"destination": says(object{"type": "string", "pattern": `^(https://[^?#%@\s]+|http://(localhost|127\.[0-9.]+|\[[0-9a-fA-F:.]+\])([:/][^?#%@\s]*)?)$`}, "the only place that reports go to: https://host[:port][/path]; http only to this machine"),
		"interval":    says(object{"type": "string", "pattern": `^[+]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`}, "the time from one report to the next, such as 60s; 1s to 24h, and it divides a day"),
		"expires":     ref("date", "the last day, in UTC, on which anything leaves"),
		"identity":    ref("identity", "whom a report is from; weir.install.id is required"),
		"include": says(object{"type": "array", "maxItems": maxIncludes, "uniqueItems": true, "items": object{"enum": names}},
			"built-in sets of entries. "+strings.Join(about, ". ")),
		"signals": says(object{"type": "array", "maxItems": maxSignals, "items": object{"$ref": "#/$defs/signal"}}, "what may leave; [] lets nothing but the report's sequence out"),
	}
}

func signalSchema() (object, error) {
	text := func(limit int, what string) object {
		return says(object{"type": "string", "minLength": 1, "pattern": `\S`}, fmt.Sprintf("%s; at most %d characters", what, limit))
	}
	s, err := closed(signalKeys, object{
		"name":     says(object{"type": "string", "pattern": nameShape.String(), "not": reserved()}, "the metric's name, exactly"),
		"why":      text(maxWhy, "the question that it answers; a reviewer decides by it"),
		"owner":    text(maxOwner, "whom the customer can ask about it"),
		"category": says(object{"enum": words(categoryNames)}, "which of the vendor's questions it answers"),
		"expires":  ref("date", "the last day, in UTC; from the next on the entry is as if absent"),
		"kind":     says(object{"enum": words(kindNames)}, "the form of the metric; an exponential histogram that comes in is a histogram here, a summary is refused"),
		"monotonic": says(object{"type": "boolean"},
			"of a sum: true (the default) if it only grows, false if it goes up and down"),
		"unit":       says(object{"type": "string", "pattern": unitShape.String()}, `the metric's unit as UCUM has it, such as "1", s, By or "{request}"`),
		"merge":      says(object{"enum": words(mergeNames)}, "of a gauge: what becomes of points that meet in one series"),
		"value":      ref("value", "bounds and rounds every number; of a histogram it bounds the sum, which is not sent without"),
		"bounds":     says(object{"type": "array", "minItems": 1, "maxItems": maxBounds, "uniqueItems": true, "items": object{"type": "number"}}, "a histogram's bounds, ascending; they are the policy's, not the sender's"),
		"attributes": ref("attributes", "keys with the values that they may take; what is not named is added up"),
		"max_series": says(object{"type": "integer", "minimum": 1, "maximum": maxSignalSeries}, fmt.Sprintf("of a signal by semver, uuid or hmac: how many series it may have, %d if not said", defaultDictionary)),
	})
	if err != nil {
		return nil, fmt.Errorf("make the schema of a signal: %w", err)
	}
	read := func(c *collector, n *yaml.Node) { c.signal(n) }
	// What every kind needs, in the parser's order.
	always := slices.DeleteFunc(probe(read), func(k string) bool {
		return k != "kind" && slices.ContainsFunc(words(kindNames), func(kind string) bool {
			return !slices.Contains(probe(read, "kind", kind), k)
		})
	})
	s["required"] = always
	rules := []object{{
		"if":   object{"properties": object{"kind": object{"const": KindSum.String()}, "monotonic": object{"const": true}}, "required": []string{"kind"}},
		"then": object{"properties": object{"value": object{"properties": object{"min": object{"minimum": 0}}}}},
	}}
	for _, kind := range words(kindNames) {
		then := object{}
		if more := without(probe(read, "kind", kind), always); len(more) > 0 {
			then["required"] = more
		}
		if refused := refusedBy(kind); len(refused) > 0 {
			never := object{}
			for _, k := range refused {
				never[k] = false
			}
			then["properties"] = never
		}
		rules = append(rules, object{
			"if":   object{"properties": object{"kind": object{"const": kind}}, "required": []string{"kind"}},
			"then": then,
		})
	}
	s["allOf"] = rules
	return s, nil
}

// attributesSchema is a mapping of keys to domains. In identity nothing can be
// missing, so there is no otherwise.
func attributesSchema(otherwise bool) object {
	typed := func(kind any, more object) object {
		properties := object{"type": kind}
		for k, v := range more {
			properties[k] = v
		}
		if otherwise {
			properties["otherwise"] = ref("constant", "what a missing or other value becomes; drop, the default, drops the point")
		}
		return object{"type": "object", "additionalProperties": false, "properties": properties}
	}
	bound := object{"type": "integer", "minimum": -1 << 53, "maximum": 1 << 53}
	var plain []string
	for _, n := range domainNames {
		if n.value != DomainEnum && n.value != DomainInt {
			plain = append(plain, n.name)
		}
	}
	values := object{"type": "array", "minItems": 1, "maxItems": maxEnumValues, "uniqueItems": true, "items": object{"$ref": "#/$defs/constant"}}
	enum := typed(nil, object{"enum": values})
	delete(enum["properties"].(object), "type")
	enum["required"] = []string{"enum"}
	whole := typed(object{"const": DomainInt.String()}, object{"min": bound, "max": bound})
	whole["required"] = []string{"type", "min", "max"}
	other := typed(object{"enum": plain}, nil)
	other["required"] = []string{"type"}
	reservedKeys := []object{{"enum": []string{"le", "quantile"}}, reserved()}
	if otherwise {
		reservedKeys = append(reservedKeys, object{"const": "weir.install.id"})
	}
	s := object{
		"type": "object", "maxProperties": maxAttributes,
		"propertyNames": object{"pattern": keyShape.String(), "not": object{"anyOf": reservedKeys}},
		"additionalProperties": says(object{"oneOf": []object{enum, whole, other}},
			"{enum: [a, b]}, {type: bool}, {type: int, min: 1, max: 9}, {type: semver}, {type: uuid} or {type: hmac}; there is no free text"),
	}
	if !otherwise {
		s["required"] = probe(func(c *collector, n *yaml.Node) { c.identity(n) })
		s["properties"] = object{
			"weir.install.id": says(exactly(DomainUUID), "the install's random id, made on the first start"),
			"service.version": says(exactly(DomainSemver), "Weir's own version"),
		}
	}
	return s
}

func exactly(kind DomainKind) object {
	return object{"type": "object", "additionalProperties": false, "required": []string{"type"}, "properties": object{"type": object{"const": kind.String()}}}
}

// reserved matches the names that Weir makes itself.
func reserved() object {
	return object{"pattern": "^(" + strings.ReplaceAll(strings.Join(reservedNames, "|"), ".", `\.`) + ")"}
}

// probe asks the parser which keys it misses in a mapping of these.
func probe(read func(*collector, *yaml.Node), pairs ...string) []string {
	c := &collector{}
	read(c, mapping(pairs...))
	return c.missed
}

// refusedBy asks the parser which keys it tells to remove from a signal of this
// kind alone.
func refusedBy(kind string) []string {
	var refused []string
	for _, key := range signalKeys {
		tells := func(kind string) bool {
			c := &collector{}
			c.signal(mapping("kind", kind, key, "0"))
			return slices.ContainsFunc(c.list, func(f Fault) bool { return f.Hint == "remove "+key })
		}
		all := !slices.ContainsFunc(words(kindNames), func(k string) bool { return !tells(k) })
		if tells(kind) && !all && key != "kind" {
			refused = append(refused, key)
		}
	}
	return refused
}

// mapping is YAML with one line and plain scalars.
func mapping(pairs ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	for _, s := range pairs {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s, Line: 1, Column: 1})
	}
	return n
}

func without(list, taken []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(taken, s) })
}
