package types

import (
	"regexp"
	"strconv"
	"strings"
)

// Arithmetic is the type of left op right for numbers, as the guide's page
// "Computations with numeric values" gives it; Unknown if either is no number.
// An integer beside a decimal counts as DECIMAL(5,0), (10,0) or (19,0).
func Arithmetic(op string, left, right Type) Type {
	if !left.IsNumber() || !right.IsNumber() {
		return Type{}
	}
	switch {
	case left.IsInteger() && right.IsInteger():
		return Type{Kind: max(left.Kind, right.Kind)}
	case left.Kind == Real && right.Kind == Real:
		return Type{Kind: Real}
	case left.IsFloat() || right.IsFloat():
		return Type{Kind: Double}
	}
	a, b := left.AsDecimal(), right.AsDecimal()
	if a.Precision == 0 || b.Precision == 0 {
		return Type{Kind: Decimal}
	}
	out := Type{Kind: Decimal}
	switch op {
	case "+", "-":
		out.Scale = max(a.Scale, b.Scale)
		out.Precision = max(a.Precision-a.Scale, b.Precision-b.Scale) + 1 + out.Scale
	case "*":
		out.Scale = a.Scale + b.Scale
		out.Precision = a.Precision + b.Precision + 1
	case "/":
		out.Scale = max(4, a.Scale+b.Precision-b.Scale+1)
		out.Precision = a.Precision - a.Scale + b.Scale + out.Scale
		if out.Precision > MaxPrecision { // the notes on division operations
			out.Scale = max(MaxPrecision+out.Scale-out.Precision, 4)
		}
	default: // the remainder
		out.Scale = max(a.Scale, b.Scale)
		out.Precision = min(a.Precision-a.Scale, b.Precision-b.Scale) + out.Scale
	}
	out.Precision = min(out.Precision, MaxPrecision)
	out.Scale = min(out.Scale, out.Precision)
	return out
}

// AsDecimal is the decimal type an exact number counts as beside a decimal.
func (t Type) AsDecimal() Type {
	switch t.Kind {
	case Smallint:
		return Type{Kind: Decimal, Precision: 5}
	case Integer:
		return Type{Kind: Decimal, Precision: 10}
	case Bigint:
		return Type{Kind: Decimal, Precision: 19}
	}
	return t
}

// Beside is the type a text literal has beside a value of type other in
// arithmetic: a decimal keeps its own digits, of another number it has the type.
func Beside(text string, other Type) Type {
	if other.Kind != Decimal {
		return other
	}
	if _, precision, scale, ok := PlainNumber(text); ok {
		return Type{Kind: Decimal, Precision: precision, Scale: scale}
	}
	return Type{Kind: Decimal}
}

// PlainNumber reads a number written as text, with an exponent perhaps: its
// digits without one, and the DECIMAL that has room for them. False if it is no
// number, or has more digits than a DECIMAL.
func PlainNumber(text string) (plain string, precision, scale int, ok bool) {
	m := numberText.FindStringSubmatch(text)
	if m == nil || m[2] == "" && m[3] == "" {
		return "", 0, 0, false
	}
	whole, fraction := m[2], m[3]
	exponent := 0
	if m[4] != "" {
		var err error
		if exponent, err = strconv.Atoi(m[4]); err != nil || exponent > MaxPrecision || exponent < -MaxPrecision {
			return "", 0, 0, false
		}
	}
	for ; exponent > 0; exponent-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; exponent < 0; exponent++ {
		if whole == "" {
			whole = "0"
		}
		whole, fraction = whole[:len(whole)-1], whole[len(whole)-1:]+fraction
	}
	whole = strings.TrimLeft(whole, "0")
	precision, scale = max(len(whole)+len(fraction), 1), len(fraction)
	if whole == "" {
		whole = "0"
	}
	plain = strings.TrimPrefix(m[1], "+") + whole
	if scale > 0 {
		plain += "." + fraction
	}
	return plain, precision, scale, precision <= MaxPrecision
}

// numberText is how a number is written: its sign, the digits before and after
// the point, and its exponent.
var numberText = regexp.MustCompile(`^\s*([-+]?)([0-9]*)\.?([0-9]*)(?:[eE]([-+]?[0-9]+))?\s*$`)

// Common is the type CASE, COALESCE and set operations give two types; Unknown
// if they have none.
func Common(a, b Type) Type {
	switch {
	case a == b:
		return a
	case a.Kind == b.Kind && a.Kind != Decimal:
		a.Length, a.Insensitive = max(a.Length, b.Length), a.Insensitive || b.Insensitive
		return a
	case a.IsText() && b.IsText():
		return Type{Kind: Varchar, Length: max(a.Length, b.Length), Insensitive: a.Insensitive || b.Insensitive}
	case a.IsInteger() && b.IsInteger():
		return Type{Kind: max(a.Kind, b.Kind)}
	case a.IsNumber() && b.IsNumber():
		if a.IsFloat() || b.IsFloat() {
			return Type{Kind: Double}
		}
		x, y := a.AsDecimal(), b.AsDecimal()
		if x.Precision == 0 || y.Precision == 0 {
			return Type{Kind: Decimal}
		}
		scale := max(x.Scale, y.Scale)
		return Type{Kind: Decimal, Scale: scale, Precision: min(max(x.Precision-x.Scale, y.Precision-y.Scale)+scale, MaxPrecision)}
	case a.Kind == Date && (b.Kind == Timestamp || b.Kind == TimestampTZ):
		return b
	case b.Kind == Date && (a.Kind == Timestamp || a.Kind == TimestampTZ):
		return a
	case a.Kind == Timestamp && b.Kind == TimestampTZ, a.Kind == TimestampTZ && b.Kind == Timestamp:
		return Type{Kind: TimestampTZ}
	}
	return Type{}
}

// SumOf is the type SUM gives: BIGINT of the smaller integers, NUMERIC(38,0) of
// BIGINT, NUMERIC(38, s) of a decimal, DOUBLE PRECISION of a float.
func SumOf(t Type) Type {
	switch {
	case t.Kind == Smallint || t.Kind == Integer:
		return Type{Kind: Bigint}
	case t.Kind == Bigint:
		return Type{Kind: Decimal, Precision: MaxPrecision}
	case t.Kind == Decimal && t.Precision > 0:
		return Type{Kind: Decimal, Precision: MaxPrecision, Scale: t.Scale}
	case t.IsFloat():
		return Type{Kind: Double}
	}
	return Type{Kind: t.Kind}
}

// AverageOf is the type AVG gives: BIGINT of integers, NUMERIC(38, s) of a
// decimal, DOUBLE PRECISION of a float.
func AverageOf(t Type) Type {
	if t.IsInteger() {
		return Type{Kind: Bigint}
	}
	return SumOf(t)
}

// IsFloat says whether the type is an inexact number.
func (t Type) IsFloat() bool { return t.Kind == Real || t.Kind == Double }

// IsInterval says whether the type is a span of time.
func (t Type) IsInterval() bool { return t.Kind == IntervalDS || t.Kind == IntervalYM }

// IsMoment says whether the type is a date or time.
func (t Type) IsMoment() bool {
	switch t.Kind {
	case Date, Time, TimeTZ, Timestamp, TimestampTZ:
		return true
	}
	return false
}
