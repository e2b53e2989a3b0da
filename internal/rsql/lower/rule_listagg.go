package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// listagg lowers LISTAGG to string_agg, with the order inside the parentheses.
func listagg(l *lowering, c *syntax.Call) emit.Expr {
	sorted := c.WithinGroup
	if len(sorted) == 0 {
		sorted = c.OrderBy
	}
	var sep emit.Expr = &emit.Str{}
	if len(c.Args) > 1 {
		sep = l.expr(l.textual(c.Args[1]))
	}
	orders := l.orders(sorted)
	x := l.expr(c.Args[0])
	bySelf := len(orders) == 1 && emit.ExprSQL(orders[0].X) == emit.ExprSQL(x)
	if !c.Distinct {
		x = &emit.Cast{X: l.expr(l.textual(c.Args[0])), Type: "VARCHAR"}
		return &emit.Call{Name: "string_agg", Args: []emit.Expr{x, sep}, OrderBy: orders, Filter: l.optional(c.Filter), Over: l.window(c.Over)}
	}
	if t := l.typeOf(c.Args[0]); bySelf && !t.IsText() && t.Kind != types.Unknown {
		return l.distinctList(c, x, sep, orders)
	}
	// DuckDB wants the order of a distinct list over its argument.
	x = &emit.Cast{X: l.blankless(l.textual(c.Args[0])), Type: "VARCHAR"}
	if bySelf {
		orders[0].X = x
	}
	return &emit.Call{Name: "string_agg", Args: []emit.Expr{x, sep}, Distinct: true, OrderBy: orders, Filter: l.optional(c.Filter), Over: l.window(c.Over)}
}

// distinctList joins the distinct values of another type than text, which sort
// by that type and not as texts.
func (l *lowering) distinctList(c *syntax.Call, x, sep emit.Expr, orders []emit.Order) emit.Expr {
	present := emit.Expr(&emit.Postfix{X: x, Op: "IS NOT NULL"})
	if c.Filter != nil {
		present = conjunction([]emit.Expr{present, l.expr(c.Filter)})
	}
	list := &emit.Call{Name: "list", Args: []emit.Expr{x}, Distinct: true, OrderBy: orders, Filter: present, Over: l.window(c.Over)}
	return call("array_to_string", &emit.Cast{X: list, Type: "VARCHAR[]"}, sep)
}
