package policy

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Explain writes the policy in plain words, entry by entry: what may leave,
// why, whom to ask, which values there are and how many bits they are worth.
func Explain(w io.Writer, p *Policy) error {
	d := Describe(p)
	e := &errWriter{w: w}
	e.printf("%s of %s, revision %d\n\n", d.Product, d.Vendor, d.Revision)
	e.printf("  digest       %s\n", d.Digest)
	e.printf("  goes to      %s, and nowhere else\n", d.Destination)
	e.printf("  how often    one report every %s, %s a day\n", d.Interval, count(float64(d.Budget.IntervalsPerDay)))
	e.printf("  expires      %s\n", d.Expires)
	e.printf("\nEvery report says whom it is from:\n\n")
	for _, a := range d.Identity {
		e.printf("  %s: %s\n", a.Key, a.Values)
	}
	e.printf("  weir.policy.digest: the digest above\n")
	e.printf("  weir.report.sequence: the report's number, 1, 2, 3 and so on\n")
	e.printf("  its time, and since when it counts\n")
	e.printf("\nBesides that, nothing leaves but %s.\n", plural(len(d.Signals), "signal"))
	for i, s := range d.Signals {
		e.printf("\n%d. %s (%s)\n", i+1, s.Name, s.place())
		e.printf("   what      %s\n", s.What)
		e.printf("   why       %s\n", s.Why)
		e.printf("   ask       %s\n", s.Owner)
		e.printf("   answers   %s\n", s.Category)
		if s.Expires != never {
			e.printf("   expires   %s\n", s.Expires)
		}
		for _, a := range s.Attributes {
			e.printf("   by        %s: %s; %s\n", a.Key, a.Values, a.Otherwise)
		}
		e.printf("   series    %s\n", s.Series)
		e.printf("   at most   %s bits a report, %s bits a day\n", count(s.Budget.BitsPerInterval), count(s.Budget.BitsPerDay))
		e.printf("   example   %s\n", s.Example)
	}
	e.printf("\nIn all at most %s.\n", SayBudget(d.Budget))
	e.printf("That counts every report this file allows, likely or not. The edge counts what\nleaves and refuses a report that would be more. Who it is from is the same in all\nof them and counts once, %s bits.\n", count(d.Budget.IdentityBits))
	return e.err
}

// place says where an entry stands.
func (s *SignalDescription) place() string {
	if s.Set != "" {
		return fmt.Sprintf("out of the built-in set %s, line %d", s.Set, s.Line)
	}
	return fmt.Sprintf("line %d", s.Line)
}

// SayBudget is the whole budget in words.
func SayBudget(b BudgetReport) string {
	return fmt.Sprintf("%s bits a report, %s bits (%s) a day", count(b.BitsPerInterval), count(b.BitsPerDay), size(b.BitsPerDay))
}

type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) printf(format string, args ...any) {
	if e.err == nil {
		_, e.err = fmt.Fprintf(e.w, format, args...)
	}
}

func (s *Signal) what() string {
	var b strings.Builder
	switch s.Kind {
	case KindSum:
		if s.UpDown {
			fmt.Fprintf(&b, "a total%s that goes up and down", unit(s.Unit))
		} else {
			fmt.Fprintf(&b, "a running total%s that only grows", unit(s.Unit))
		}
	case KindGauge:
		fmt.Fprintf(&b, "a measure%s of the moment; points that meet become their %s", unit(s.Unit), mergeWords[s.Merge])
	case KindHistogram:
		fmt.Fprintf(&b, "how many observations%s fell between %s", unit(s.Unit), join(s.Bounds))
	}
	switch {
	case s.Kind == KindHistogram && s.HasValue:
		fmt.Fprintf(&b, "; and their sum, from %s to %s in steps of %s", grouped(s.Value.Min), grouped(s.Value.Max), grouped(s.Value.Step))
	case s.HasValue:
		fmt.Fprintf(&b, "; from %s to %s in steps of %s", grouped(s.Value.Min), grouped(s.Value.Max), grouped(s.Value.Step))
	}
	return b.String()
}

var mergeWords = map[Merge]string{
	MergeLast: "latest", MergeSum: "sum", MergeMin: "least", MergeMax: "greatest", MergeMean: "mean",
}

// unitWords spells the units that a reader may not know by heart.
var unitWords = map[string]string{"s": "seconds", "ms": "milliseconds", "By": "bytes", "Cel": "degrees Celsius"}

// unit is ", in seconds"; a bare number has none to name.
func unit(u string) string {
	if u == "1" {
		return ""
	}
	if w, ok := unitWords[u]; ok {
		u = w
	}
	return ", in " + u + ","
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

func (a *Attribute) values() string {
	switch a.Domain.Kind {
	case DomainEnum:
		if len(a.Domain.Values) == 1 {
			return "only " + a.Domain.Values[0]
		}
		return "one of " + strings.Join(a.Domain.Values, ", ")
	case DomainBool:
		return "true or false"
	case DomainInt:
		return fmt.Sprintf("a whole number from %d to %d", a.Domain.Min, a.Domain.Max)
	case DomainSemver:
		return "a version such as 1.2.3, at most 32 characters"
	case DomainUUID:
		return "a UUID"
	default:
		return "a keyed hash: the same value gives the same 16 hex digits in this install only, and cannot be read back"
	}
}

func (a *Attribute) example() string {
	switch a.Domain.Kind {
	case DomainEnum:
		return a.Domain.Values[0]
	case DomainBool:
		return "true"
	case DomainInt:
		return strconv.FormatInt(a.Domain.Min, 10)
	case DomainSemver:
		return "1.2.3"
	case DomainUUID:
		return "3e0c9d5a-7f1b-4c58-9a54-2f6d1b8e7c30"
	default:
		return "5f8c1d20b97ae634"
	}
}

func (s *Signal) example() string {
	var b strings.Builder
	b.WriteString(s.Name)
	for i := range s.Attributes {
		b.WriteByte("{,"[min(i, 1)])
		fmt.Fprintf(&b, "%s=%q", s.Attributes[i].Key, s.Attributes[i].example())
	}
	if len(s.Attributes) > 0 {
		b.WriteByte('}')
	}
	if s.Kind == KindHistogram {
		at := s.Bounds[len(s.Bounds)/2]
		fmt.Fprintf(&b, " 42 up to %s, 3 above %s", num(at), num(s.Bounds[len(s.Bounds)-1]))
		return b.String()
	}
	return b.String() + " " + num(s.Value.At(math.Min(42, s.Value.Steps())))
}

func num(f float64) string { return strconv.FormatFloat(f, 'g', 12, 64) }

// grouped is num, with a comma for each thousand of a whole number.
func grouped(f float64) string {
	if f >= 10_000 && f < 1e15 && f == math.Trunc(f) {
		return count(f)
	}
	return num(f)
}

func join(list []float64) string {
	words := make([]string, len(list))
	for i, f := range list {
		words[i] = num(f)
	}
	return strings.Join(words, ", ")
}

// count writes bits, rounded up: a bound stays a bound.
func count(f float64) string {
	s := strconv.FormatFloat(math.Ceil(f), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes bits as bytes, rounded up too: two digits at least.
func size(bits float64) string {
	bytes := math.Ceil(bits / 8)
	for _, u := range []string{"bytes", "KB", "MB", "GB"} {
		switch {
		case bytes < 10 && u != "bytes":
			return strconv.FormatFloat(math.Ceil(bytes*10)/10, 'f', -1, 64) + " " + u
		case bytes <= 999 || u == "GB":
			return count(bytes) + " " + u
		}
		bytes /= 1000
	}
	return ""
}

const never = "never"

func lastDay(t time.Time) string {
	if t.IsZero() {
		return never
	}
	return "after " + t.AddDate(0, 0, -1).Format(time.DateOnly)
}
