package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// division lowers / and %. Redshift divides integers to integers and fails on
// zero; DuckDB's / is a division of doubles that gives NULL. The macros choose
// by type. A divisor that is a constant other than zero needs no check, and of
// a double the plain operator does.
func division(l *lowering, e syntax.Expr) emit.Expr {
	b, ok := e.(*syntax.Binary)
	if !ok || b.Op != "/" && b.Op != "%" {
		return nil
	}
	x, y := l.operands(b)
	left, right := l.typeOf(b.L), l.typeOf(b.R)
	if b.Op == "/" && left.IsInterval() && right.IsNumber() {
		return call(map[bool]string{true: "rs_months_over", false: "rs_interval_over"}[left.Kind == types.IntervalYM], x, y)
	}
	if !nonZero(b.R) && left.IsNumber() && right.IsNumber() {
		checked := l.divisor(b.L, x, y)
		switch {
		case left.IsFloat() || right.IsFloat():
			if b.Op == "/" {
				return &emit.Op{Op: "/", Args: []emit.Expr{x, checked}}
			}
		case left.IsInteger() && right.IsInteger():
			return &emit.Op{Op: map[string]string{"/": "//", "%": "%"}[b.Op], Args: []emit.Expr{x, checked}}
		}
	}
	if nonZero(b.R) {
		switch {
		case b.Op == "/" && left.IsInteger() && right.IsInteger():
			return &emit.Op{Op: "//", Args: []emit.Expr{x, y}}
		case b.Op == "/" && (left.Kind == types.Double || right.Kind == types.Double):
			return &emit.Op{Op: "/", Args: []emit.Expr{x, y}}
		case b.Op == "%" && left.IsInteger() && right.IsInteger():
			return &emit.Op{Op: "%", Args: []emit.Expr{x, y}}
		}
	}
	if b.Op == "/" {
		if q := l.quotient(b, x, y); q != nil {
			return q
		}
		return call("rs_div", x, y)
	}
	if r := l.remainder(b, x, y); r != nil {
		return r
	}
	return call("rs_mod", x, y)
}

// modulo is MOD(x, y), which is x % y.
func modulo(l *lowering, c *syntax.Call) emit.Expr {
	return l.expr(&syntax.Binary{Pos: c.Pos, Op: "%", L: c.Args[0], R: c.Args[1]})
}

// divisor is y with the check that it is not zero, unless the dividend x is NULL.
func (l *lowering) divisor(e syntax.Expr, x, y emit.Expr) emit.Expr {
	if !l.repeatable(e) {
		return call("rs_nonzero", y)
	}
	return call("rs_divisor", x, y)
}

// nonZero says whether e is a numeric literal other than zero.
func nonZero(e syntax.Expr) bool {
	n, ok := e.(*syntax.Number)
	return ok && strings.Trim(n.Text, "0.") != "" && !strings.ContainsAny(n.Text, "eE")
}
