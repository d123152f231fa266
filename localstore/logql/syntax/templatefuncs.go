package syntax

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/grafana/regexp"
)

// maxText bounds what one call of a template function may produce.
const maxText = 1 << 20

var (
	errTooLong = errors.New("text too long")
	errRepeat  = errors.New("strings: negative Repeat count")
)

// templateFuncs are the functions that Loki's documentation lists.
var templateFuncs = template.FuncMap{
	"alignLeft":              func(n int, s string) (string, error) { return align(n, s, true) },
	"alignRight":             func(n int, s string) (string, error) { return align(n, s, false) },
	"b64enc":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"b64dec":                 b64dec,
	"bytes":                  func(s string) (float64, error) { v, err := ParseBytes(s); return float64(v), err },
	"contains":               func(sub, s string) bool { return strings.Contains(s, sub) },
	"count":                  countMatches,
	"date":                   func(layout string, t any) string { return toTime(t).Format(layout) },
	"default":                orDefault,
	"duration":               durationSeconds,
	"duration_seconds":       durationSeconds,
	"fromJson":               fromJSONText,
	"hasPrefix":              func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
	"hasSuffix":              func(suffix, s string) bool { return strings.HasSuffix(s, suffix) },
	"indent":                 indent,
	"nindent":                func(n int, s string) (string, error) { s, err := indent(n, s); return "\n" + s, err },
	"lower":                  strings.ToLower,
	"ToLower":                strings.ToLower,
	"upper":                  strings.ToUpper,
	"ToUpper":                strings.ToUpper,
	"title":                  title,
	"regexReplaceAll":        regexReplaceAll,
	"regexReplaceAllLiteral": regexReplaceAllLiteral,
	"repeat":                 repeat,
	"replace":                func(old, to, s string) string { return strings.ReplaceAll(s, old, to) },
	"Replace":                func(s, old, to string, n int) string { return strings.Replace(s, old, to, n) },
	"substr":                 substr,
	"toDate":                 toDate,
	"toDateInZone":           toDateInZone,
	"trim":                   strings.TrimSpace,
	"TrimSpace":              strings.TrimSpace,
	"trimAll":                func(cut, s string) string { return strings.Trim(s, cut) },
	"Trim":                   strings.Trim,
	"TrimLeft":               strings.TrimLeft,
	"TrimRight":              strings.TrimRight,
	"trimPrefix":             func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
	"TrimPrefix":             strings.TrimPrefix,
	"trimSuffix":             func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	"TrimSuffix":             strings.TrimSuffix,
	"trunc":                  trunc,
	"unixEpoch":              func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
	"unixEpochMillis":        func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) },
	"unixEpochNanos":         func(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) },
	"unixToTime":             unixToTime,
	"urlencode":              url.QueryEscape,
	"urldecode":              url.QueryUnescape,

	"add": add, "addf": addf, "sub": sub, "subf": subf, "mul": mul, "mulf": mulf,
	"div": div, "divf": divf, "mod": mod,
	"max": maxInts, "maxf": maxFloats, "min": minInts, "minf": minFloats,
	"ceil": ceil, "floor": floor, "round": round, "int": toInt, "float64": toFloat,
}

func align(n int, s string, left bool) (string, error) {
	if n < 0 {
		return s, nil
	}
	if n > maxText {
		return "", errTooLong
	}
	r := []rune(s)
	switch pad := n - len(r); {
	case pad > 0 && left:
		return s + strings.Repeat(" ", pad), nil
	case pad > 0:
		return strings.Repeat(" ", pad) + s, nil
	case left:
		return string(r[:n]), nil
	}
	return string(r[len(r)-n:]), nil
}

func b64dec(s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func countMatches(expr, s string) (int, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return 0, err
	}
	return len(re.FindAllStringIndex(s, -1)), nil
}

func orDefault(def any, given ...any) any {
	if len(given) == 0 {
		return def
	}
	if truth, ok := template.IsTrue(given[0]); !ok || !truth {
		return def
	}
	return given[0]
}

func durationSeconds(s string) (float64, error) {
	d, err := time.ParseDuration(s)
	return d.Seconds(), err
}

func fromJSONText(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) != nil {
		return nil
	}
	return v
}

func indent(n int, s string) (string, error) {
	if n < 0 {
		return "", errRepeat
	}
	if n > maxText/(1+strings.Count(s, "\n")) {
		return "", errTooLong
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func repeat(n int, s string) (string, error) {
	if n < 0 {
		return "", errRepeat
	}
	if len(s) > 0 && n > maxText/len(s) {
		return "", errTooLong
	}
	return strings.Repeat(s, n), nil
}

// title makes the first letter of every word a capital, as strings.Title did.
func title(s string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		start := endsWord(before)
		before = r
		if start {
			return unicode.ToTitle(r)
		}
		return r
	}, s)
}

func endsWord(r rune) bool {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' {
		return false
	}
	return r < utf8.RuneSelf || unicode.IsSpace(r)
}

func regexReplaceAll(expr, s, to string) (string, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return "", err
	}
	return re.ReplaceAllString(s, to), nil
}

func regexReplaceAllLiteral(expr, s, to string) (string, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return "", err
	}
	return re.ReplaceAllLiteralString(s, to), nil
}

// substr and trunc count bytes, and may cut a letter in two.
func substr(start, end int, s string) (string, error) {
	n := len(s)
	if start < 0 {
		return s[:clamp(end, 0, n)], nil
	}
	if end < 0 || end > n {
		end = n
	}
	if start > end {
		return "", fmt.Errorf("runtime error: slice bounds out of range [%d:%d]", start, end)
	}
	return s[start:end], nil
}

func trunc(n int, s string) string {
	switch {
	case n < 0 && len(s)+n > 0:
		return s[len(s)+n:]
	case n >= 0 && len(s) > n:
		return s[:n]
	}
	return s
}

func clamp(v, low, high int) int { return max(low, min(v, high)) }

// toDate and toDateInZone give the zero time for what they cannot read.
func toDate(layout, s string) time.Time {
	t, _ := time.ParseInLocation(layout, s, time.Local)
	return t
}

func toDateInZone(layout, zone, s string) time.Time {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	t, _ := time.ParseInLocation(layout, s, loc)
	return t
}

func toTime(v any) time.Time {
	switch v := v.(type) {
	case time.Time:
		return v
	case int64:
		return time.Unix(v, 0)
	case int:
		return time.Unix(int64(v), 0)
	}
	return time.Time{}
}

// unixToTime guesses the unit from the number of digits: days, seconds,
// milliseconds, microseconds or nanoseconds.
func unixToTime(epoch string) (time.Time, error) {
	v, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("unable to parse time '%s': %w", epoch, err)
	}
	switch n := len(epoch); {
	case n == 5:
		return time.Unix(v*86400, 0), nil
	case n == 10:
		return time.Unix(v, 0), nil
	case n == 13:
		return time.UnixMilli(v), nil
	case n == 16:
		return time.UnixMicro(v), nil
	case n == 19:
		return time.Unix(0, v), nil
	}
	return time.Time{}, errors.New("unable to parse time '" + epoch + "'")
}
