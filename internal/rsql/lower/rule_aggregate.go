package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
)

// aggregate lowers AVG, SUM, COUNT and the deviations. The result type of SUM
// and AVG depends on the argument's, so a macro with typed overloads gives it;
// macros take neither OVER nor DISTINCT nor FILTER, so such a call hands the
// plain aggregate to rs_x_result or rs_x_agg, with the argument for its type.
func aggregate(l *lowering, c *syntax.Call) emit.Expr {
	name := c.Name.Last().Name
	if name == "count" {
		if c.Approximate && c.Distinct {
			x := l.callAs(c, "approx_count_distinct")
			x.Distinct = false
			return x
		}
		return l.callAs(c, "count")
	}
	if name != "sum" && name != "avg" {
		return l.callAs(c, map[string]string{"stddev": "stddev_samp", "variance": "var_samp"}[name]+
			map[bool]string{true: name}[name != "stddev" && name != "variance"])
	}
	if c.Over == nil && !c.Distinct && c.Filter == nil {
		return call("rs_"+name, l.exprs(c.Args)...)
	}
	suffix := "_agg"
	if c.Over != nil {
		suffix = "_result"
	}
	return call("rs_"+name+suffix, l.callAs(c, name), l.expr(c.Args[0]))
}

// ratioToReport is the argument's share of its sum over the window.
func ratioToReport(l *lowering, c *syntax.Call) emit.Expr {
	sum := &emit.Call{Name: "sum", Args: l.exprs(c.Args), Over: l.window(c.Over)}
	return &emit.Op{Op: "/", Args: []emit.Expr{&emit.Cast{X: l.expr(c.Args[0]), Type: "DOUBLE"}, sum}}
}
