package policy

import "math"

// meetGrid is the largest grid it can find whose every value is one of both. It
// proposes some and takes the first that [gridWithin] proves.
func meetGrid(a, b Value) (Value, bool) {
	candidates := []Value{a, b}
	if v, ok := meetWhole(a, b); ok {
		candidates = append(candidates, v)
	}
	candidates = append(candidates, Value{Min: max(a.Min, b.Min), Max: min(a.Max, b.Max), Step: max(a.Step, b.Step)})
	for _, v := range candidates {
		if v.wellFormed() && gridWithin(v, a) && gridWithin(v, b) {
			return v, true
		}
	}
	return Value{}, false
}

// wellFormed is what Parse demands of a grid whose ends and step come from
// grids that it has read.
func (v Value) wellFormed() bool {
	steps := (v.Max - v.Min) / v.Step
	return v.Min < v.Max && steps >= 1 && math.Abs(steps-math.Round(steps)) <= 1e-9*steps
}

// meetWhole intersects two grids of whole numbers of which one step divides the
// other.
func meetWhole(a, b Value) (Value, bool) {
	for shift := range 31 {
		x, okX := a.whole(shift)
		y, okY := b.whole(shift)
		if !okX || !okY {
			continue
		}
		if x.step < y.step {
			x, y = y, x
		}
		if x.step%y.step != 0 || (x.min-y.min)%y.step != 0 {
			return Value{}, false
		}
		g := wholeGrid{step: x.step, min: x.min, max: x.max}
		if short := y.min - x.min; short > 0 {
			g.min += (short + x.step - 1) / x.step * x.step
		}
		if over := x.max - y.max; over > 0 {
			g.max -= (over + x.step - 1) / x.step * x.step
		}
		return g.value(shift), g.min < g.max
	}
	return Value{}, false
}
