package policy

import "math"

// enumerable is how many values are looked at one by one; it takes a few
// milliseconds.
const enumerable = 1 << 16

// gridWithin reports whether every value of x is a value of y, to the bit. It
// may answer no although they are, where no way to prove it is cheap.
func gridWithin(x, y Value) bool {
	if x == y {
		return true
	}
	if a, b, ok := wholeGrids(x, y); ok {
		return b.min <= a.min && a.max <= b.max && (a.min-b.min)%b.step == 0 && a.step%b.step == 0
	}
	steps := x.Steps()
	if x.Min == y.Min && x.Step == y.Step && steps <= y.Steps() {
		return y.Holds(x.Max) // the others are computed from the same numbers
	}
	if !(steps < enumerable) {
		return false
	}
	for k := 0.0; k <= steps; k++ {
		if !y.Holds(x.At(k)) {
			return false
		}
	}
	return true
}

// wholeGrid is a grid in whole multiples of a power of two, where doubles and
// whole numbers are the same.
type wholeGrid struct{ min, max, step int64 }

// wholeGrids writes two grids in the same unit, if there is one in which all
// their values are exact.
func wholeGrids(x, y Value) (a, b wholeGrid, ok bool) {
	for shift := range 31 {
		a, okA := x.whole(shift)
		b, okB := y.whole(shift)
		if okA && okB {
			return a, b, true
		}
	}
	return a, b, false
}

func (v Value) whole(shift int) (wholeGrid, bool) {
	var n [3]int64
	for i, f := range [3]float64{v.Min, v.Max, v.Step} {
		f = math.Ldexp(f, shift)
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return wholeGrid{}, false
		}
		n[i] = int64(f)
	}
	g := wholeGrid{min: n[0], max: n[1], step: n[2]}
	return g, g.step > 0 && (g.max-g.min)%g.step == 0
}

func (g wholeGrid) value(shift int) Value {
	return Value{
		Min:  math.Ldexp(float64(g.min), -shift),
		Max:  math.Ldexp(float64(g.max), -shift),
		Step: math.Ldexp(float64(g.step), -shift),
	}
}
