package otlplogs

import (
	"github.com/prometheus/prometheus/model/labels"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxDepth bounds how deep a value may be nested. Deeper ones would cost stack
// and time out of proportion to their size; they become an empty string.
const maxDepth = 64

// maxFlatten is how deep nested attributes get names of their own; below, they
// are JSON.
const maxFlatten = 8

// appendAttribute adds an attribute; a map becomes one for each of its leaves,
// names joined by underscores.
func appendAttribute(b []labels.Label, name string, v pcommon.Value, depth int) []labels.Label {
	if v.Type() == pcommon.ValueTypeMap && depth < maxFlatten {
		for k, child := range v.Map().All() {
			b = appendAttribute(b, name+"_"+k, child, depth+1)
		}
		return b
	}
	if name == "" {
		return b
	}
	return append(b, labels.Label{Name: sanitize(name), Value: text(v)})
}

// text is a value as a string: strings as they are, the rest as JSON.
func text(v pcommon.Value) string {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return v.Str()
	case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		if !shallow(v, maxDepth) {
			return ""
		}
	}
	return v.AsString()
}

func shallow(v pcommon.Value, left int) bool {
	if left == 0 {
		return false
	}
	switch v.Type() {
	case pcommon.ValueTypeMap:
		for _, child := range v.Map().All() {
			if !shallow(child, left-1) {
				return false
			}
		}
	case pcommon.ValueTypeSlice:
		for _, child := range v.Slice().All() {
			if !shallow(child, left-1) {
				return false
			}
		}
	}
	return true
}

// sanitize makes a label name of an attribute's name: what is not a letter, a
// digit or an underscore becomes an underscore, and a leading digit gets a
// prefix, as Prometheus' translator has it.
func sanitize(name string) string {
	valid := name != "" && !digit(name[0])
	for i := 0; i < len(name) && valid; i++ {
		valid = labelByte(name[i])
	}
	if valid {
		return name
	}
	var b []byte
	if name != "" && digit(name[0]) {
		b = append(b, "key_"...)
	}
	for _, r := range name { // one underscore for a character, not for a byte
		if r < 0x80 && labelByte(byte(r)) {
			b = append(b, byte(r))
		} else {
			b = append(b, '_')
		}
	}
	return string(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func labelByte(c byte) bool { return letter(c) || digit(c) || c == '_' }
