package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
)

// listagg lowers LISTAGG to string_agg, with the order inside the parentheses.
func listagg(l *lowering, c *syntax.Call) emit.Expr {
	x := &emit.Cast{X: l.expr(c.Args[0]), Type: "VARCHAR"}
	var sep emit.Expr = &emit.Str{}
	if len(c.Args) > 1 {
		sep = l.expr(c.Args[1])
	}
	orders := l.orders(c.WithinGroup)
	if len(orders) == 0 {
		orders = l.orders(c.OrderBy)
	}
	if c.Distinct { // DuckDB wants the order of a distinct list over its argument
		for i := range orders {
			if len(c.WithinGroup) > 0 && emit.ExprSQL(orders[i].X) == emit.ExprSQL(x.X) {
				orders[i].X = x
			}
		}
	}
	return &emit.Call{Name: "string_agg", Args: []emit.Expr{x, sep}, Distinct: c.Distinct, OrderBy: orders,
		Filter: l.optional(c.Filter), Over: l.window(c.Over)}
}
