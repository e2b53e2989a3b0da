package jsonata

import (
	"math"
	"strconv"
	"strings"
)

// formatFloat writes a number as JavaScript's Number.prototype.toString does.
func formatFloat(f float64) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		return "0"
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return strconv.FormatInt(int64(f), 10)
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exp, _ := strings.Cut(s, "e")
	return mantissa + "e" + exp[:1] + strings.TrimLeft(exp[1:], "0")
}

// precise rounds to 15 significant digits, as $string does.
func precise(f float64) float64 {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 || f-f != 0 {
		return f
	}
	// Halfway JavaScript rounds away from zero, Go to even: the next number decides.
	if exact := strings.TrimLeft(strconv.FormatFloat(f, 'e', 50, 64), "-"); exact[16] == '5' && strings.Trim(exact[17:52], "0") == "" {
		f = math.Nextafter(f, math.Copysign(math.MaxFloat64, f))
	}
	f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'e', 14, 64), 64)
	return f
}

// round rounds half to even at a number of decimal places.
func round(f float64, places int) float64 {
	if places != 0 {
		f = shift(f, places)
	}
	result := math.Floor(f + 0.5)
	if f-f != 0 {
		return f
	}
	if math.Abs(f) >= 1<<52 {
		result = f
	}
	if math.Abs(result-f) == 0.5 && math.Abs(math.Mod(result, 2)) == 1 {
		result--
	}
	if places != 0 {
		result = shift(result, -places)
	}
	return result + 0 // not -0
}

// shift moves the decimal point in the number's text, which is exact.
func shift(f float64, places int) float64 {
	mantissa, exp, _ := strings.Cut(formatFloat(f), "e")
	n, _ := strconv.Atoi(exp)
	f, _ = strconv.ParseFloat(mantissa+"e"+strconv.Itoa(n+places), 64)
	return f
}
