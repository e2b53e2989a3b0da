package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// operator lowers the operators DuckDB spells otherwise.
func operator(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Unary:
		if e.Op == "~" && l.typeOf(e.X).Kind == types.Varbyte {
			return call("rs_varbyte_not", l.expr(e.X))
		}
		name := map[string]string{"|/": "rs_sqrt", "||/": "cbrt", "@": "abs"}[e.Op]
		if name != "" {
			return call(name, l.expr(e.X))
		}
		if e.Op == "prior" {
			return l.priorOf(e)
		}
	case *syntax.Binary:
		if x := varbyte(l, e); x != nil {
			return x
		}
		switch e.Op {
		case "+":
			if l.Result.Joins(e) {
				return l.binary(&syntax.Binary{Pos: e.Pos, Op: "||", L: e.L, R: e.R})
			}
		case "^":
			return call("rs_power", l.expr(e.L), l.expr(e.R))
		case "<<":
			return call("rs_shift_left", l.expr(e.L), l.expr(e.R))
		case "#":
			return call("xor", l.expr(e.L), l.expr(e.R))
		case "~~", "~~*", "!~~", "!~~*":
			kind := map[bool]string{true: "ilike", false: "like"}[e.Op[len(e.Op)-1] == '*']
			return l.expr(&syntax.Like{Pos: e.Pos, X: e.L, Pattern: e.R, Kind: kind, Not: e.Op[0] == '!'})
		case "overlaps":
			return overlaps(l, e)
		}
	}
	return nil
}

// varbyte lowers the operators on VARBYTE; + is a concatenation.
func varbyte(l *lowering, e *syntax.Binary) emit.Expr {
	if l.typeOf(e.L).Kind != types.Varbyte && l.typeOf(e.R).Kind != types.Varbyte {
		return nil
	}
	if e.Op == "+" {
		return &emit.Op{Op: "||", Args: []emit.Expr{l.expr(e.L), l.expr(e.R)}}
	}
	if name := map[string]string{"&": "rs_varbyte_and", "|": "rs_varbyte_or", "#": "rs_varbyte_xor"}[e.Op]; name != "" {
		return call(name, l.expr(e.L), l.expr(e.R))
	}
	return nil
}

// overlaps spells out (s1, e1) OVERLAPS (s2, e2).
func overlaps(l *lowering, e *syntax.Binary) emit.Expr {
	a, ok1 := e.L.(*syntax.Row)
	b, ok2 := e.R.(*syntax.Row)
	if !ok1 || !ok2 || len(a.Items) != 2 || len(b.Items) != 2 {
		l.missing(e, "OVERLAPS of other than two pairs")
	}
	less := func(x, y syntax.Expr) syntax.Expr { return &syntax.Binary{Pos: e.Pos, Op: "<", L: x, R: y} }
	return l.expr(&syntax.Binary{Pos: e.Pos, Op: "and", L: less(a.Items[0], b.Items[1]), R: less(b.Items[0], a.Items[1])})
}
