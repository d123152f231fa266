package gate

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/weir-telemetry/weir/redaction/policy"
)

// message is the part of OTLP's schema that a report uses: which of a message's
// fields are messages themselves.
type message map[protowire.Number]message

var (
	anyValue  = message{}
	attribute = message{2: anyValue}
	point     = message{7: attribute}
	histo     = message{9: attribute}
	schema    = message{1: { // ResourceMetrics
		1: {1: attribute}, // Resource
		2: { // ScopeMetrics
			1: {}, // InstrumentationScope
			2: { // Metric
				5: {1: point}, // Gauge
				7: {1: point}, // Sum
				9: {1: histo}, // Histogram
			},
		},
	}}
)

// edits calls visit with every message of data, and a way to build the whole
// with that message replaced.
func edits(data []byte, schema message, path string, build func([]byte) []byte, visit func(path string, m []byte, build func([]byte) []byte)) {
	visit(path, data, build)
	for at := 0; at < len(data); {
		num, typ, n := protowire.ConsumeTag(data[at:])
		size := protowire.ConsumeFieldValue(num, typ, data[at+n:])
		if n < 0 || size < 0 {
			panic("the report is not protobuf")
		}
		end := at + n + size
		if child, ok := schema[num]; ok && typ == protowire.BytesType {
			body, _ := protowire.ConsumeBytes(data[at+n:])
			before, after := data[:at], data[end:]
			edits(body, child, fmt.Sprintf("%s.%d", path, num), func(b []byte) []byte {
				out := bytes.Clone(before)
				out = protowire.AppendTag(out, num, protowire.BytesType)
				out = protowire.AppendBytes(out, b)
				return build(append(out, after...))
			}, visit)
		}
		at = end
	}
}

// Every message of a report is given, one at a time, what Weir never writes.
func TestNoOtherEncodingOfAReportPasses(t *testing.T) {
	p := testPolicy(t)
	data := marshal(t, report(most{}, p.Digest, 7))
	if err := CheckBytes(p, data, facts); err != nil {
		t.Fatal(err)
	}
	canary := protowire.AppendString(protowire.AppendTag(nil, 500, protowire.BytesType), "canary")
	counter := protowire.AppendVarint(protowire.AppendTag(nil, 501, protowire.VarintType), 1)
	group := protowire.AppendTag(protowire.AppendTag(nil, 502, protowire.StartGroupType), 502, protowire.EndGroupType)
	paths := map[string]bool{}
	tried := 0
	edits(data, schema, "report", func(b []byte) []byte { return b }, func(path string, m []byte, build func([]byte) []byte) {
		paths[path] = true
		try := func(what string, changed []byte) {
			tried++
			whole := build(changed)
			if bytes.Equal(whole, data) {
				t.Fatalf("%s: %s changed nothing", path, what)
			}
			if err := CheckBytes(p, whole, facts); err == nil {
				t.Errorf("%s: %s passed", path, what)
			}
		}
		for what, extra := range map[string][]byte{"unknown text": canary, "unknown number": counter, "group": group} {
			try(what, append(bytes.Clone(m), extra...))
			try(what+" first", append(bytes.Clone(extra), m...))
		}
		// Fields as they come, each once more (the last wins) and each with a
		// longer tag than it needs.
		for at := 0; at < len(m); {
			num, typ, n := protowire.ConsumeTag(m[at:])
			end := at + n + protowire.ConsumeFieldValue(num, typ, m[at+n:])
			try(fmt.Sprintf("field %d twice", num), append(bytes.Clone(m[:end]), m[at:]...))
			long := append(bytes.Clone(m[:at]), m[at]|0x80, 0)
			if n == 1 {
				try(fmt.Sprintf("field %d with a long tag", num), append(long, m[at+1:]...))
			}
			at = end
		}
	})
	if len(paths) < 12 || tried < 500 {
		t.Errorf("only %d kinds of message, %d edits: %v", len(paths), tried, paths)
	}
}

func TestBrokenBytesAreRefused(t *testing.T) {
	p := testPolicy(t)
	data := marshal(t, report(most{}, p.Digest, 7))
	for i := range data {
		if CheckBytes(p, data[:i], facts) == nil {
			t.Fatalf("the first %d of %d bytes passed", i, len(data))
		}
		for _, bit := range []byte{1, 0x80} {
			flipped := bytes.Clone(data)
			flipped[i] ^= bit
			if err := CheckBytes(p, flipped, facts); err == nil && !isValue(t, p, flipped) {
				t.Fatalf("byte %d changed, and passed", i)
			}
		}
	}
	var r *Refusal
	if err := CheckBytes(p, make([]byte, 100<<20), facts); !errors.As(err, &r) || r.Reason != Oversized {
		t.Errorf("100 MB of zeros: %v", err)
	}
}

// isValue reports whether data still says only what the policy allows, judged
// by its words: a flipped bit may turn one allowed value into another.
func isValue(t testing.TB, p *policy.Policy, data []byte) bool {
	t.Helper()
	return wordsOnly(p, data, schema)
}

// wordsOnly holds every text of a message against the policy's words. What is
// packed numbers and no text is told by its place in the schema.
func wordsOnly(p *policy.Policy, m []byte, schema message) bool {
	for at := 0; at < len(m); {
		num, typ, n := protowire.ConsumeTag(m[at:])
		size := protowire.ConsumeFieldValue(num, typ, m[at+n:])
		if n < 0 || size < 0 {
			return false
		}
		if typ == protowire.BytesType {
			body, _ := protowire.ConsumeBytes(m[at+n:])
			child, isMessage := schema[num]
			_, isHistogram := schema[9]
			packed := isHistogram && (num == 6 || num == 7)
			if isMessage && !wordsOnly(p, body, child) || !isMessage && !packed && !isWord(p, string(body)) {
				return false
			}
		}
		at += n + size
	}
	return true
}

func isWord(p *policy.Policy, s string) bool {
	if s == "" || s == "weir" || s == SequenceMetric || s == SequenceUnit || s == DigestAttribute || s == p.Digest.String() {
		return true
	}
	closed := func(list []policy.Attribute) bool {
		for _, a := range list {
			if s == a.Key || s == a.Otherwise.Constant || a.Domain.Contains(s) {
				return true
			}
		}
		return false
	}
	for i := range p.Signals {
		if s == p.Signals[i].Name || s == p.Signals[i].Unit || closed(p.Signals[i].Attributes) {
			return true
		}
	}
	return closed(p.Identity)
}

// FuzzCheckBytes: nothing panics, and what passes says nothing but words of the
// policy.
func FuzzCheckBytes(f *testing.F) {
	p := testPolicy(f)
	f.Add(marshal(f, report(most{}, p.Digest, 7)))
	f.Add(marshal(f, report(least{}, p.Digest, 7)))
	for _, m := range mutations {
		md := report(most{}, p.Digest, 7)
		m.mutate(md)
		f.Add(marshal(f, md))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := CheckBytes(p, data, Facts{}); err != nil {
			var r *Refusal
			if !errors.As(err, &r) || r.Reason == "" {
				t.Fatalf("an error without a reason: %v", err)
			}
			return
		}
		if !isValue(t, p, data) {
			t.Fatal("something passed that is not in the policy")
		}
	})
}

// least picks as little as there is.
type least struct{}

func (least) upTo(int) int { return 0 }
