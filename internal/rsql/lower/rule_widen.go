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

// roomy are the digits before the point that the sum or product of two decimals
// of up to 18 digits keeps at least without being computed in 38.
const roomy = 12

// wideDecimal is the type the left operand of +, - or * is cast to so that
// DuckDB does not compute in 18 digits what Redshift gives more: it does where
// both operands have no more, and fails where the result has. The narrow types
// are much faster and stay where their result has room for numbers that occur.
// Empty where no cast is wanted.
func wideDecimal(op string, left, right types.Type) string {
	if left.Kind != types.Decimal && right.Kind != types.Decimal {
		return ""
	}
	t := types.Arithmetic(op, left, right)
	a, b := left.AsDecimal(), right.AsDecimal()
	if t.Kind != types.Decimal || t.Precision <= 18 || 18-t.Scale >= roomy || max(a.Precision, b.Precision) == types.MaxPrecision || a.Precision == 0 {
		return ""
	}
	wide := types.Type{Kind: types.Decimal, Precision: max(a.Precision, 19), Scale: a.Scale}
	return wide.Duck()
}
