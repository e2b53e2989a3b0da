package lower

import (
	"slices"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// smallintLiterals gives integer literals their type, INTEGER, where a smallint
// stands beside them: DuckDB gives them the smallint's, in which what is
// computed from the result overflows.
func smallintLiterals(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Binary:
		switch e.Op {
		case "/", "%", "&", "|", "#":
			left, right := l.typeOf(e.L), l.typeOf(e.R)
			if !l.widens(e.L, left, e.R, right) {
				return nil
			}
			wider := *e
			if left.Kind == types.Smallint {
				wider.L = castTo(e.L, right)
			} else {
				wider.R = castTo(e.R, left)
			}
			return l.expr(&wider)
		}
	case *syntax.Call:
		switch e.Name.Last().Name {
		case "coalesce", "nvl", "ifnull", "isnull", "greatest", "least", "mod":
			if l.besideSmallint(e.Args) {
				c := *e
				c.Args = slices.Clone(e.Args)
				for i := range c.Args {
					c.Args[i] = typedLiteral(c.Args[i])
				}
				return l.expr(&c)
			}
		}
	case *syntax.Case:
		results := []syntax.Expr{e.Else}
		for _, w := range e.Whens {
			results = append(results, w.Result)
		}
		if l.besideSmallint(results) {
			c := *e
			c.Whens, c.Else = slices.Clone(e.Whens), typedLiteral(e.Else)
			for i := range c.Whens {
				c.Whens[i].Result = typedLiteral(c.Whens[i].Result)
			}
			return l.expr(&c)
		}
	}
	return nil
}

// besideSmallint says whether a smallint and an integer literal are among the
// expressions, and nothing else that decides their common type.
func (l *lowering) besideSmallint(list []syntax.Expr) bool {
	small, literal := false, false
	for _, e := range list {
		if e == nil {
			continue
		}
		k := l.typeOf(e).Kind
		small = small || k == types.Smallint
		literal = literal || isNumber(e)
		if k != types.Smallint && k != types.Unknown && !(k == types.Integer && isNumber(e)) {
			return false
		}
	}
	return small && literal
}

// typedLiteral casts an integer literal to INTEGER.
func typedLiteral(e syntax.Expr) syntax.Expr {
	if e == nil || !isNumber(e) {
		return e
	}
	return castTo(e, types.Type{Kind: types.Integer})
}

func castTo(e syntax.Expr, t types.Type) syntax.Expr {
	return &syntax.Cast{Pos: syntax.Pos{Span: e.Range()}, X: e, Type: syntax.TypeName{Name: t.Base()}, Style: syntax.CastColons}
}
