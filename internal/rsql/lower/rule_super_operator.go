package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// superOperator lowers operators on SUPER values. They are typed by each value
// ("Operators and functions" of the guide's chapter on semistructured data):
// what does not fit gives NULL, not an error. A SUPER beside a value of another
// type is read as that type.
func superOperator(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Binary:
		if !l.isSuper(e.L) && !l.isSuper(e.R) {
			return nil
		}
		switch e.Op {
		case "=", "<>", "<", ">", "<=", ">=":
			x, y := l.superPair(e.L, e.R, e.Op)
			return &emit.Op{Op: e.Op, Args: []emit.Expr{x, y}}
		case "+", "-", "*", "/", "%":
			name := map[string]string{"+": "plus", "-": "minus", "*": "times", "/": "over", "%": "rest"}[e.Op]
			return call("rs_super_"+name, l.asSuper(e.L), l.asSuper(e.R))
		case "||":
			return &emit.Op{Op: "||", Args: []emit.Expr{l.superAsText(e.L), l.superAsText(e.R)}}
		}
	case *syntax.Unary:
		if e.Op == "-" && l.isSuper(e.X) {
			return call("rs_super_minus", call("rs_super", &emit.Num{Text: "0"}), l.expr(e.X))
		}
	case *syntax.IsTest:
		if e.What == "null" && l.isSuper(e.X) {
			var x emit.Expr = call("rs_super_is_null", l.expr(e.X))
			if e.Not {
				x = &emit.Prefix{Op: "NOT", X: x}
			}
			return x
		}
	case *syntax.Like:
		if l.isSuper(e.X) {
			k := *e
			k.X = l.superText(e.X)
			return l.expr(&k)
		}
	case *syntax.Between:
		if l.isSuper(e.X) {
			x, lo := l.superPair(e.X, e.Lo, ">=")
			_, hi := l.superPair(e.X, e.Hi, "<=")
			return &emit.Between{X: x, Lo: lo, Hi: hi, Not: e.Not}
		}
	case *syntax.In:
		if l.isSuper(e.X) && e.Query == nil && len(e.List) > 0 {
			in := &emit.In{Not: e.Not}
			for _, y := range e.List {
				var v emit.Expr
				in.X, v = l.superPair(e.X, y, "=")
				in.List = append(in.List, v)
			}
			return in
		}
	}
	return nil
}

func (l *lowering) isSuper(e syntax.Expr) bool { return l.typeOf(e).Kind == types.Super }

// asSuper lowers an operand as a SUPER value.
func (l *lowering) asSuper(e syntax.Expr) emit.Expr {
	if l.isSuper(e) {
		return l.expr(e)
	}
	return call("rs_super", l.expr(e))
}

func (l *lowering) superAsText(e syntax.Expr) emit.Expr {
	if l.isSuper(e) {
		return call("rs_super_string", l.expr(e))
	}
	return l.expr(e)
}

// superText is a SUPER value cast to text.
func (l *lowering) superText(e syntax.Expr) syntax.Expr {
	return &syntax.Cast{Pos: syntax.Pos{Span: e.Range()}, X: e, Type: syntax.TypeName{Name: "varchar"}, Style: syntax.CastColons}
}

// superPair lowers the sides of a comparison of which one at least is SUPER.
func (l *lowering) superPair(left, right syntax.Expr, op string) (x, y emit.Expr) {
	if !l.isSuper(left) {
		y, x = l.superPair(right, left, op)
		return x, y
	}
	x, y = l.expr(left), l.expr(right)
	t := l.typeOf(right)
	_, text := right.(*syntax.String)
	switch {
	case t.Kind == types.Super && (op == "=" || op == "<>"):
		return call("rs_super_key", x), call("rs_super_key", y)
	case t.Kind == types.Super:
		return call("rs_super_order", x), call("rs_super_order", y)
	case text || t.IsText():
		return call("rs_super_string", x), y
	case t.IsFloat():
		return call("rs_super_float", x), y
	case t.IsNumber():
		return call("rs_super_number", x), y
	case t.Kind == types.Boolean:
		return call("rs_super_bool", x), y
	case t.IsMoment():
		return call("rs_super_string", x), &emit.Cast{X: y, Type: "VARCHAR"}
	}
	return x, y
}

// superArgument lowers the functions that read a SUPER argument by its value;
// text functions want a cast, as on Redshift. Nil for all others.
func (l *lowering) superArgument(c *syntax.Call, f function.Function) emit.Expr {
	if len(c.Args) == 0 || !l.isSuper(c.Args[0]) {
		return nil
	}
	x := l.expr(c.Args[0])
	switch f.Name {
	case "abs", "ceil", "ceiling", "floor", "round", "trunc", "sign", "sqrt":
		args := l.exprs(c.Args)
		args[0] = call("rs_super_float", x)
		return call("rs_super_of", call(f.Target(), args...))
	case "sum", "avg":
		if c.Over == nil && !c.Distinct && c.Filter == nil {
			return call("rs_super_"+f.Name, x)
		}
		out := l.callAs(c, f.Name)
		out.Args[0] = call("rs_super_float", x)
		return call("rs_super_of", out)
	case "min", "max":
		out := l.callAs(c, f.Name+"_by")
		out.Args = []emit.Expr{x, call("rs_super_order", x)}
		return out
	case "lower", "upper", "initcap", "len", "length", "substring", "substr", "left", "right", "trim", "btrim", "ltrim", "rtrim", "replace",
		"split_part", "strpos", "charindex", "reverse", "repeat", "lpad", "rpad", "translate", "regexp_replace", "regexp_substr", "regexp_count",
		"regexp_instr", "md5", "sha2", "soundex", "concat", "to_date", "to_timestamp", "octet_length", "char_length", "ascii":
		names := make([]string, len(c.Args))
		for i, a := range c.Args {
			names[i] = l.typeOf(a).Base()
		}
		l.fail(c, sqlerr.UndefinedFunction, "function %s(%s) does not exist", f.Name, strings.Join(names, ", "))
	}
	return nil
}
