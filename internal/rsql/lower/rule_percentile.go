package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// percentile lowers MEDIAN, PERCENTILE_CONT and PERCENTILE_DISC to DuckDB's
// quantiles, which take OVER where its WITHIN GROUP does not. A descending
// order is the ascending one from the other end.
func percentile(l *lowering, c *syntax.Call) emit.Expr {
	out := &emit.Call{Name: "quantile_cont", Over: l.window(c.Over), Filter: l.optional(c.Filter)}
	if c.Name.Last().Name == "median" {
		out.Args = []emit.Expr{l.between(c.Args[0], 1), &emit.Num{Text: "0.5"}}
		return out
	}
	if c.Name.Last().Name != "percentile_cont" {
		out.Name = "quantile_disc"
	}
	if len(c.WithinGroup) != 1 {
		l.fail(c, sqlerr.SyntaxError, "WITHIN GROUP (ORDER BY) with one sort key is required for %s", c.Name.Last().Name)
	}
	order := c.WithinGroup[0]
	fraction := l.expr(c.Args[0])
	if order.Desc {
		fraction = &emit.Op{Op: "-", Args: []emit.Expr{&emit.Num{Text: "1"}, fraction}}
	}
	value := l.expr(order.Expr)
	if out.Name == "quantile_cont" {
		digits := 4
		if n, ok := c.Args[0].(*syntax.Number); ok {
			_, decimals, _ := strings.Cut(n.Text, ".")
			digits = len(decimals)
		}
		return l.interpolated(out, order.Expr, fraction, digits)
	}
	out.Args = []emit.Expr{value, fraction}
	return out
}

// interpolated is the value between two, which DuckDB computes in doubles and
// cuts off: it is computed with more digits than the result has.
func (l *lowering) interpolated(out *emit.Call, e syntax.Expr, fraction emit.Expr, digits int) emit.Expr {
	t := l.typeOf(e)
	out.Args = []emit.Expr{l.between(e, digits+3), fraction}
	if t.Kind != types.Decimal || t.Precision == 0 {
		return out
	}
	digits = min(digits, types.MaxPrecision-t.Precision)
	t.Precision, t.Scale = t.Precision+digits, t.Scale+digits
	return &emit.Cast{X: out, Type: t.Duck()}
}

// between lowers a value between two of which a percentile lies: of decimals
// that has more digits than they have.
func (l *lowering) between(e syntax.Expr, digits int) emit.Expr {
	t := l.typeOf(e)
	if t.Kind != types.Decimal || t.Precision == 0 {
		return l.expr(e)
	}
	digits = min(digits, types.MaxPrecision-t.Precision)
	t.Precision, t.Scale = t.Precision+digits, t.Scale+digits
	return &emit.Cast{X: l.expr(e), Type: t.Duck()}
}
