package lower

import (
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// arithmetic lowers +, - and * where DuckDB's types are narrower than
// Redshift's: an integer literal takes the type of a smallint beside it there,
// and a text literal has none.
func arithmetic(l *lowering, e syntax.Expr) emit.Expr {
	b, ok := e.(*syntax.Binary)
	if !ok || b.Op != "+" && b.Op != "-" && b.Op != "*" {
		return nil
	}
	left, right := l.typeOf(b.L), l.typeOf(b.R)
	x, y := l.numberText(b.L, right), l.numberText(b.R, left)
	switch {
	case x == nil && y == nil && !l.widens(b.L, left, b.R, right):
		return nil
	case x != nil:
		return &emit.Op{Op: b.Op, Args: []emit.Expr{x, l.expr(b.R)}}
	case y != nil:
		return &emit.Op{Op: b.Op, Args: []emit.Expr{l.expr(b.L), y}}
	}
	x, y = l.expr(b.L), l.expr(b.R)
	if left.Kind == types.Smallint {
		x = &emit.Cast{X: x, Type: right.Duck()}
	} else {
		y = &emit.Cast{X: y, Type: left.Duck()}
	}
	return &emit.Op{Op: b.Op, Args: []emit.Expr{x, y}}
}

// widens says whether a smallint stands beside a literal of a wider type.
func (l *lowering) widens(x syntax.Expr, left types.Type, y syntax.Expr, right types.Type) bool {
	return left.Kind == types.Smallint && isNumber(y) && (right.Kind == types.Integer || right.Kind == types.Bigint) ||
		right.Kind == types.Smallint && isNumber(x) && (left.Kind == types.Integer || left.Kind == types.Bigint)
}

func isNumber(e syntax.Expr) bool {
	if u, ok := e.(*syntax.Unary); ok && u.Op == "-" {
		e = u.X
	}
	_, ok := e.(*syntax.Number)
	return ok
}

// numberText reads a text literal beside a number as that number's type; nil
// for anything else.
func (l *lowering) numberText(e syntax.Expr, other types.Type) emit.Expr {
	s, ok := e.(*syntax.String)
	if !ok || !other.IsNumber() {
		return nil
	}
	to := other
	if to.Kind == types.Decimal {
		to = numericText(s.Value)
	}
	return &emit.Cast{X: &emit.Str{Value: strings.TrimSpace(s.Value)}, Type: to.Duck()}
}

// numericText is the decimal type that holds a number written as text.
func numericText(text string) types.Type {
	whole, fraction, _ := strings.Cut(strings.TrimSpace(text), ".")
	return types.Type{Kind: types.Decimal, Precision: min(max(len(whole), 1)+len(fraction), types.MaxPrecision), Scale: min(len(fraction), types.MaxPrecision)}
}

// quotient divides exact numbers of which one at least is a decimal: whole
// units are divided and the rest is cut off, as Redshift does ("Computations
// with numeric values"). Nil if the types are not known.
func (l *lowering) quotient(b *syntax.Binary, x, y emit.Expr) emit.Expr {
	left, right := l.typeOf(b.L), l.typeOf(b.R)
	t := types.Arithmetic("/", left, right)
	if t.Kind != types.Decimal || t.Precision == 0 {
		return nil
	}
	result := t.Duck()
	if f := inverse(b.R); f != "" && t.Precision < types.MaxPrecision {
		return &emit.Cast{X: &emit.Op{Op: "*", Args: []emit.Expr{x, &emit.Num{Text: f}}}, Type: result}
	}
	a, c := left.AsDecimal(), right.AsDecimal()
	integer, width := "HUGEINT", "DECIMAL(38,0)"
	if t.Precision <= 18 && a.Precision < 18 && c.Precision < 18 {
		integer, width = "BIGINT", "DECIMAL(18,0)"
	}
	units := func(x emit.Expr, scale int) emit.Expr {
		if scale > 0 {
			x = &emit.Op{Op: "*", Args: []emit.Expr{x, power(scale)}}
		}
		return &emit.Cast{X: x, Type: integer}
	}
	dividend := units(x, a.Scale)
	if n := t.Scale - a.Scale + c.Scale; n > 0 {
		dividend = &emit.Op{Op: "*", Args: []emit.Expr{dividend, &emit.Cast{X: power(n), Type: integer}}}
	}
	divisor := units(y, c.Scale)
	if !nonZero(b.R) {
		divisor = call("rs_nonzero", divisor)
	}
	whole := &emit.Cast{X: &emit.Op{Op: "//", Args: []emit.Expr{dividend, divisor}}, Type: width}
	unit := &emit.Num{Text: "0." + strings.Repeat("0", t.Scale-1) + "1"}
	return &emit.Cast{X: &emit.Op{Op: "*", Args: []emit.Expr{whole, unit}}, Type: result}
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
