package lower

import (
	"strconv"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// arithmetic lowers +, - and * where DuckDB's types are narrower than
// Redshift's: an integer literal takes the type of a smallint beside it there.
func arithmetic(l *lowering, e syntax.Expr) emit.Expr {
	b, ok := e.(*syntax.Binary)
	if !ok || b.Op != "+" && b.Op != "-" && b.Op != "*" {
		return nil
	}
	left, right := l.typeOf(b.L), l.typeOf(b.R)
	if left.Kind == types.Date && right.Kind == types.Bigint && b.Op != "*" { // DuckDB adds days that are INTEGER only
		return &emit.Op{Op: b.Op, Args: []emit.Expr{l.expr(b.L), &emit.Cast{X: l.expr(b.R), Type: "INTEGER"}}}
	}
	if left.Kind == types.Date && right.Kind == types.IntervalYM || left.Kind == types.IntervalYM && right.Kind == types.Date {
		return &emit.Cast{X: &emit.Op{Op: b.Op, Args: []emit.Expr{l.expr(b.L), l.expr(b.R)}}, Type: "DATE"}
	}
	if l.isDecimalChain(b) {
		return l.decimalArithmetic(b)
	}
	if !l.widens(b.L, left, b.R, right) {
		return nil
	}
	x, y := l.expr(b.L), l.expr(b.R)
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
