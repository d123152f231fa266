package syntax

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond,
	"us": time.Microsecond,
	"µs": time.Microsecond, // U+00B5, micro sign
	"μs": time.Microsecond, // U+03BC, Greek mu
	"ms": time.Millisecond,
	"s":  time.Second,
	"m":  time.Minute,
	"h":  time.Hour,
	"d":  24 * time.Hour,
	"w":  7 * 24 * time.Hour,
	"y":  365 * 24 * time.Hour,
}

// ParseDuration reads what Go's time.ParseDuration and Prometheus' durations
// read together: decimal numbers with units from ns to y, one after another.
func ParseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errors.New(`not a valid duration string: ""`)
	}
	bad := func() (time.Duration, error) {
		return 0, fmt.Errorf("not a valid duration string: %q", s)
	}
	rest := s
	var total time.Duration
	for rest != "" {
		n := 0
		for n < len(rest) && (rest[n] == '.' || isDigit(rest[n])) {
			n++
		}
		u := n
		for u < len(rest) && rest[u] != '.' && !isDigit(rest[u]) {
			u++
		}
		unit, ok := durationUnits[rest[n:u]]
		if n == 0 || !ok {
			return bad()
		}
		var part time.Duration
		if whole, err := strconv.ParseInt(rest[:n], 10, 64); err == nil {
			if whole > math.MaxInt64/int64(unit) {
				return bad()
			}
			part = time.Duration(whole) * unit
		} else {
			f, err := strconv.ParseFloat(rest[:n], 64)
			if err != nil || f*float64(unit) >= math.MaxInt64 {
				return bad()
			}
			part = time.Duration(math.Round(f * float64(unit)))
		}
		if total += part; total < 0 {
			return bad()
		}
		rest = rest[u:]
	}
	return total, nil
}

// FormatDuration is ParseDuration's inverse.
func FormatDuration(d time.Duration) string {
	if d >= time.Millisecond && d%time.Millisecond == 0 {
		return model.Duration(d).String()
	}
	return d.String()
}

var byteUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "ki": 1 << 10, "kib": 1 << 10,
	"m": 1e6, "mb": 1e6, "mi": 1 << 20, "mib": 1 << 20,
	"g": 1e9, "gb": 1e9, "gi": 1 << 30, "gib": 1 << 30,
	"t": 1e12, "tb": 1e12, "ti": 1 << 40, "tib": 1 << 40,
	"p": 1e15, "pb": 1e15, "pi": 1 << 50, "pib": 1 << 50,
	"e": 1e18, "eb": 1e18, "ei": 1 << 60, "eib": 1 << 60,
}

// ParseBytes reads a size such as 42MB, 1.5KiB or "5 MiB"; the case of the unit
// does not matter, KB is 1000 and KiB 1024.
func ParseBytes(s string) (uint64, error) {
	n := 0
	for n < len(s) && (s[n] == '.' || s[n] == ',' || isDigit(s[n])) {
		n++
	}
	digits := strings.ReplaceAll(s[:n], ",", "")
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, fmt.Errorf("strconv.ParseFloat: parsing %q: invalid syntax", digits)
	}
	name := strings.ToLower(strings.TrimSpace(s[n:]))
	unit, ok := byteUnits[name]
	if !ok {
		return 0, fmt.Errorf("unhandled size name: %s", name)
	}
	if unit == 1 {
		if v, err := strconv.ParseUint(digits, 10, 64); err == nil {
			return v, nil
		}
	}
	if f *= unit; f >= math.MaxUint64 {
		return 0, fmt.Errorf("too large: %s", s)
	}
	return uint64(f), nil
}

func formatNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
