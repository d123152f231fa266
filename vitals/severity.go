package vitals

import (
	"strings"

	"github.com/tidwall/gjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

type severity uint8

const (
	unspecified severity = iota
	trace
	debug
	info
	warn
	errorSeverity
	fatal
	severities = iota
)

var severityNames = [severities]string{"unspecified", "trace", "debug", "info", "warn", "error", "fatal"}

// maxLookBytes bounds how far into a line its severity is looked for.
const maxLookBytes = 8 << 10

// A record's severity is that of its number; else of its text; else as the
// line itself says it in JSON or logfmt; else by an attribute of the record or a
// label of its stream, which is where Loki's agents put it; else as a line of
// text begins.

// severityOfNumber is unspecified for what is outside OpenTelemetry's scale.
func severityOfNumber(n plog.SeverityNumber) severity {
	if n >= 1 && n <= 24 {
		return severity((n + 3) / 4)
	}
	return unspecified
}

func severityFromElsewhere(r plog.LogRecord, rl plog.ResourceLogs) severity {
	if s := severityFromText(r.SeverityText()); s != unspecified {
		return s
	}
	body := r.Body()
	switch body.Type() {
	case pcommon.ValueTypeStr:
		if s := severityFromLine(body.Str()); s != unspecified {
			return s
		}
	case pcommon.ValueTypeMap:
		if s := severityFromMap(body.Map()); s != unspecified {
			return s
		}
	}
	if s := severityFromMap(r.Attributes()); s != unspecified {
		return s
	}
	if s := severityFromMap(rl.Resource().Attributes()); s != unspecified {
		return s
	}
	if body.Type() == pcommon.ValueTypeStr {
		return severityFromHead(body.Str())
	}
	return unspecified
}

// severityFromLine reads JSON's and logfmt's usual keys.
func severityFromLine(line string) severity {
	if len(line) > maxLookBytes {
		line = line[:maxLookBytes]
	}
	line = strings.TrimLeft(line, " \t")
	if line == "" {
		return unspecified
	}
	if line[0] == '{' {
		return severityFromJSON(line)
	}
	return severityFromLogfmt(line)
}

func severityFromJSON(line string) severity {
	found := unspecified
	gjson.Parse(line).ForEach(func(key, value gjson.Result) bool {
		switch {
		case !isSeverityKey(key.Str):
		case value.Type == gjson.String:
			found = severityFromText(value.Str)
		case value.Type == gjson.Number:
			found = severityFromNumber(value.Num)
		}
		return found == unspecified
	})
	return found
}

// severityFromLogfmt walks key=value pairs; what is in quotes is not a key.
func severityFromLogfmt(line string) severity {
	for i := 0; i < len(line); {
		start := i
		for i < len(line) && line[i] > ' ' && line[i] != '=' && line[i] != '"' {
			i++
		}
		key := line[start:i]
		if i == len(line) {
			break
		}
		if line[i] == '"' {
			i = afterQuote(line, i)
			continue
		}
		if line[i] != '=' {
			i++
			continue
		}
		i++
		start = i
		var value string
		if i < len(line) && line[i] == '"' {
			i = afterQuote(line, i)
			value = strings.Trim(line[start:i], `"`)
		} else {
			for i < len(line) && line[i] > ' ' {
				i++
			}
			value = line[start:i]
		}
		if isSeverityKey(key) {
			if s := severityFromText(value); s != unspecified {
				return s
			}
		}
	}
	return unspecified
}

// afterQuote is the index behind the string that opens at i.
func afterQuote(line string, i int) int {
	for i++; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}

func severityFromMap(m pcommon.Map) severity {
	for key, value := range m.All() {
		if !isSeverityKey(key) {
			continue
		}
		s := unspecified
		switch value.Type() {
		case pcommon.ValueTypeStr:
			s = severityFromText(value.Str())
		case pcommon.ValueTypeInt:
			s = severityFromNumber(float64(value.Int()))
		}
		if s != unspecified {
			return s
		}
	}
	return unspecified
}

func isSeverityKey(k string) bool {
	switch len(k) {
	case 3:
		return strings.EqualFold(k, "lvl")
	case 5:
		return strings.EqualFold(k, "level")
	case 8:
		return strings.EqualFold(k, "severity") || strings.EqualFold(k, "loglevel")
	case 9:
		return k == "log.level" || k == "levelname" || k == "log_level"
	case 13:
		return k == "severity_text"
	case 14:
		return k == "detected_level"
	}
	return false
}

// severityFromNumber reads the scale of bunyan and pino, the one JSON loggers
// that write numbers share.
func severityFromNumber(n float64) severity {
	switch n {
	case 10:
		return trace
	case 20:
		return debug
	case 30:
		return info
	case 40:
		return warn
	case 50:
		return errorSeverity
	case 60:
		return fatal
	}
	return unspecified
}

// severityTexts are what loggers call the severities, the usual first.
var severityTexts = [severities][]string{
	info:          {"info", "information", "informational", "notice", "inf", "note", "log"},
	errorSeverity: {"error", "err", "eror", "severe", "fail", "failure"},
	warn:          {"warn", "warning", "wrn"},
	debug:         {"debug", "dbg", "fine", "dbug"},
	trace:         {"trace", "trc", "verbose", "finer", "finest", "trce"},
	fatal:         {"fatal", "critical", "crit", "alert", "emergency", "emerg", "panic", "dpanic", "ftl", "pnc"},
}

type severityText struct {
	text string
	is   severity
}

// textsByLength are the same, for a look-up that most words fail at once.
var textsByLength = func() (by [16][]severityText) {
	for is, texts := range severityTexts {
		for _, text := range texts {
			by[len(text)] = append(by[len(text)], severityText{text, severity(is)})
		}
	}
	return by
}()

// severityFromText knows the words that loggers use, OpenTelemetry's own short
// names (INFO2), and slog's levels in between (WARN+1).
func severityFromText(s string) severity {
	switch n := len(s); {
	case n > 2 && isDigit(s[n-1]) && (s[n-2] == '+' || s[n-2] == '-'):
		s = s[:n-2]
	case n > 1 && s[n-1] >= '2' && s[n-1] <= '4':
		s = s[:n-1]
	}
	if len(s) >= len(textsByLength) {
		return unspecified
	}
	for i := range textsByLength[len(s)] {
		if t := &textsByLength[len(s)][i]; t.text[0] == s[0]|0x20 && strings.EqualFold(t.text, s) {
			return t.is
		}
	}
	return unspecified
}
