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
	if left.Kind == types.Date && right.Kind == types.Bigint && b.Op != "*" { // DuckDB adds days that are INTEGER only
		return &emit.Op{Op: b.Op, Args: []emit.Expr{l.expr(b.L), &emit.Cast{X: l.expr(b.R), Type: "INTEGER"}}}
	}
	x, y := l.numberText(b.L, right), l.numberText(b.R, left)
	if to := wideDecimal(b.Op, left, right); to != "" {
		return &emit.Op{Op: b.Op, Args: []emit.Expr{&emit.Cast{X: l.expr(b.L), Type: to}, l.expr(b.R)}}
	}
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

// truncated lowers TRUNC(decimal, digits) for a constant number of digits, which
// the result then has. Nil for all else.
func (l *lowering) truncated(c *syntax.Call) emit.Expr {
	t := l.typeOf(c.Args[0])
	if len(c.Args) != 2 || t.Kind != types.Decimal || t.Precision == 0 {
		return nil
	}
	arg, sign := c.Args[1], ""
	if u, ok := arg.(*syntax.Unary); ok && u.Op == "-" {
		arg, sign = u.X, "-"
	}
	n, ok := arg.(*syntax.Number)
	if !ok {
		return nil
	}
	digits, err := strconv.Atoi(sign + n.Text)
	if err != nil || digits >= t.Scale {
		return nil
	}
	digits = max(digits, 0)
	t.Precision, t.Scale = max(t.Precision-t.Scale+digits, 1), digits
	return &emit.Cast{X: call("rs_trunc", l.exprs(c.Args)...), Type: t.Duck()}
}
