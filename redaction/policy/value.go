package policy

import "math"

// Value is a grid of numbers: Min, Min+Step, Min+2*Step, ... Max. A report
// holds no other number, so the digits of a float are no channel.
type Value struct {
	Min, Max, Step float64
}

// MaxBucketCount is the largest count that a histogram's bucket may hold in a
// report; larger ones saturate. It is what makes a histogram's budget finite.
const MaxBucketCount = 1<<40 - 1

// Steps is the number of steps from Min to Max; there is one value more.
func (v Value) Steps() float64 { return math.Round((v.Max - v.Min) / v.Step) }

// At is the value of step k, the same on every machine: the conversions keep
// the compiler from fusing the multiplication with the addition, and the last
// step is Max itself although Min+k*Step may miss it by a rounding.
func (v Value) At(k float64) float64 {
	if k >= v.Steps() {
		return v.Max
	}
	if k <= 0 {
		return v.Min
	}
	return float64(v.Min + float64(k*v.Step))
}

// Snap clamps x into [Min, Max] and rounds it to the nearest step. NaN has no
// nearest step and must be refused before; it becomes Min.
func (v Value) Snap(x float64) float64 {
	switch {
	case x >= v.Max:
		return v.Max
	case x > v.Min:
		return v.At(math.Round((x - v.Min) / v.Step))
	default:
		return v.Min
	}
}

// Holds reports whether x is a value of the grid, to the bit: no NaN, no -0.
func (v Value) Holds(x float64) bool {
	return math.Float64bits(v.Snap(x)) == math.Float64bits(x)
}
