package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// aggregate lowers AVG, SUM, COUNT and the deviations. The result type of SUM
// and AVG depends on the argument's, so a macro with typed overloads gives it;
// macros take neither OVER nor DISTINCT nor FILTER, so such a call hands the
// plain aggregate to rs_x_result or rs_x_agg, with the argument for its type.
func aggregate(l *lowering, c *syntax.Call) emit.Expr {
	name := c.Name.Last().Name
	if name == "count" {
		x := l.callAs(c, "count")
		if c.Distinct && len(c.Args) == 1 && l.isText(c.Args[0]) {
			x.Args[0] = l.blankless(c.Args[0])
			if l.insensitive(c.Args[0]) { // which DuckDB's aggregates disregard
				x.Args[0] = call("lower", x.Args[0])
			}
		}
		return x
	}
	if name != "sum" && name != "avg" {
		return l.callAs(c, map[string]string{"stddev": "stddev_samp", "variance": "var_samp"}[name]+
			map[bool]string{true: name}[name != "stddev" && name != "variance"])
	}
	if l.typeOf(c.Args[0]).Kind == types.Double {
		return l.callAs(c, name) // DuckDB may count in integers what is a double
	}
	sum := l.decimalSum(c)
	if t := l.typeOf(c.Args[0]); name == "avg" && t.Kind == types.Decimal && t.Precision > doubleDigits {
		unit := "1"
		if t.Scale > 0 {
			unit = "0." + strings.Repeat("0", t.Scale-1) + "1"
		}
		if sum == nil {
			sum = l.callAs(c, "sum")
		}
		return call("rs_exact_average", sum, l.callAs(c, "count"), &emit.Num{Text: unit})
	}
	if sum != nil && name == "sum" {
		return sum
	}
	if c.Over == nil && !c.Distinct && c.Filter == nil {
		return call("rs_"+name, l.exprs(c.Args)...)
	}
	suffix := "_agg"
	if c.Over != nil {
		suffix = "_result"
	}
	if x := l.resultOf(name, l.callAs(c, name), c.Args[0]); x != nil {
		return x
	}
	return call("rs_"+name+suffix, l.callAs(c, name), l.typed(c.Args[0], l.expr(c.Args[0]), ""))
}

// doubleDigits are the digits a double has room for. DuckDB's avg is one.
const doubleDigits = 15

// ratioToReport is the argument's share of its sum over the window.
func ratioToReport(l *lowering, c *syntax.Call) emit.Expr {
	sum := &emit.Call{Name: "sum", Args: l.exprs(c.Args), Over: l.window(c.Over)}
	return &emit.Op{Op: "/", Args: []emit.Expr{&emit.Cast{X: l.expr(c.Args[0]), Type: "DOUBLE"}, sum}}
}

// resultOf gives the sum or average of an aggregate its type, which the macros
// cannot look into. Nil where they can, or the type is not known.
func (l *lowering) resultOf(name string, x emit.Expr, argument syntax.Expr) emit.Expr {
	t := l.typeOf(argument)
	if !l.isLate(argument) || !t.IsNumber() || t.Kind == types.Decimal && t.Precision == 0 {
		return nil
	}
	if name == "avg" && t.IsInteger() {
		x = call("trunc", x)
	}
	to := types.SumOf(t)
	if name == "avg" {
		to = types.AverageOf(t)
	}
	return &emit.Cast{X: x, Type: to.Duck()}
}
