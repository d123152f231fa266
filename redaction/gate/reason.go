package gate

// Reason is why a report was refused. The set is closed: a reason can be
// counted, logged and sent as an answer, because it is never data.
type Reason string

// The reasons.
const (
	// Of the encoding.
	Malformed Reason = "malformed" // not OTLP metrics
	Oversized Reason = "oversized" // larger than any report of this policy
	Encoding  Reason = "encoding"  // not the bytes that Weir writes for what it says

	// Of the envelope.
	PolicyExpired      Reason = "policy_expired"
	PolicyDigest       Reason = "policy_digest" // made under another policy
	ResourceCount      Reason = "resource_count"
	ResourceAttributes Reason = "resource_attributes" // other keys, or in another order
	IdentityValue      Reason = "identity_value"      // outside its domain
	Install            Reason = "install"             // of another install
	ScopeCount         Reason = "scope_count"
	Scope              Reason = "scope"
	SchemaURL          Reason = "schema_url"
	DroppedCount       Reason = "dropped_count"
	Sequence           Reason = "sequence"
	TimeGrid           Reason = "time_grid" // not on the interval's grid
	TimeSkew           Reason = "time_skew" // in the future, or too old

	// Of the budget; see [Meter].
	IntervalUsed   Reason = "interval_used"   // a report of the same time was let pass
	BudgetInterval Reason = "budget_interval" // it says more than is declared for an interval
	BudgetDay      Reason = "budget_day"      // with it, more is said than is declared for a day

	// Of a metric.
	MetricUnknown  Reason = "metric_unknown" // not named by the policy, or expired
	MetricMissing  Reason = "metric_missing"
	MetricOrder    Reason = "metric_order" // or named twice
	MetricText     Reason = "metric_text"  // a description
	MetricMetadata Reason = "metric_metadata"
	MetricUnit     Reason = "metric_unit"
	MetricKind     Reason = "metric_kind"
	Temporality    Reason = "temporality"

	// Of a data point.
	Attributes    Reason = "attributes" // other keys, in another order, or outside their domains
	SeriesOrder   Reason = "series_order"
	SeriesTwice   Reason = "series_twice"
	SeriesMissing Reason = "series_missing"
	SeriesLimit   Reason = "series_limit"
	PointTime     Reason = "point_time"  // not the report's own
	PointStart    Reason = "point_start" // not the report's own
	Flags         Reason = "flags"
	Exemplars     Reason = "exemplars"
	ValueType     Reason = "value_type"
	ValueGrid     Reason = "value_grid" // outside min and max, or between two steps
	Bounds        Reason = "bounds"
	BucketCounts  Reason = "bucket_counts"
	HistogramSum  Reason = "histogram_sum"
	MinMax        Reason = "min_max"
)

// Refusal is the error of [Check]. It holds nothing of the report: Signal is
// the policy's own spelling of one of its own names, or empty.
type Refusal struct {
	Reason Reason
	Signal string
}

func (r *Refusal) Error() string {
	if r.Signal == "" {
		return "report refused: " + string(r.Reason)
	}
	return "report refused: " + string(r.Reason) + " in " + r.Signal
}

func refuse(r Reason) *Refusal { return &Refusal{Reason: r} }
