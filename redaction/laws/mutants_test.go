package laws

// mutant is one fault in the table's source.
type mutant struct {
	name  string
	edits []edit
}

// edit replaces all of a text, which must be there, in one file of the table.
type edit struct{ file, from, to string }

func one(name, file, from, to string) mutant { return mutant{name, []edit{{file, from, to}}} }

// The faults to find. Those that let a sender's text out keep it in seen, a
// variable that each mutant's package has.
var mutants = []mutant{
	{"copies the description", []edit{
		{"table.go", "	temporality, ok := kindOf(m, s", "	seen.Store(s.name, m.Description())\n	temporality, ok := kindOf(m, s"},
		{"report.go", "	m.SetUnit(s.unit)\n", "	m.SetUnit(s.unit)\n	if v, ok := seen.Load(s.name); ok {\n		m.SetDescription(v.(string))\n	}\n"},
	}},
	{"copies a resource attribute", []edit{
		{"table.go", "o.resource, o.resourceHashed = rm.Resource().Attributes(), false", "o.resource, o.resourceHashed = rm.Resource().Attributes(), false\n		if v, ok := o.resource.Get(\"host.name\"); ok {\n			seen.Store(\"host.name\", v.Str())\n		}"},
		{"report.go", "	sm := rm.ScopeMetrics().AppendEmpty()\n", "	sm := rm.ScopeMetrics().AppendEmpty()\n	if v, ok := seen.Load(\"host.name\"); ok {\n		resource.PutStr(\"host.name\", v.(string))\n	}\n"},
	}},
	{"takes the identity from the sender", []edit{
		{"table.go", "o.resource, o.resourceHashed = rm.Resource().Attributes(), false", "o.resource, o.resourceHashed = rm.Resource().Attributes(), false\n		if v, ok := o.resource.Get(\"service.version\"); ok {\n			seen.Store(\"service.version\", v.Str())\n		}"},
		{"report.go", "		x.attribute.put(resource, x.text)", "		if v, ok := seen.Load(x.key); ok {\n			x.text = v.(string)\n		}\n		x.attribute.put(resource, x.text)"},
	}},
	one("leaves the identity out of its order", "report.go", "if a.key < b.key {", "if a.key > b.key {"),
	one("says the digest of another policy", "report.go", "p.Digest.String()", "policy.Digest{}.String()"),
	one("adds a metric", "report.go", "	return md, nil", "	sm.Metrics().AppendEmpty().SetName(\"zz.extra\")\n	return md, nil"),
	one("says a schema", "report.go", `sm.Scope().SetName("weir")`, `sm.Scope().SetName("weir"); sm.SetSchemaUrl("https://example.com")`),
	one("says its scope's version", "report.go", `sm.Scope().SetName("weir")`, `sm.Scope().SetName("weir"); sm.Scope().SetVersion("1")`),
	one("writes another unit", "report.go", "m.SetUnit(s.unit)", `m.SetUnit("ms")`),
	one("says delta", "report.go", "sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)", "sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)"),
	one("keeps its times off the grid", "report.go", "return pcommon.Timestamp(n - n%uint64(max(interval, 1)))", "return pcommon.Timestamp(n)"),
	one("keeps an exemplar", "report.go", "dp.SetDoubleValue(s.policy.Value.Snap(values[cell]))", "dp.SetDoubleValue(s.policy.Value.Snap(values[cell])); dp.Exemplars().AppendEmpty().SetIntValue(1)"),
	one("does not clamp or round a sum", "report.go", "dp.SetDoubleValue(s.policy.Value.Snap(values[cell]))", "dp.SetDoubleValue(values[cell])"),
	one("rounds to another step", "report.go", "dp.SetDoubleValue(s.policy.Value.Snap(values[cell]))", "dp.SetDoubleValue(policy.Value{Min: s.policy.Value.Min, Max: s.policy.Value.Max, Step: 0.3}.Snap(values[cell]))"),
	one("does not clamp or round a gauge", "gauge.go", "return v.Snap(g.value), true", "return g.value, true"),
	one("writes each series twice", "report.go", "		visit(cell, texts)\n		j :=", "		visit(cell, texts)\n		visit(cell, texts)\n		j :="),
	one("forgets to sort a dictionary's series", "dictionary.go", "slices.SortFunc(d.order, func(a, b int32) int { return slices.Compare(d.series[a], d.series[b]) })", "slices.SortFunc(d.order, func(a, b int32) int { return slices.Compare(d.series[b], d.series[a]) })"),
	one("forgets to clear a gauge", "report.go", "defer clear(s.gauges)", "_ = s.gauges"),
	one("writes 0 for no value", "report.go", "dp.SetFlags(pmetric.DefaultDataPointFlags.WithNoRecordedValue(true))", "dp.SetDoubleValue(s.policy.Value.Min)"),
	one("goes on with an expired signal", "report.go", "s.expired.Load() ||", ""),
	one("sends a sum that the policy does not have", "report.go", "	if s.policy.HasValue {\n", "	{\n"),
	one("sends a histogram's least value", "report.go", "	dp.SetCount(total)\n", "	dp.SetCount(total)\n	dp.SetMin(0)\n"),
	one("skips the check of a semver", "dictionary.go", "(!check || a.policy.Domain.Contains(text))", "true"),
	one("sends what an hmac hides", "dictionary.go", "texts[j] = keyed(s.hmacKey, o.values[j].Str())", "texts[j] = o.values[j].Str()"),
	one("hashes without the install's key", "dictionary.go", "keyed(s.hmacKey, o", "keyed(nil, o"),
	one("goes beyond max_series", "dictionary.go", "len(s.dict.series) >= s.dict.limit", "false"),
	one("takes what is outside an enum", "attribute.go", "		if s.digit == dropPoint {\n			return a.otherwise", "		if s.digit == dropPoint {\n			return 0"),
	one("takes what is outside an int's range", "attribute.go", "if n := v.Int(); a.min <= n && n <= a.max {", "if n := min(max(v.Int(), a.min), a.max); true {"),
	one("takes another unit", "table.go", "case m.Unit() != s.unit:", "case false:"),
	one("takes what is not a number", "sum.go", "if math.IsNaN(v) || math.IsInf(v, 0) {", "if false {"),
	one("takes sums below zero", "sum.go", "return int64(e.value) < 0", "return false"),
	one("takes a reset for a fall", "sum.go", "if delta || dropped || src.restarted(e) {", "if _ = dropped; delta || src.restarted(e) {"),
	one("counts a baseline in full", "sum.go", "return e.start >= s.since &&", "return"),
	one("counts what is out of order", "gauge.go", "case time != 0 && time < g.time:", "case false:"),
	one("shifts a bucket", "histogram.go", "b > bounds[j]", "b >= bounds[j]"),
	one("lets a bucket grow without end", "histogram.go", "counts[i] = min(counts[i]+n, policy.MaxBucketCount)", "_ = policy.MaxBucketCount\n		counts[i] += n"),
	one("lets exemplars count", "sum.go", "			e.number(dp)\n", "			e.number(dp)\n			if dp.Exemplars().Len() > 0 {\n				e.value++\n			}\n"),
	one("lets unknown flags count", "gauge.go", "			o.chunk[i].number(dp)\n", "			o.chunk[i].number(dp)\n			if dp.Flags()&2 != 0 {\n				o.chunk[i].value, o.chunk[i].isInt = 0, true\n			}\n"),
	one("lets a histogram's count speak for its buckets", "histogram.go", "	if counts.Len() != n+1 {", "	if n > 0 && dp.Count()%2 == 1 {\n		to[0]++\n	}\n	if counts.Len() != n+1 {"),
	one("puts an exponential bucket where its lower bound lies", "exphist.go", "int64(dp.Positive().Offset()) + int64(i) + 1", "int64(dp.Positive().Offset()) + int64(i)"),
	one("takes a coarser scale for a reset", "exphist.go", "delta, fellInAll)", "delta, fell)"),
	one("counts again what moved up", "histogram.go", "		settleCounts(now)\n", "		for i, n := range now {\n			now[i] = uint64(max(int64(n), 0))\n		}\n"),
}
