package lower

import (
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// expr lowers an expression: by the first rule that takes it, else as it stands.
func (l *lowering) expr(e syntax.Expr) emit.Expr {
	x := l.bare(e)
	if len(l.groupedTexts) > 0 && l.isGroupedText(e) && l.groupedTexts[emit.ExprSQL(x)] {
		return call("rs_blankless", x)
	}
	return x
}

func (l *lowering) bare(e syntax.Expr) emit.Expr {
	for _, r := range l.rules {
		if x := r.apply(l, e); x != nil {
			l.fired = append(l.fired, Fired{r.name, e})
			return x
		}
	}
	return l.plain(e)
}

func (l *lowering) exprs(list []syntax.Expr) []emit.Expr {
	out := make([]emit.Expr, len(list))
	for i, e := range list {
		out[i] = l.expr(e)
	}
	return out
}

// optional lowers an expression that may be absent.
func (l *lowering) optional(e syntax.Expr) emit.Expr {
	if e == nil {
		return nil
	}
	return l.expr(e)
}

// plain translates an expression that both dialects say alike.
func (l *lowering) plain(e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		if l.connecting != "" {
			if x := l.connected(e); x != nil {
				return x
			}
		}
		if x := l.spelt(e); x != nil {
			return x
		}
		if l.isGrouped(e) {
			return call("rs_blankless", l.column(e))
		}
		return l.column(e)
	case *syntax.Star:
		return &emit.Star{Qualifier: l.folds(lastOf(e.Qualifier)), Exclude: append(l.folds(e.Exclude), l.hidden...)}
	case *syntax.Number:
		if t := l.typeOf(e); t.Kind == types.Double {
			l.floatInRange(e.Text, t, e)
		}
		return &emit.Num{Text: number(e.Text)}
	case *syntax.String:
		return &emit.Str{Value: e.Value}
	case *syntax.Bool:
		return &emit.Word{Text: strings.ToUpper(map[bool]string{true: "true", false: "false"}[e.Value])}
	case *syntax.Null:
		return null()
	case *syntax.Param:
		if x := l.Result.Arguments[e]; x != nil {
			return l.expr(x)
		}
		return &emit.Param{Index: e.Index}
	case *syntax.Default:
		return &emit.Word{Text: "DEFAULT"}
	case *syntax.Unary:
		return &emit.Prefix{Op: strings.ToUpper(e.Op), X: l.expr(e.X)}
	case *syntax.Binary:
		return l.binary(e)
	case *syntax.Case:
		return l.caseOf(e)
	case *syntax.Call:
		return l.call(e)
	case *syntax.Row:
		return &emit.Row{Items: l.exprs(e.Items)}
	case *syntax.Array:
		return &emit.List{Items: l.exprs(e.Items)}
	case *syntax.Position:
		return call("rs_strpos", l.expr(l.textual(e.Whole)), l.expr(l.textual(e.Part)))
	case *syntax.Collate:
		return l.collate(e.X, e.Collation.Name)
	}
	return l.predicate(e)
}

// caseOf lowers CASE; a text operand is compared without trailing blanks.
func (l *lowering) caseOf(e *syntax.Case) emit.Expr {
	c := &emit.Case{Else: l.optional(e.Else)}
	lowered := l.expr
	if e.Operand != nil {
		if l.isText(e.Operand) {
			lowered = l.blankless
		}
		c.Operand = lowered(e.Operand)
	}
	for _, w := range e.Whens {
		c.Whens = append(c.Whens, emit.When{Cond: lowered(w.Cond), Result: l.expr(w.Result)})
	}
	return c
}

func null() emit.Expr { return &emit.Word{Text: "NULL"} }

// predicate translates the tests and the subqueries.
func (l *lowering) predicate(e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.IsTest:
		op := "IS "
		if e.Not {
			op = "IS NOT "
		}
		what := strings.ToUpper(e.What)
		if what == "UNKNOWN" {
			what = "NULL"
		}
		return &emit.Postfix{X: l.expr(e.X), Op: op + what}
	case *syntax.Like:
		op := strings.ToUpper(e.Kind)
		if e.Not {
			op = "NOT " + op
		}
		return &emit.Like{X: l.expr(l.textual(e.X)), Pattern: l.expr(l.textual(e.Pattern)), Escape: l.optional(e.Escape), Op: op}
	case *syntax.Between:
		return &emit.Between{X: l.expr(e.X), Lo: l.expr(e.Lo), Hi: l.expr(e.Hi), Not: e.Not}
	case *syntax.In:
		in := &emit.In{X: l.expr(e.X), Not: e.Not}
		if e.Query != nil {
			in.Query = l.query(e.Query)
		} else {
			in.List = l.exprs(e.List)
		}
		return in
	case *syntax.Quantified:
		if x := l.inCatalogArray(e); x != nil {
			return x
		}
		q := &emit.Quantified{X: l.expr(e.X), Op: e.Op, All: e.All}
		if e.Query != nil {
			q.Query = l.query(e.Query)
		} else {
			q.Array = l.expr(e.Array)
		}
		return q
	case *syntax.Exists:
		return &emit.Exists{Query: l.query(e.Query)}
	case *syntax.Subquery:
		return &emit.Subquery{Query: l.query(e.Query)}
	case *syntax.OuterMark:
		if l.unmarked > 0 {
			return l.expr(e.Column)
		}
		l.missing(e, "the outer join operator (+)")
	case *syntax.CurrentOf:
		l.missing(e, "WHERE CURRENT OF")
	}
	l.fail(e, sqlerr.InternalError, "cannot lower %T", e)
	return nil
}

// number writes a number as DuckDB reads it: "1." is not one there.
func number(text string) string {
	if strings.HasSuffix(text, ".") {
		return text + "0"
	}
	return text
}

// column names a column; qualifiers are the table's name in FROM.
func (l *lowering) column(c *syntax.ColumnRef) emit.Expr {
	if ref, ok := l.Result.Refs[c]; ok {
		parts := make([]string, 0, 2+len(ref.Path))
		if ref.Table != "" {
			parts = append(parts, ref.Table)
		}
		return &emit.Ref{Parts: append(append(parts, ref.Column), ref.Path...)}
	}
	return &emit.Ref{Parts: l.folds(c.Parts)}
}

func (l *lowering) folds(ids []syntax.Ident) []string {
	if len(ids) == 0 {
		return nil
	}
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = l.Options.Fold(id)
	}
	return out
}

// lastOf drops the schema of a qualifier: DuckDB knows the table by its name.
func lastOf(ids []syntax.Ident) []syntax.Ident {
	if len(ids) > 1 {
		return ids[len(ids)-1:]
	}
	return ids
}

func (l *lowering) binary(e *syntax.Binary) emit.Expr {
	op := strings.ToUpper(e.Op)
	if op == "AND" || op == "OR" || op == "||" { // a chain prints without inner parentheses
		return &emit.Op{Op: op, Args: l.chain(e)}
	}
	x, y := l.operands(e)
	return &emit.Op{Op: op, Args: []emit.Expr{x, y}}
}

// chain flattens the left spine of an associative operator.
func (l *lowering) chain(e *syntax.Binary) []emit.Expr {
	var operands []syntax.Expr
	var x syntax.Expr = e
	for {
		b, ok := x.(*syntax.Binary)
		if !ok || b.Op != e.Op {
			break
		}
		operands = append(operands, b.R)
		x = b.L
	}
	lowered := l.expr
	if e.Op == "||" {
		lowered = func(x syntax.Expr) emit.Expr { return l.expr(l.textual(x)) }
	}
	out := []emit.Expr{lowered(x)}
	for i := len(operands) - 1; i >= 0; i-- {
		out = append(out, lowered(operands[i]))
	}
	return out
}

// call lowers a function call by its row in the function table.
func (l *lowering) call(c *syntax.Call) emit.Expr {
	path := l.Options.Path(c.Name)
	f, ok := function.Lookup(path[len(path)-1])
	if body := l.Result.Inlined[c]; body != nil {
		return l.expr(body)
	}
	if u := l.Result.Python[c]; u != nil {
		return l.python(c, u)
	}
	if !ok {
		l.fail(c, sqlerr.UndefinedFunction, "function %s does not exist", strings.Join(path, "."))
	}
	if x := l.superArgument(c, f); x != nil {
		return x
	}
	l.numericArgument(c, f.Name)
	c = l.withTexts(c, f)
	switch f.Kind {
	case function.Rule:
		l.fired = append(l.fired, Fired{f.Duck, c})
		return l.calls[f.Duck](l, c)
	case function.Refused:
		l.missing(c, "function "+f.Name)
	}
	if f.Duck == "rs_len" && l.typeOf(c.Args[0]).Kind == types.Varbyte {
		return l.callAs(c, "rs_octet_length")
	}
	switch f.Name {
	case "last_day", "add_months", "date_part_year", "dayofweek":
		return l.ofMoment(c, f.Target())
	case "trunc":
		if x := l.truncated(c); x != nil {
			return x
		}
	}
	if overloaded[f.Target()] {
		args := l.exprs(c.Args)
		at := 0
		if f.Name == "timezone" {
			at = 1
		}
		if x := l.chosen(f.Target(), c.Args[at], args[at], append(args[:at:at], args[at+1:]...)); x != nil {
			return x
		}
	}
	return l.callAs(c, f.Target())
}

// callAs calls a DuckDB function with everything the call carries.
func (l *lowering) callAs(c *syntax.Call, name string) *emit.Call {
	args := l.exprs(c.Args)
	if overloaded[name] && len(args) > 0 {
		at := 0
		if name == "rs_timezone" {
			at = len(args) - 1
		}
		otherwise := map[string]string{"rs_substring": "VARCHAR", "rs_octet_length": "VARCHAR", "rs_date": "VARCHAR"}[name]
		if isParam(c.Args[at]) && name == "rs_trunc" {
			otherwise = "DOUBLE"
		}
		args[at] = l.typed(c.Args[at], args[at], otherwise)
	}
	switch c.Name.Last().Name {
	case "abs", "ceil", "ceiling", "floor", "round", "sign", "trunc":
		if len(c.Args) > 0 {
			if _, ok := l.untyped(c.Args[0]); ok {
				args[0] = asDouble(args[0])
			}
		}
	}
	return &emit.Call{
		Name: name, Args: args, Star: c.Star, Distinct: c.Distinct,
		OrderBy: l.orders(c.OrderBy), WithinGroup: l.orders(c.WithinGroup), Filter: l.optional(c.Filter),
		IgnoreNulls: c.Nulls == syntax.NullsIgnore, Over: l.window(c.Over),
	}
}

func call(name string, args ...emit.Expr) *emit.Call { return &emit.Call{Name: name, Args: args} }

func (l *lowering) window(w *syntax.Window) *emit.Window {
	if w == nil {
		return nil
	}
	if w.Ref != nil {
		return &emit.Window{Ref: l.Options.Fold(*w.Ref)}
	}
	out := &emit.Window{Partition: l.exprs(w.Partition), OrderBy: l.orders(w.OrderBy)}
	for i, e := range w.Partition { // trailing blanks neither part rows nor order them
		if l.isBlankable(e) {
			out.Partition[i] = l.blankless(e)
		}
	}
	for i, o := range w.OrderBy {
		if l.isBlankable(o.Expr) {
			out.OrderBy[i].X = l.blankless(o.Expr)
		}
	}
	if w.Base != nil {
		out.Base = l.Options.Fold(*w.Base)
	}
	if f := w.Frame; f != nil {
		frame := &emit.Frame{Unit: strings.ToUpper(f.Unit), Start: l.bound(f.Start), Exclude: strings.ToUpper(f.Exclude)}
		if f.End != nil {
			frame.End = l.bound(*f.End)
		}
		out.Frame = frame
	}
	return out
}

func (l *lowering) bound(b syntax.Bound) emit.Bound {
	return emit.Bound{Kind: strings.ToUpper(b.Kind), Offset: l.optional(b.Offset)}
}

// orders lowers sort keys; NULLs sort as the largest values unless told otherwise.
func (l *lowering) orders(list []syntax.OrderItem) []emit.Order {
	if len(list) == 0 {
		return nil
	}
	out := make([]emit.Order, len(list))
	for i, o := range list {
		x := l.expr(o.Expr)
		if l.isSuper(o.Expr) {
			x = call("rs_super_order", x)
		}
		out[i] = emit.Order{X: x, Desc: o.Desc, Nulls: strings.ToUpper(o.Nulls)}
		if o.Nulls == "" {
			out[i].Nulls = "LAST"
			if o.Desc {
				out[i].Nulls = "FIRST"
			}
		}
	}
	return out
}
