package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// overloaded are the macros of the prelude that have an overload for every type
// of their first argument. DuckDB chooses one before it knows what parameters
// and subqueries give, so such arguments are cast to the type they have; for
// aggregates, which it cannot look into at all, chosen does what the overload
// would.
var overloaded = map[string]bool{
	"rs_trunc": true, "rs_octet_length": true, "rs_substring": true, "rs_to_hex": true, "rs_date": true, "rs_timezone": true,
}

// typed lowers an argument of an overloaded macro. One of unknown type is read
// as text if that says the same: otherwise is then empty.
func (l *lowering) typed(e syntax.Expr, x emit.Expr, otherwise string) emit.Expr {
	if !l.isLate(e) {
		return x
	}
	t := l.typeOf(e)
	switch {
	case t.Kind == types.Unknown && otherwise != "":
		return &emit.Cast{X: x, Type: otherwise}
	case t.Kind == types.Unknown, t.Kind == types.Decimal && t.Precision == 0:
		return x
	}
	return &emit.Cast{X: x, Type: t.Duck()}
}

// isLate says whether DuckDB knows the type of an expression only after it has
// chosen among the overloads of a macro called with it.
func (l *lowering) isLate(e syntax.Expr) bool {
	late := false
	switch e := e.(type) {
	case *syntax.Param:
		return l.Result.Arguments[e] == nil || l.isLate(l.Result.Arguments[e])
	case *syntax.Subquery:
		return true
	case *syntax.Call:
		if e.Over != nil || l.Result.Inlined[e] != nil {
			return true
		}
		if f, ok := function.Lookup(e.Name.Last().Name); ok && f.Class == function.Aggregate {
			return true
		}
	case *syntax.ColumnRef:
		if x := l.Result.Aliases[e]; x != nil {
			return true
		}
	}
	syntax.Operands(e, func(x syntax.Expr) { late = late || l.isLate(x) }, func(*syntax.Query) { late = true })
	return late
}

// chosen is what a macro with overloads makes of an aggregate whose type is
// known. Nil where the macro can be called.
func (l *lowering) chosen(name string, e syntax.Expr, x emit.Expr, rest []emit.Expr) emit.Expr {
	if !l.isLate(e) {
		return nil
	}
	cast := func(to string) emit.Expr { return &emit.Cast{X: x, Type: to} }
	t := l.typeOf(e)
	text := t.IsText() || t.Kind == types.Unknown
	switch name {
	case "rs_substring":
		if t.Kind == types.Unknown {
			x = cast("VARCHAR")
		}
		if text {
			return call("rs_substring_text", append([]emit.Expr{x}, rest...)...)
		}
	case "rs_octet_length":
		if text {
			return &emit.Cast{X: call("strlen", cast("VARCHAR")), Type: "INTEGER"}
		}
	case "rs_trunc":
		switch {
		case len(rest) > 0 || t.Kind == types.Unknown:
			return nil
		case t.IsMoment():
			return cast("DATE")
		}
		return call("trunc", x)
	case "rs_date", "rs_timestamp", "rs_timestamptz":
		if t.IsMoment() {
			return cast(map[string]string{"rs_date": "DATE", "rs_timestamp": "TIMESTAMP", "rs_timestamptz": "TIMESTAMPTZ"}[name])
		}
		return call(name+"_of", cast("VARCHAR"))
	case "rs_boolean":
		switch {
		case t.Kind == types.Boolean:
			return x
		case t.IsNumber():
			return &emit.Op{Op: "<>", Args: []emit.Expr{x, &emit.Num{Text: "0"}}}
		}
		return call("rs_boolean_of", cast("VARCHAR"))
	case "rs_timezone":
		return zoned(rest[0], x, t)
	}
	return nil
}
