package policy

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var signalKeys = []string{
	"name", "why", "owner", "category", "expires", "kind", "monotonic", "unit", "merge", "value", "bounds", "attributes", "max_series",
}

const maxBounds = 64

var valueKeys = []string{"min", "max", "step"}

var unitShape = regexp.MustCompile(`^[!-~]{1,63}$`)

// reservedNames are Weir's own: built by upstream and the fleet, never observed.
var reservedNames = []string{"weir.report.", "weir.policy.", "weir.fleet."}

func itoa(n int) string { return strconv.Itoa(n) }

func (c *collector) signal(n *yaml.Node) Signal {
	s := Signal{Line: n.Line}
	f := c.fields(n, "a signal", signalKeys)
	what := "the signal"
	if v := c.need(f, n, "a signal", "name"); v != nil {
		s.Name = c.name(v)
		if s.Name != "" {
			what = "signal " + quoted(s.Name)
		}
	}
	if v := c.need(f, n, what, "why"); v != nil {
		s.Why = c.prose(v, "why", maxWhy)
	}
	if v := c.need(f, n, what, "owner"); v != nil {
		s.Owner = c.prose(v, "owner", maxOwner)
	}
	if v := c.need(f, n, what, "category"); v != nil {
		s.Category, _ = choice(c, v, "category", categoryNames)
	}
	if e, ok := f["expires"]; ok {
		s.Expires = c.date(e.value, "expires")
	}
	if v := c.need(f, n, what, "kind"); v != nil {
		s.Kind = c.kind(v)
	}
	if v := c.need(f, n, what, "unit"); v != nil {
		s.Unit = c.word(v, "unit", unitShape, `write the metric's unit as UCUM has it, such as "1", s, By or "{request}"`)
	}
	c.numbers(f, n, what, &s)
	if a, ok := f["attributes"]; ok {
		s.Attributes = c.attributes(a.value, "attributes", false)
	}
	c.series(f, n, what, &s)
	return s
}

func (c *collector) name(n *yaml.Node) string {
	s := c.word(n, "name", nameShape, nameHint)
	for _, r := range reservedNames {
		if strings.HasPrefix(s, r) {
			c.add(n.Line, n.Column, "choose another name; Weir makes these itself", "names under %s* are reserved", r)
		}
	}
	return s
}

func (c *collector) kind(n *yaml.Node) Kind {
	switch n.Value {
	case "summary":
		c.add(n.Line, n.Column, "let the product record a histogram", "a summary's quantiles cannot be added up or bounded")
		return 0
	case "exponential_histogram", "exponentialhistogram":
		c.add(n.Line, n.Column, "use kind: histogram with bounds; what comes in is re-bucketed", "the sender chooses an exponential histogram's buckets")
		return 0
	}
	k, _ := choice(c, n, "kind", kindNames)
	return k
}

// numbers reads what a kind demands of merge, value and bounds.
func (c *collector) numbers(f map[string]field, n *yaml.Node, what string, s *Signal) {
	refuse := func(key, reason string) {
		if at, ok := f[key]; ok {
			c.add(at.key.Line, at.key.Column, "remove "+key, "%s", reason)
		}
	}
	if m, ok := f["monotonic"]; ok && s.Kind == KindSum {
		s.UpDown = !c.bool(m.value, "monotonic")
	}
	if s.Kind != KindSum && s.Kind != 0 {
		refuse("monotonic", "only a sum is monotonic or not")
	}
	switch s.Kind {
	case KindGauge:
		if v := c.need(f, n, what, "merge"); v != nil {
			s.Merge, _ = choice(c, v, "merge", mergeNames)
		}
		refuse("bounds", "a gauge has no bounds")
	case KindSum:
		refuse("merge", "a sum has no merge: sums add up")
		refuse("bounds", "a sum has no bounds")
	case KindHistogram:
		refuse("merge", "a histogram has no merge: histograms add up")
		if v := c.need(f, n, what, "bounds"); v != nil {
			s.Bounds = c.bounds(v)
		}
	}
	if v, ok := f["value"]; ok {
		s.Value, s.HasValue = c.value(v.value, s.Kind == KindSum && !s.UpDown), true
	} else if s.Kind != KindHistogram {
		c.need(f, n, what, "value")
	}
}

func (c *collector) value(n *yaml.Node, monotonic bool) Value {
	f := c.fields(n, "value", valueKeys)
	var got [3]float64
	all := true
	for i, k := range valueKeys {
		v := c.need(f, n, "value", k)
		if v == nil {
			all = false
			continue
		}
		x, ok := c.number(v, k)
		got[i], all = x, all && ok
	}
	if !all {
		return Value{}
	}
	v := Value{Min: got[0], Max: got[1], Step: got[2]}
	at := func(key, hint, format string, args ...any) {
		p := f[key].value
		c.add(p.Line, p.Column, hint, format, args...)
	}
	largest := max(math.Abs(v.Min), math.Abs(v.Max))
	quotient := (v.Max - v.Min) / v.Step
	switch {
	case v.Min >= v.Max:
		at("min", "swap them, or leave the signal out", "min is not less than max")
	case v.Step <= 0:
		at("step", "write the step to which values are rounded, such as 1 or 0.01", "step is not above 0")
	case math.IsInf(v.Max-v.Min, 0):
		at("max", "narrow the range", "max minus min does not fit into a double")
	case v.Step > v.Max-v.Min:
		at("step", "make it smaller than max minus min", "step is larger than the whole range")
	case quotient > 1<<53 || math.Nextafter(largest, math.Inf(1))-largest > v.Step:
		at("step", "make the step larger or the range smaller; a double has 53 bits", "step is finer than a double can tell apart")
	case math.Abs(quotient-math.Round(quotient)) > 1e-9*quotient:
		at("step", "choose a max that is min plus a whole number of steps", "the steps do not end at max")
	case monotonic && v.Min < 0:
		at("min", "write min: 0; or monotonic: false, if the sum goes up and down", "a sum that only grows never falls below 0")
	}
	return v
}

func (c *collector) bounds(n *yaml.Node) []float64 {
	if n.Kind != yaml.SequenceNode {
		c.add(n.Line, n.Column, "write a list: [0.1, 0.5, 1]", "bounds is %s, not a list", shape(n))
		return nil
	}
	if len(n.Content) == 0 || len(n.Content) > maxBounds {
		c.add(n.Line, n.Column, "write 1 to 64 bounds", "%d bounds", len(n.Content))
		return nil
	}
	var list []float64
	for i, b := range n.Content {
		x, ok := c.number(b, "bound")
		if ok && i > 0 && len(list) == i && x <= list[i-1] {
			c.add(b.Line, b.Column, "sort them, each once", "bounds do not ascend")
		}
		if ok {
			list = append(list, x)
		}
	}
	return list
}

// series reads max_series and holds it against the attributes.
func (c *collector) series(f map[string]field, n *yaml.Node, what string, s *Signal) {
	dense := s.DenseSize()
	given, ok := f["max_series"]
	switch {
	case dense > maxSignalSeries:
		c.add(n.Line, n.Column, "use fewer attributes or shorter enums", "%s has more than %d series", what, maxSignalSeries)
	case dense >= 0:
		s.MaxSeries = dense
		if ok {
			c.add(given.key.Line, given.key.Column, "remove max_series; it is for semver, uuid and hmac", "%s always has exactly %d series", what, dense)
		}
	case ok:
		v, _ := c.integer(given.value, "max_series", 1, maxSignalSeries)
		s.MaxSeries = int(v)
	default:
		s.MaxSeries = defaultDictionary
	}
}
