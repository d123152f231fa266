package syntax

// RangeOp names an aggregation over a range of log entries.
type RangeOp string

const (
	OpCountOverTime    RangeOp = "count_over_time"
	OpRate             RangeOp = "rate"
	OpRateCounter      RangeOp = "rate_counter"
	OpBytesOverTime    RangeOp = "bytes_over_time"
	OpBytesRate        RangeOp = "bytes_rate"
	OpSumOverTime      RangeOp = "sum_over_time"
	OpAvgOverTime      RangeOp = "avg_over_time"
	OpMinOverTime      RangeOp = "min_over_time"
	OpMaxOverTime      RangeOp = "max_over_time"
	OpFirstOverTime    RangeOp = "first_over_time"
	OpLastOverTime     RangeOp = "last_over_time"
	OpStddevOverTime   RangeOp = "stddev_over_time"
	OpStdvarOverTime   RangeOp = "stdvar_over_time"
	OpQuantileOverTime RangeOp = "quantile_over_time"
	OpAbsentOverTime   RangeOp = "absent_over_time"
)

// rangeRule says what a range aggregation accepts.
type rangeRule struct {
	unwrap   need
	grouping bool // may carry by or without
	param    bool // takes a number first
}

type need uint8

const (
	never need = iota
	maybe
	always
)

var rangeOps = map[RangeOp]rangeRule{
	OpCountOverTime:    {},
	OpRate:             {unwrap: maybe},
	OpRateCounter:      {unwrap: always},
	OpBytesOverTime:    {},
	OpBytesRate:        {},
	OpSumOverTime:      {unwrap: always},
	OpAvgOverTime:      {unwrap: always, grouping: true},
	OpMinOverTime:      {unwrap: always, grouping: true},
	OpMaxOverTime:      {unwrap: always, grouping: true},
	OpFirstOverTime:    {unwrap: always, grouping: true},
	OpLastOverTime:     {unwrap: always, grouping: true},
	OpStddevOverTime:   {unwrap: always, grouping: true},
	OpStdvarOverTime:   {unwrap: always, grouping: true},
	OpQuantileOverTime: {unwrap: always, grouping: true, param: true},
	OpAbsentOverTime:   {unwrap: maybe},
}

// VectorOp names an aggregation over the elements of a vector.
type VectorOp string

const (
	OpSum        VectorOp = "sum"
	OpAvg        VectorOp = "avg"
	OpMin        VectorOp = "min"
	OpMax        VectorOp = "max"
	OpCount      VectorOp = "count"
	OpStddev     VectorOp = "stddev"
	OpStdvar     VectorOp = "stdvar"
	OpTopK       VectorOp = "topk"
	OpBottomK    VectorOp = "bottomk"
	OpApproxTopK VectorOp = "approx_topk"
	OpSort       VectorOp = "sort"
	OpSortDesc   VectorOp = "sort_desc"
)

// vectorOps maps an aggregation to whether it takes a number first.
var vectorOps = map[VectorOp]bool{
	OpSum: false, OpAvg: false, OpMin: false, OpMax: false, OpCount: false,
	OpStddev: false, OpStdvar: false, OpSort: false, OpSortDesc: false,
	OpTopK: true, OpBottomK: true, OpApproxTopK: true,
}

// BinOp is an operator between two metric expressions.
type BinOp string

// binding is how tightly an operator holds its operands.
var binding = map[BinOp]int{
	"or":  1,
	"and": 2, "unless": 2,
	"==": 3, "!=": 3, ">": 3, ">=": 3, "<": 3, "<=": 3,
	"+": 4, "-": 4,
	"*": 5, "/": 5, "%": 5,
	"^": 6,
}

// IsComparison says whether the operator filters (or, with bool, answers 0 or 1).
func (op BinOp) IsComparison() bool { return binding[op] == 3 }

// IsSet says whether the operator works on sets of labels and not on values.
func (op BinOp) IsSet() bool { return binding[op] == 1 || binding[op] == 2 }

var otherKeywords = map[string]bool{
	"by": true, "without": true, "on": true, "ignoring": true, "group_left": true, "group_right": true,
	"bool": true, "offset": true, "and": true, "or": true, "unless": true,
	"json": true, "logfmt": true, "regexp": true, "pattern": true, "unpack": true, "unwrap": true,
	"line_format": true, "label_format": true, "decolorize": true, "drop": true, "keep": true,
	"label_replace": true, "vector": true, "ip": true,
}

func keyword(s string) bool {
	_, r := rangeOps[RangeOp(s)]
	_, v := vectorOps[VectorOp(s)]
	return r || v || otherKeywords[s]
}
