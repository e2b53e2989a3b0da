package lower

import (
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// quotient divides exact numbers of which one at least is a decimal: whole
// units are divided and the rest is cut off, as Redshift does ("Computations
// with numeric values"). Nil if the types are not known.
func (l *lowering) quotient(b *syntax.Binary, x, y emit.Expr) emit.Expr {
	left, right := l.typeOf(b.L), l.typeOf(b.R)
	t := types.Arithmetic("/", left, right)
	if t.Kind != types.Decimal || t.Precision == 0 {
		return nil
	}
	if f := inverse(b.R); f != "" && t.Precision < types.MaxPrecision {
		digits := strings.TrimLeft(strings.Replace(f, ".", "", 1), "0")
		if a := left.AsDecimal(); a.Precision > narrowDigits || digits != "1" && a.Precision+len(digits) > narrowDigits {
			a.Precision = max(a.Precision, narrowDigits+1)
			x = &emit.Cast{X: x, Type: a.Duck()}
		}
		return &emit.Cast{X: &emit.Op{Op: "*", Args: []emit.Expr{x, &emit.Num{Text: f}}}, Type: t.Duck()}
	}
	d := &quotient{x: x, y: y, a: left.AsDecimal(), b: right.AsDecimal(), of: t, checked: !nonZero(b.R), repeats: l.repeatable(b.L)}
	if t.Precision <= 18 && d.a.Precision < 18 && d.b.Precision < 18 {
		return d.units("BIGINT", "DECIMAL(18,0)", exactUnits)
	}
	wide := d.units("HUGEINT", "DECIMAL(38,0)", exactUnits)
	if d.a.Precision+d.shift() > types.MaxPrecision || d.b.Precision == types.MaxPrecision {
		wide = d.exact(l.tryable(b.L) && l.tryable(b.R))
	}
	if small := d.small(); small != nil && l.repeatable(b.L) && l.repeatable(b.R) {
		return &emit.Case{Whens: []emit.When{{Cond: small, Result: d.units("BIGINT", "DECIMAL(18,0)", doubleUnits)}}, Else: wide}
	}
	return wide
}

// quotient is the division of x of type a by y of type b to a decimal.
type quotient struct {
	x, y    emit.Expr
	a, b    types.Type
	of      types.Type
	checked bool // y may be zero
	repeats bool // x may be written again
}

// exact divides in as many digits as it takes: what HUGEINT has no room for goes
// through texts.
func (q *quotient) exact(safe bool) emit.Expr {
	x := byText("divide", q.x, q.y, q.of)
	if !safe {
		return x
	}
	plain := *q
	plain.checked = false
	return call("coalesce", call("try", plain.units("HUGEINT", "DECIMAL(38,0)", exactUnits)), x)
}

// byText computes with the digits of two decimals as texts.
func byText(op string, x, y emit.Expr, of types.Type) emit.Expr {
	text := func(x emit.Expr) emit.Expr { return &emit.Cast{X: x, Type: "VARCHAR"} }
	return &emit.Cast{X: call("rs_"+op, text(x), text(y), &emit.Num{Text: strconv.Itoa(of.Scale)}), Type: of.Duck()}
}

// shift is the power of ten the dividend's units are multiplied with.
func (q *quotient) shift() int { return max(q.of.Scale-q.a.Scale+q.b.Scale, 0) }

// units divides in an integer type; toUnits reads a decimal as so many units.
func (q *quotient) units(integer, width string, toUnits func(x emit.Expr, t types.Type, integer string) emit.Expr) emit.Expr {
	dividend := toUnits(q.x, q.a, integer)
	if n := q.shift(); n > 0 {
		dividend = &emit.Op{Op: "*", Args: []emit.Expr{dividend, &emit.Cast{X: power(n), Type: integer}}}
	}
	divisor := toUnits(q.y, q.b, integer)
	switch {
	case q.checked && q.repeats:
		divisor = call("rs_divisor", q.x, divisor)
	case q.checked:
		divisor = call("rs_nonzero", divisor)
	}
	whole := &emit.Cast{X: &emit.Op{Op: "//", Args: []emit.Expr{dividend, divisor}}, Type: width}
	var unit emit.Expr = &emit.Num{Text: "0." + strings.Repeat("0", q.of.Scale-1) + "1"}
	if q.of.Scale == types.MaxPrecision { // DuckDB reads so long a number as a double
		unit = &emit.Cast{X: &emit.Str{Value: "0." + strings.Repeat("0", q.of.Scale-1) + "1"}, Type: q.of.Duck()}
	}
	return &emit.Cast{X: &emit.Op{Op: "*", Args: []emit.Expr{whole, unit}}, Type: q.of.Duck()}
}

func exactUnits(x emit.Expr, t types.Type, integer string) emit.Expr {
	digits := t.Precision + t.Scale + 1
	if t.Scale > 9 || t.Scale > 0 && digits > types.MaxPrecision {
		return textUnits(x, integer)
	}
	if t.Scale > 0 {
		if digits > narrowDigits+1 {
			x = &emit.Cast{X: x, Type: types.Type{Kind: types.Decimal, Precision: digits, Scale: t.Scale}.Duck()}
		}
		x = &emit.Op{Op: "*", Args: []emit.Expr{x, power(t.Scale)}}
	}
	return &emit.Cast{X: x, Type: integer}
}

// textUnits goes by the digits: a decimal with many after the point has no room
// for a multiplication.
func textUnits(x emit.Expr, integer string) emit.Expr {
	return &emit.Cast{X: call("replace", &emit.Cast{X: x, Type: "VARCHAR"}, &emit.Str{Value: "."}, &emit.Str{}), Type: integer}
}

// doubleUnits goes by a double, which is exact up to 2^50 units: DuckDB
// converts between decimals of 38 digits and HUGEINT digit by digit, and that
// takes thirty times as long.
func doubleUnits(x emit.Expr, t types.Type, integer string) emit.Expr {
	if t.Scale > 0 {
		factor := &emit.Cast{X: power(t.Scale), Type: "DOUBLE"}
		x = &emit.Op{Op: "*", Args: []emit.Expr{&emit.Cast{X: x, Type: "DOUBLE"}, factor}}
	}
	return &emit.Cast{X: x, Type: integer}
}

// small is the condition that the division fits 18 digits, and that a double
// holds the operands; nil if hardly any would.
func (q *quotient) small() emit.Expr {
	digits := min(15, 17-q.shift())
	if digits < 6 {
		return nil
	}
	within := func(x emit.Expr, scale, digits int) emit.Expr {
		limit := "1" + strings.Repeat("0", digits)
		if scale > 0 {
			limit = strings.Repeat("0", max(scale+1-len(limit), 0)) + limit
			limit = limit[:len(limit)-scale] + "." + limit[len(limit)-scale:]
		}
		return &emit.Between{X: x, Lo: &emit.Num{Text: "-" + limit}, Hi: &emit.Num{Text: limit}}
	}
	return conjunction([]emit.Expr{within(q.x, q.a.Scale, digits), within(q.y, q.b.Scale, 15)})
}

// repeatable says that an operand may be written more than once: it has one
// value, and no division of its own, whose text would double again.
func (l *lowering) repeatable(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.Binary:
		if e.Op == "/" {
			return false
		}
	case *syntax.Call:
		if l.Result.Volatile || l.Result.Inlined[e] != nil {
			return false
		}
	case *syntax.ColumnRef:
		if l.Result.Aliases[e] != nil {
			return false
		}
	}
	ok := true
	syntax.Operands(e, func(x syntax.Expr) { ok = ok && l.repeatable(x) }, func(*syntax.Query) { ok = false })
	return ok
}

func power(n int) emit.Expr { return &emit.Num{Text: "1" + strings.Repeat("0", n)} }

// inverse is the finite decimal fraction that a divisor of one or two digits
// stands for (2 is 0.5, 100 is 0.01); empty if e is none.
func inverse(e syntax.Expr) string {
	n, ok := e.(*syntax.Number)
	if !ok {
		return ""
	}
	text := n.Text
	if whole, fraction, point := strings.Cut(text, "."); point && strings.Trim(fraction, "0") == "" {
		text = whole
	}
	switch text {
	case "1":
		return "1.0"
	case "2", "4", "5", "8":
		v, _ := strconv.Atoi(text)
		return strconv.FormatFloat(1/float64(v), 'f', -1, 64)
	}
	if strings.TrimRight(text, "0") == "1" && len(text) < 8 {
		return "0." + strings.Repeat("0", len(text)-2) + "1"
	}
	return ""
}

// remainder lowers % of decimals that share no type of 38 digits, in which
// DuckDB would compute with doubles; nil for others.
func (l *lowering) remainder(b *syntax.Binary, x, y emit.Expr) emit.Expr {
	left, right := l.typeOf(b.L), l.typeOf(b.R)
	t := types.Arithmetic("%", left, right)
	if t.Kind != types.Decimal || t.Precision == 0 {
		return nil
	}
	a, c := left.AsDecimal(), right.AsDecimal()
	if max(a.Precision-a.Scale, c.Precision-c.Scale)+max(a.Scale, c.Scale) < types.MaxPrecision {
		return nil
	}
	return byText("remainder", x, y, t)
}
