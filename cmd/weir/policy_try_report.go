package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/weir-telemetry/weir/redaction/gate"
	"github.com/weir-telemetry/weir/redaction/policy"
)

// tryIdentity gives each identity key a fixed value of its domain.
func tryIdentity(p *policy.Policy) map[string]string {
	values := map[string]string{}
	for _, a := range p.Identity {
		switch d := a.Domain; {
		case a.Key == gate.InstallKey || d.Kind == policy.DomainUUID:
			values[a.Key] = tryInstall
		case d.Kind == policy.DomainEnum:
			values[a.Key] = d.Values[0]
		case d.Kind == policy.DomainInt:
			values[a.Key] = strconv.FormatInt(d.Min, 10)
		case d.Kind == policy.DomainBool:
			values[a.Key] = "true"
		default: // a semver, or what an hmac hashes
			values[a.Key] = "1.2.3"
		}
	}
	return values
}

func reportTime(at time.Time, interval time.Duration) pcommon.Timestamp {
	n := at.UnixNano()
	return pcommon.Timestamp(n - n%int64(interval))
}

const digestMark = "<the policy's digest>"

// canonicalReport writes a report in OTLP's JSON as a person would: what fits
// into a line is one line. The digest is a mark, or a comment in the policy would change
// every case.
func canonicalReport(md pmetric.Metrics, d policy.Digest) ([]byte, error) {
	data, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(md)
	if err != nil {
		return nil, fmt.Errorf("write the report as JSON: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	tree, err := readTree(dec)
	if err != nil {
		return nil, fmt.Errorf("write the report as JSON: %w", err)
	}
	tree.replace(strconv.Quote(d.String()), strconv.Quote(digestMark))
	var b strings.Builder
	tree.write(&b, "", 0)
	b.WriteByte('\n')
	return []byte(b.String()), nil
}

// jsonTree is JSON with its keys in their order.
type jsonTree struct {
	open, end byte // of an object or a list; 0: text is all
	text      string
	keys      []string // of an object
	children  []*jsonTree
}

func readTree(dec *json.Decoder) (*jsonTree, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(token)
		return &jsonTree{text: strings.TrimSpace(b.String())}, err
	}
	t := &jsonTree{open: byte(delim), end: "]}"[strings.IndexByte("[{", byte(delim))]}
	for dec.More() {
		if t.open == '{' {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name, ok := key.(string)
			if !ok {
				return nil, errors.New("a key is not text")
			}
			t.keys = append(t.keys, strconv.Quote(name)+": ")
		}
		child, err := readTree(dec)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		t.children = append(t.children, child)
	}
	_, err = dec.Token()
	return t, err
}

// jsonWidth lets a data point with two attributes be one line.
const jsonWidth = 250

func (t *jsonTree) replace(old, text string) {
	if t.open == 0 && t.text == old {
		t.text = text
	}
	for _, c := range t.children {
		c.replace(old, text)
	}
}

func (t *jsonTree) write(b *strings.Builder, indent string, used int) {
	if line := t.line(); t.open == 0 || len(t.children) == 0 || len(indent)+used+len(line) <= jsonWidth {
		b.WriteString(line)
		return
	}
	b.WriteByte(t.open)
	if t.open == '[' && len(t.children) == 1 { // [{ ... }] is one step to the right
		t.children[0].write(b, indent, used+1)
		b.WriteByte(t.end)
		return
	}
	for i, c := range t.children {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + indent + "  " + t.key(i))
		c.write(b, indent+"  ", len(t.key(i)))
	}
	b.WriteString("\n" + indent)
	b.WriteByte(t.end)
}

func (t *jsonTree) key(i int) string {
	if t.open == '{' {
		return t.keys[i]
	}
	return ""
}

func (t *jsonTree) line() string {
	if t.open == 0 {
		return t.text
	}
	parts := make([]string, len(t.children))
	for i, c := range t.children {
		parts[i] = t.key(i) + c.line()
	}
	return string(t.open) + strings.Join(parts, ", ") + string(t.end)
}

// lineDiff shows what differs, with a line of what surrounds it.
func lineDiff(want, got string) string {
	a, b := splitLines(want), splitLines(got)
	common := make([][]int, len(a)+1) // the longest common rest of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return near(out)
}

func splitLines(s string) []string {
	if s = strings.TrimSuffix(s, "\n"); s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// near keeps the lines that differ, those beside them, and a mark for the rest.
func near(lines []string) string {
	const around = 2
	keep := make([]bool, len(lines))
	for i, l := range lines {
		if l[0] != ' ' {
			for k := max(0, i-around); k <= min(len(lines)-1, i+around); k++ {
				keep[k] = true
			}
		}
	}
	var b strings.Builder
	for i, l := range lines {
		switch {
		case keep[i]:
			b.WriteString(l + "\n")
		case i == 0 || keep[i-1]:
			b.WriteString("  ...\n")
		}
	}
	return b.String()
}
