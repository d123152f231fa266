package otlplogs

import (
	"strings"

	"github.com/tidwall/gjson"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Level derives Loki's detected_level: from the severity number, else the
// severity text, else the line. The values are trace, debug, info, warn, error,
// critical, fatal and unknown.
func Level(number plog.SeverityNumber, severityText, line string) string {
	if number >= plog.SeverityNumberTrace && number <= plog.SeverityNumberFatal4 {
		return [...]string{"trace", "debug", "info", "warn", "error", "fatal"}[(number-1)/4]
	}
	if l := levelWord(severityText); l != "" {
		return l
	}
	if l := levelOfLine(line); l != "" {
		return l
	}
	return "unknown"
}

// levelWords are what names a level, by the level that they name.
var levelWords = [...]struct{ word, level string }{
	{"trace", "trace"}, {"trc", "trace"}, {"debug", "debug"}, {"dbg", "debug"}, {"info", "info"}, {"inf", "info"},
	{"information", "info"}, {"warn", "warn"}, {"wrn", "warn"}, {"warning", "warn"}, {"error", "error"}, {"err", "error"},
	{"critical", "critical"}, {"fatal", "fatal"},
}

// levelWord normalises one word; empty if it names no level.
func levelWord(w string) string {
	if len(w) < len("err") || len(w) > len("information") {
		return ""
	}
	switch w[0] | 0x20 { // most words begin otherwise
	case 't', 'd', 'i', 'w', 'e', 'c', 'f':
	default:
		return ""
	}
	for i := range levelWords {
		if l := &levelWords[i]; len(l.word) == len(w) && l.word[0] == w[0]|0x20 && strings.EqualFold(l.word, w) {
			return l.level
		}
	}
	return ""
}

// levelKey reports whether a field of this name holds the level.
func levelKey(k string) bool {
	switch k {
	case "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText",
		"lvl", "LVL", "Lvl", "severity_text", "Severity_Text", "SEVERITY_TEXT":
		return true
	}
	return false
}

// A line is looked at only so far: fields far behind in a huge line are not
// worth reading all of it for each record.
const (
	maxFields   = 16 << 10
	maxKeywords = 1 << 10
)

func levelOfLine(line string) string {
	line = strings.TrimSpace(line)
	l := ""
	if strings.HasPrefix(line, "{") && strings.HasSuffix(line, "}") {
		if len(line) <= 4*maxFields {
			l = levelOfJSON(line)
		}
	} else {
		l = levelOfLogfmt(line[:min(len(line), maxFields)])
	}
	if l == "" {
		l = levelOfWords(line[:min(len(line), maxKeywords)])
	}
	return l
}

// levelOfJSON looks at the outermost fields.
func levelOfJSON(line string) (l string) {
	gjson.Parse(line).ForEach(func(k, v gjson.Result) bool {
		if v.Type == gjson.String && levelKey(k.Str) {
			l = levelWord(v.Str)
		}
		return l == ""
	})
	return l
}

// levelOfLogfmt looks at key=value pairs.
func levelOfLogfmt(line string) string {
	for at := 0; ; {
		eq := strings.IndexByte(line[at:], '=')
		if eq < 0 {
			return ""
		}
		eq += at
		key := line[at:eq] // from the equals sign before, so no byte is looked at twice
		key = key[strings.LastIndexAny(key, " \t\"")+1:]
		at = eq + 1
		if !levelKey(key) {
			continue
		}
		value := strings.TrimLeft(line[at:], "\"")
		end := 0
		for end < len(value) && letter(value[end]) {
			end++
		}
		if l := levelWord(value[:end]); l != "" {
			return l
		}
	}
}

// levelOfWords finds the first word that names a level.
func levelOfWords(line string) string {
	for i := 0; i < len(line); {
		if !letter(line[i]) {
			i++
			continue
		}
		start := i
		for i < len(line) && letter(line[i]) {
			i++
		}
		if l := levelWord(line[start:i]); l != "" {
			return l
		}
	}
	return ""
}
