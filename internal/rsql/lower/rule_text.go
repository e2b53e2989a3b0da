package lower

import (
	"regexp"
	"slices"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
)

// textual is an expression in a place that wants text: numbers, dates, times
// and intervals are cast to it, implicitly as Redshift does.
func (l *lowering) textual(e syntax.Expr) syntax.Expr {
	if t := l.typeOf(e); t.IsNumber() || t.IsMoment() || t.IsInterval() {
		return &syntax.Cast{Pos: syntax.Pos{Span: e.Range()}, X: e, Type: syntax.TypeName{Name: "varchar"}, Style: syntax.CastColons}
	}
	return e
}

// withTexts is a call whose arguments are texts where the function wants texts.
func (l *lowering) withTexts(c *syntax.Call, f function.Function) *syntax.Call {
	changed := c
	for _, i := range function.TextArguments(f.Name) {
		if i >= len(c.Args) {
			break
		}
		x := l.textual(c.Args[i])
		if x == c.Args[i] {
			continue
		}
		if changed == c {
			copied := *c
			copied.Args = slices.Clone(c.Args)
			changed = &copied
		}
		changed.Args[i] = x
	}
	return changed
}

// trim lowers TRIM([side] [chars FROM] x).
func trim(l *lowering, e syntax.Expr) emit.Expr {
	t, ok := e.(*syntax.Trim)
	if !ok {
		return nil
	}
	name := map[string]string{"": "trim", "both": "trim", "leading": "ltrim", "trailing": "rtrim"}[t.Side]
	args := []emit.Expr{l.expr(l.textual(t.X))}
	if t.Chars != nil {
		args = append(args, l.expr(t.Chars))
	}
	return call(name, args...)
}

// charindex has strpos's arguments the other way round.
func charindex(l *lowering, c *syntax.Call) emit.Expr {
	return call("rs_strpos", l.expr(c.Args[1]), l.expr(c.Args[0]))
}

// concat is ||: NULL if either argument is.
func concat(l *lowering, c *syntax.Call) emit.Expr {
	return &emit.Op{Op: "||", Args: []emit.Expr{call("rs_text", l.expr(c.Args[0])), call("rs_text", l.expr(c.Args[1]))}}
}

// pad gives LPAD and RPAD their default filling.
func pad(l *lowering, c *syntax.Call) emit.Expr {
	args := l.exprs(c.Args)
	if len(args) == 2 {
		args = append(args, &emit.Str{Value: " "})
	}
	if s, constant := args[2].(*emit.Str); constant && s.Value != "" {
		return call(c.Name.Last().Name, args...)
	}
	return call("rs_"+c.Name.Last().Name, args...) // an empty filling is an error to DuckDB
}

// groupRef is $1 in a replacement: DuckDB writes \1.
var groupRef = regexp.MustCompile(`\$([0-9])`)

// isPerl says whether the last argument is a constant that asks for PCRE.
func isPerl(c *syntax.Call, count int) bool {
	if len(c.Args) != count {
		return false
	}
	flags, ok := c.Args[count-1].(*syntax.String)
	return ok && strings.Contains(flags.Value, "p")
}

// perl lowers REGEXP_COUNT and REGEXP_SUBSTR: with the parameter p the pattern
// must not reach DuckDB's own functions, which compile it when they are bound.
func perl(l *lowering, c *syntax.Call) emit.Expr {
	name := c.Name.Last().Name
	if isPerl(c, map[string]int{"regexp_count": 4, "regexp_substr": 5}[name]) {
		return call("rs_perl_"+strings.TrimPrefix(name, "regexp_"), l.exprs(c.Args)...)
	}
	return l.callAs(c, "rs_"+name)
}

// regexpReplace replaces all matches. A position or parameters go through the macro.
func regexpReplace(l *lowering, c *syntax.Call) emit.Expr {
	args := l.exprs(c.Args)
	if isPerl(c, 5) {
		return call("rs_perl_replace", args...)
	}
	if len(args) == 2 {
		args = append(args, &emit.Str{})
	}
	if s, ok := args[2].(*emit.Str); ok {
		args[2] = &emit.Str{Value: groupRef.ReplaceAllString(s.Value, `\$1`)}
	}
	if len(args) > 3 {
		return call("rs_regexp_replace", args...)
	}
	return call("regexp_replace", append(args, &emit.Str{Value: "g"})...)
}

// nvl2 is CASE WHEN x IS NOT NULL.
func nvl2(l *lowering, c *syntax.Call) emit.Expr {
	cond := &emit.Postfix{X: l.expr(c.Args[0]), Op: "IS NOT NULL"}
	return &emit.Case{Whens: []emit.When{{Cond: cond, Result: l.expr(c.Args[1])}}, Else: l.expr(c.Args[2])}
}

// nullif compares texts without their trailing blanks.
func nullif(l *lowering, c *syntax.Call) emit.Expr {
	if !l.isText(c.Args[0]) && !l.isText(c.Args[1]) || l.noBlanks(c.Args[0]) && l.noBlanks(c.Args[1]) {
		return l.callAs(c, "nullif")
	}
	same := &emit.Op{Op: "=", Args: []emit.Expr{l.blankless(c.Args[0]), l.blankless(c.Args[1])}}
	return &emit.Case{Whens: []emit.When{{Cond: same, Result: null()}}, Else: l.expr(c.Args[0])}
}

// decode is a CASE in which NULL equals NULL.
func decode(l *lowering, c *syntax.Call) emit.Expr {
	out := &emit.Case{}
	args := c.Args[1:]
	for ; len(args) >= 2; args = args[2:] {
		op := "="
		if _, isNull := args[0].(*syntax.Null); isNull {
			op = "IS NOT DISTINCT FROM"
		} else if !constant(args[0]) {
			op = "IS NOT DISTINCT FROM"
		}
		lowered := l.expr
		if l.isText(c.Args[0]) {
			lowered = l.blankless
		}
		cond := &emit.Op{Op: op, Args: []emit.Expr{lowered(c.Args[0]), lowered(args[0])}}
		out.Whens = append(out.Whens, emit.When{Cond: cond, Result: l.expr(args[1])})
	}
	if len(args) == 1 {
		out.Else = l.expr(args[0])
	}
	return out
}

// constant says whether e is a literal that is not NULL.
func constant(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.String, *syntax.Number, *syntax.Bool, *syntax.TypedString:
		return true
	}
	return false
}
