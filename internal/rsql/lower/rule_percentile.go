package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// percentile lowers MEDIAN, PERCENTILE_CONT and PERCENTILE_DISC to DuckDB's
// quantiles, which take OVER where its WITHIN GROUP does not. A descending
// order is the ascending one from the other end.
func percentile(l *lowering, c *syntax.Call) emit.Expr {
	out := &emit.Call{Name: "quantile_cont", Over: l.window(c.Over), Filter: l.optional(c.Filter)}
	if c.Name.Last().Name == "median" {
		out.Args = []emit.Expr{l.expr(c.Args[0]), &emit.Num{Text: "0.5"}}
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
	out.Args = []emit.Expr{l.expr(order.Expr), fraction}
	return out
}
