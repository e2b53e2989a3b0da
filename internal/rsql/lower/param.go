package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// untyped says whether e is a parameter whose type its place decides.
func (l *lowering) untyped(e syntax.Expr) (index int, ok bool) {
	p, ok := e.(*syntax.Param)
	if !ok || l.Result.Arguments[p] != nil || p.Index > len(l.Params) || l.Params[p.Index-1].Kind != types.Unknown {
		return 0, false
	}
	return p.Index, true
}

// operands lowers both sides of an arithmetic operator. An untyped parameter
// takes the type of the other side, as in PostgreSQL; of two, both are doubles,
// the preferred type among the numeric ones.
func (l *lowering) operands(b *syntax.Binary) (x, y emit.Expr) {
	x, y = l.expr(b.L), l.expr(b.R)
	switch b.Op {
	case "+", "-", "*", "/", "%":
	default:
		return x, y
	}
	_, left := l.untyped(b.L)
	_, right := l.untyped(b.R)
	switch {
	case left && right:
		return asDouble(x), asDouble(y)
	case left:
		return l.asOther(x, b.R), y
	case right:
		return x, l.asOther(y, b.L)
	}
	return x, y
}

func asDouble(x emit.Expr) emit.Expr { return &emit.Cast{X: x, Type: "DOUBLE"} }

// asOther casts a parameter to the numeric type of the other operand. A decimal
// keeps more digits of the value than the other's scale has.
func (l *lowering) asOther(x emit.Expr, other syntax.Expr) emit.Expr {
	switch t := l.typeOf(other); {
	case t.Kind == types.Date: // days
		return &emit.Cast{X: x, Type: "INTEGER"}
	case t.IsInteger(), t.Kind == types.Real, t.Kind == types.Double:
		return &emit.Cast{X: x, Type: t.Duck()}
	case t.Kind == types.Decimal:
		return &emit.Cast{X: x, Type: types.Type{Kind: types.Decimal, Precision: types.DefaultPrecision, Scale: max(6, t.Scale)}.Duck()}
	}
	return x
}

// castOperand lowers what is cast. The conversions of texts take an untyped
// parameter or NULL as text, which the client learns as the cast's type.
func (l *lowering) castOperand(x syntax.Expr, to types.Type) emit.Expr {
	out := l.expr(x)
	switch to.Kind {
	case types.Date, types.Timestamp, types.TimestampTZ, types.Boolean, types.Varbyte:
	default:
		return out
	}
	index, ok := l.untyped(x)
	if ok {
		if _, known := l.Inferred[index]; !known && l.Inferred != nil && to.Kind != types.Varbyte {
			l.Inferred[index] = types.Type{Kind: to.Kind}
		}
	}
	if _, null := x.(*syntax.Null); ok || null {
		return &emit.Cast{X: out, Type: "VARCHAR"}
	}
	return out
}
