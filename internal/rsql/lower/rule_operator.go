package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
)

// operator lowers the operators DuckDB spells otherwise.
func operator(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Unary:
		name := map[string]string{"|/": "rs_sqrt", "||/": "cbrt", "@": "abs"}[e.Op]
		if name != "" {
			return call(name, l.expr(e.X))
		}
		if e.Op == "prior" {
			l.missing(e, "CONNECT BY")
		}
	case *syntax.Binary:
		switch e.Op {
		case "^":
			return call("pow", l.expr(e.L), l.expr(e.R))
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
