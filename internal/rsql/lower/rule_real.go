package lower

import (
	"slices"
	"strconv"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// realOperands makes a double of a REAL beside an integer or a decimal, as which
// Redshift computes and compares the two ("Return types for computations"):
// DuckDB rounds the other to a REAL.
func realOperands(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Binary:
		switch e.Op {
		case "=", "<>", "<", ">", "<=", ">=", "is distinct from", "is not distinct from":
			if isReal32(e.L) || isReal32(e.R) {
				return nil
			}
		case "+", "-", "*", "/":
		default:
			return nil
		}
		b := *e
		if list := []syntax.Expr{e.L, e.R}; l.doubled(list) {
			b.L, b.R = list[0], list[1]
			return l.expr(&b)
		}
	case *syntax.Between:
		b := *e
		if list := []syntax.Expr{e.X, e.Lo, e.Hi}; l.doubled(list) {
			b.X, b.Lo, b.Hi = list[0], list[1], list[2]
			return l.expr(&b)
		}
	case *syntax.In:
		return l.realIn(e)
	case *syntax.Case:
		if e.Operand == nil {
			return nil
		}
		list := []syntax.Expr{e.Operand}
		for _, w := range e.Whens {
			list = append(list, w.Cond)
		}
		if !l.doubled(list) {
			return nil
		}
		c := *e
		c.Operand, c.Whens = list[0], slices.Clone(e.Whens)
		for i := range c.Whens {
			c.Whens[i].Cond = list[i+1]
		}
		return l.expr(&c)
	case *syntax.Call: // its value is the first argument, which stays as it is
		if e.Name.Last().Name != "nullif" || len(e.Args) != 2 || e.Over != nil {
			return nil
		}
		if list := slices.Clone(e.Args); l.doubled(list) {
			same := &syntax.Binary{Pos: e.Pos, Op: "=", L: list[0], R: list[1]}
			return &emit.Case{Whens: []emit.When{{Cond: l.expr(same), Result: null()}}, Else: l.expr(e.Args[0])}
		}
	}
	return nil
}

func (l *lowering) realIn(e *syntax.In) emit.Expr {
	in := *e
	if columns := l.outputs(e.Query); len(columns) == 1 {
		x, of := l.typeOf(e.X), columns[0]
		if mixed(x, of) || mixed(of, x) {
			in.X = castTo(e.X, types.Type{Kind: types.Double})
			return l.expr(&in)
		}
		return nil
	}
	list := append([]syntax.Expr{e.X}, e.List...)
	if len(e.List) == 0 || !l.doubled(list) {
		return nil
	}
	in.X, in.List = list[0], list[1:]
	return l.expr(&in)
}

// mixed says whether x is a REAL and y an exact number.
func mixed(x, y types.Type) bool { return x.Kind == types.Real && y.IsNumber() && !y.IsFloat() }

// doubled casts the REALs of a list to doubles, if it has exact numbers too.
func (l *lowering) doubled(list []syntax.Expr) bool {
	exact := slices.ContainsFunc(list, func(e syntax.Expr) bool { t := l.typeOf(e); return t.IsNumber() && !t.IsFloat() })
	cast := false
	for i, e := range list {
		if exact && l.typeOf(e).Kind == types.Real {
			list[i], cast = castTo(e, types.Type{Kind: types.Double}), true
		}
	}
	return cast
}

// isReal32 says whether an expression is a number that a REAL holds exactly,
// with which a REAL compares as a double does.
func isReal32(e syntax.Expr) bool {
	n, ok := e.(*syntax.Number)
	if !ok {
		return false
	}
	v, err := strconv.ParseFloat(n.Text, 64)
	text := strconv.FormatFloat(v, 'f', -1, 64)
	return err == nil && float64(float32(v)) == v && len(text) <= 12 && v == float64(int64(v*1024))/1024
}
