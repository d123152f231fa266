package owntelemetry

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

const (
	consoleEncoding = "weir_console"

	// The collector puts these on every line that a component writes.
	componentID   = "otelcol.component.id"
	componentKind = "otelcol.component.kind"
)

var buffers = buffer.NewPool()

// console writes a log entry as one line for a person:
//
//	2026-01-02T03:04:05.678Z info  local_store exporter: message  key=value other="two words"
//
// Values with blanks and all control characters are quoted: one entry is one
// line, whatever is in it. The MapObjectEncoder holds the fields of With.
type console struct {
	*zapcore.MapObjectEncoder
}

func newConsole() *console { return &console{zapcore.NewMapObjectEncoder()} }

// Clone is called for each With: what the clone is given stays its own. The
// values are never changed, so the map alone is copied.
func (c *console) Clone() zapcore.Encoder {
	out := newConsole()
	maps.Copy(out.Fields, c.Fields)
	return out
}

func (c *console) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	b := buffers.Get()
	b.AppendString(e.Time.Format("2006-01-02T15:04:05.000Z0700"))
	b.AppendByte(' ')
	level := e.Level.String()
	b.AppendString(level)
	b.AppendString(strings.Repeat(" ", max(1, len("error ")-len(level))))

	if id, ok := c.Fields[componentID].(string); ok {
		b.AppendString(line(id))
		if kind, ok := c.Fields[componentKind].(string); ok {
			b.AppendByte(' ')
			b.AppendString(line(strings.ToLower(kind)))
		}
		b.AppendString(": ")
	} else if e.LoggerName != "" {
		b.AppendString(line(e.LoggerName))
		b.AppendString(": ")
	}
	b.AppendString(line(e.Message))

	gap := "  " // before the first field, then one blank
	put := func(key string, value any) {
		b.AppendString(gap)
		b.AppendString(word(key))
		b.AppendByte('=')
		b.AppendString(word(show(value)))
		gap = " "
	}
	for _, f := range fields { // in the order in which they were written
		one := zapcore.NewMapObjectEncoder()
		f.AddTo(one)
		if f.Type == zapcore.ErrorType { // without its verbose form and its stack
			put(f.Key, one.Fields[f.Key])
			continue
		}
		for _, k := range slices.Sorted(maps.Keys(one.Fields)) {
			put(k, one.Fields[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(c.Fields)) {
		if k != componentID && k != componentKind {
			put(k, c.Fields[k])
		}
	}
	b.AppendByte('\n')
	return b, nil
}

// show puts a value as a person would write it.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case fmt.Stringer: // durations
		return v.String()
	}
	if j, err := json.Marshal(v); err == nil {
		return string(j)
	}
	return fmt.Sprint(v) // NaN, complex numbers
}

// word quotes what could not be told apart from its neighbours.
func word(s string) string {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// line escapes what would leave the line or move the cursor.
func line(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
