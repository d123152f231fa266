package syntax

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

//lint:file-ignore ST1005 the messages are those of Loki's own functions

var errDecimalDivide = errors.New("decimal division by 0")

var errDivide = errors.New("runtime error: integer divide by zero")

// toFloat reads whatever a template hands over; what is no number is zero, as
// in the functions that Loki's templates are built on.
func toFloat(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case string:
		f, _ := strconv.ParseFloat(v, 64)
		return f
	case bool:
		if v {
			return 1
		}
	}
	return 0
}

func toInt64(v any) int64 {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64:
		return v
	case string:
		if i, err := strconv.ParseInt(v, 0, 64); err == nil {
			return i
		}
	}
	f := toFloat(v)
	if math.IsNaN(f) || f >= math.MaxInt64 || f <= math.MinInt64 {
		return 0
	}
	return int64(f)
}

func toInt(v any) int { return int(toInt64(v)) }

func foldInts(first any, rest []any, f func(a, b int64) int64) int64 {
	out := toInt64(first)
	for _, v := range rest {
		out = f(out, toInt64(v))
	}
	return out
}

// foldDecimals computes with decimal fractions, in which 0.1+0.2 is 0.3.
func foldDecimals(first any, rest []any, f func(out, a, b *big.Rat) error) (float64, error) {
	out, err := decimal(first)
	if err != nil {
		return 0, err
	}
	for _, v := range rest {
		x, err := decimal(v)
		if err != nil {
			return 0, err
		}
		if err := f(out, out, x); err != nil {
			return 0, err
		}
	}
	v, _ := out.Float64()
	return v, nil
}

func decimal(v any) (*big.Rat, error) {
	f := toFloat(v)
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok { // not finite
		return nil, fmt.Errorf("Cannot create a Decimal from %v", f)
	}
	return r, nil
}

func add(v ...any) int64 {
	return foldInts(int64(0), v, func(a, b int64) int64 { return a + b })
}

func addf(v ...any) (float64, error) {
	return foldDecimals(0, v, func(out, a, b *big.Rat) error { out.Add(a, b); return nil })
}

func sub(a, b any) int64 { return toInt64(a) - toInt64(b) }

func subf(a any, v ...any) (float64, error) {
	return foldDecimals(a, v, func(out, a, b *big.Rat) error { out.Sub(a, b); return nil })
}

func mul(a any, v ...any) int64 {
	return foldInts(a, v, func(a, b int64) int64 { return a * b })
}

func mulf(a any, v ...any) (float64, error) {
	return foldDecimals(a, v, func(out, a, b *big.Rat) error { out.Mul(a, b); return nil })
}

func div(a, b any) (int64, error) {
	d := toInt64(b)
	if d == 0 {
		return 0, errDivide
	}
	return toInt64(a) / d, nil
}

// divf gives sixteen digits behind the point.
func divf(a any, v ...any) (float64, error) {
	return foldDecimals(a, v, func(out, a, b *big.Rat) error {
		if b.Sign() == 0 {
			return errDecimalDivide
		}
		out.SetString(out.Quo(a, b).FloatString(16))
		return nil
	})
}

func mod(a, b any) (int64, error) {
	d := toInt64(b)
	if d == 0 {
		return 0, errDivide
	}
	return toInt64(a) % d, nil
}

func maxInts(a any, v ...any) int64 {
	return foldInts(a, v, func(a, b int64) int64 { return max(a, b) })
}

func minInts(a any, v ...any) int64 {
	return foldInts(a, v, func(a, b int64) int64 { return min(a, b) })
}

func maxFloats(a any, v ...any) float64 { return foldFloats(a, v, math.Max) }
func minFloats(a any, v ...any) float64 { return foldFloats(a, v, math.Min) }

func foldFloats(first any, rest []any, f func(a, b float64) float64) float64 {
	out := toFloat(first)
	for _, v := range rest {
		out = f(out, toFloat(v))
	}
	return out
}

func ceil(a any) float64  { return math.Ceil(toFloat(a)) }
func floor(a any) float64 { return math.Floor(toFloat(a)) }

func round(a any, places int, on ...float64) float64 {
	roundOn := 0.5
	if len(on) > 0 {
		roundOn = on[0]
	}
	pow := math.Pow(10, float64(places))
	digit := pow * toFloat(a)
	_, frac := math.Modf(digit)
	if frac >= roundOn {
		return math.Ceil(digit) / pow
	}
	return math.Floor(digit) / pow
}
