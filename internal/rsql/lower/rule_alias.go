package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
)

// spelt puts the expression in the place of an alias of the same select list.
// DuckDB takes such an alias, but not of an expression that can fail, which it
// holds to have side effects. Nil where the name may stay.
func (l *lowering) spelt(c *syntax.ColumnRef) emit.Expr {
	x := l.Result.Aliases[c]
	if x == nil || !l.inBlock || !l.canFail(x) {
		return nil
	}
	return l.expr(x)
}

// canFail says whether an expression has a part that is lowered to something
// that can raise an error: a division, a cast, a macro.
func (l *lowering) canFail(e syntax.Expr) bool {
	if known, ok := l.failing[e]; ok {
		return known
	}
	if l.failing == nil {
		l.failing = map[syntax.Expr]bool{}
	}
	l.failing[e] = false // for an alias that names itself
	found := false
	switch e := e.(type) {
	case *syntax.Binary:
		found = e.Op == "/" || e.Op == "%"
	case *syntax.Cast:
		found = true
	case *syntax.Call:
		f, ok := function.Lookup(e.Name.Last().Name)
		if ok && f.Name == "random" {
			return false // each mention would be another number
		}
		found = !ok || f.Kind != function.Same
	case *syntax.ColumnRef:
		if x := l.Result.Aliases[e]; x != nil {
			found = l.canFail(x)
		}
	}
	syntax.Operands(e, func(x syntax.Expr) { found = found || l.canFail(x) }, func(*syntax.Query) { found = true })
	l.failing[e] = found
	return found
}
