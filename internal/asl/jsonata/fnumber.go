package jsonata

import (
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strconv"
)

func fnAbs(_ *run, a []any) (any, error)   { return math.Abs(num(a, 0)), nil }
func fnFloor(_ *run, a []any) (any, error) { return math.Floor(num(a, 0)), nil }
func fnCeil(_ *run, a []any) (any, error)  { return math.Ceil(num(a, 0)), nil }

func fnRound(_ *run, a []any) (any, error) {
	places := math.Max(-400, math.Min(400, num(a, 1)))
	if places != places {
		places = 0
	}
	return round(num(a, 0), int(places)), nil
}

func fnSqrt(_ *run, a []any) (any, error) {
	if f := num(a, 0); f < 0 {
		return nil, &Error{Code: "D3060", value: a[0], index: 1}
	}
	return math.Sqrt(num(a, 0)), nil
}

func fnPower(_ *run, a []any) (any, error) {
	f := math.Pow(num(a, 0), num(a, 1))
	if f-f != 0 || isUndef(argument(a, 1)) {
		return nil, &Error{Code: "D3061", value: a[0], value2: argument(a, 1), index: 1}
	}
	return f, nil
}

// decimals and prefixed are the texts that $number takes.
var (
	decimals = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$`)
	prefixed = regexp.MustCompile(`^0([xX][0-9A-Fa-f]+|[oO][0-7]+|[bB][01]+)$`)
)

func fnNumber(_ *run, a []any) (any, error) {
	switch v := a[0].(type) {
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if decimals.MatchString(v) {
			if f, err := strconv.ParseFloat(v, 64); err == nil {
				return f, nil
			}
		} else if prefixed.MatchString(v) {
			if n, ok := new(big.Int).SetString(v, 0); ok {
				f, _ := new(big.Float).SetInt(n).Float64()
				return f, nil
			}
		}
		return nil, &Error{Code: "D3030", value: v, index: 1}
	}
	return a[0], nil
}

func fnFormatBase(_ *run, a []any) (any, error) {
	radix := 10.0
	if !isUndef(argument(a, 1)) {
		radix = round(num(a, 1), 0)
	}
	if !(radix >= 2 && radix <= 36) {
		return nil, faultOf("D3100", radix)
	}
	f := round(num(a, 0), 0)
	if f-f != 0 {
		return formatFloat(f), nil
	}
	n, _ := big.NewFloat(f).Int(nil)
	return n.Text(int(radix)), nil
}

func numbers(a []any) []float64 {
	list, _ := items(a[0])
	out := make([]float64, len(list))
	for i, item := range list {
		out[i], _ = number(item)
	}
	return out
}

func fnSum(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	total := 0.0
	for _, item := range list {
		f, _ := number(item)
		total += f
	}
	return total, r.work(len(list))
}

func fnAverage(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	if len(list) == 0 {
		return undef{}, nil
	}
	total, err := fnSum(r, a)
	if err != nil {
		return nil, err
	}
	return total.(float64) / float64(len(list)), nil
}

func fnMax(r *run, a []any) (any, error) { return extreme(r, a, math.Max) }
func fnMin(r *run, a []any) (any, error) { return extreme(r, a, math.Min) }

func extreme(r *run, a []any, pick func(x, y float64) float64) (any, error) {
	list := numbers(a)
	if len(list) == 0 {
		return undef{}, nil
	}
	best := list[0]
	for _, f := range list[1:] {
		best = pick(best, f)
	}
	return best, r.work(len(list))
}

// fnRandom is $random; with a seed it is the first number of java.util.Random.
func fnRandom(r *run, a []any) (any, error) {
	if !isUndef(argument(a, 0)) {
		return seeded(int64(num(a, 0))), nil
	}
	return r.random(), nil
}

func (r *run) random() float64 {
	if r.o.Random != nil {
		return r.o.Random()
	}
	return rand.Float64()
}

func seeded(seed int64) float64 {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (uint64(seed) ^ multiplier) & mask
	next := func(bits int) uint64 {
		state = (state*multiplier + 0xB) & mask
		return state >> (48 - bits)
	}
	high := next(26) << 27
	return float64(high+next(27)) / (1 << 53)
}
