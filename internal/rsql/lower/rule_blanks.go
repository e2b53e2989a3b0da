package lower

import (
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// compareText lowers comparisons of texts, in which trailing blanks do not
// count (the guide's "Significance of trailing blanks"), and of a text with a
// number, which is converted to text ("Type compatibility and conversion").
// CHAR values are kept without their padding and need nothing.
func compareText(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Binary:
		switch e.Op {
		case "=", "<>", "<", ">", "<=", ">=", "is distinct from", "is not distinct from":
			return l.compare(e)
		}
	case *syntax.Between:
		if !l.isText(e.X) {
			return nil
		}
		lo := &syntax.Binary{Pos: e.Pos, Op: ">=", L: e.X, R: e.Lo}
		hi := &syntax.Binary{Pos: e.Pos, Op: "<=", L: e.X, R: e.Hi}
		if _, column := e.X.(*syntax.ColumnRef); !column || l.noBlanks(e.X) && l.noBlanks(e.Lo) && l.noBlanks(e.Hi) {
			return &emit.Between{X: l.blankless(e.X), Lo: l.blankless(e.Lo), Hi: l.blankless(e.Hi), Not: e.Not}
		}
		both := conjunction([]emit.Expr{l.expr(lo), l.expr(hi)})
		if e.Not {
			return &emit.Prefix{Op: "NOT", X: both}
		}
		return both
	case *syntax.In:
		return l.inTexts(e)
	}
	return nil
}

// isText says whether an expression is known to be a text of a column or
// function; a literal is of the type its place wants.
func (l *lowering) isText(e syntax.Expr) bool {
	k := l.typeOf(e).Kind
	return k == types.Varchar || k == types.Char
}

// noBlanks says whether a text is known to have no trailing blanks: of CHAR and
// of the catalog's names, of a literal without them, of what was trimmed.
func (l *lowering) noBlanks(e syntax.Expr) bool {
	switch e := e.(type) {
	case *syntax.String:
		return !strings.HasSuffix(e.Value, " ")
	case *syntax.Trim:
		return e.Side != "leading" && e.Chars == nil
	case *syntax.Cast:
		if k := l.typeOf(e.X).Kind; k != types.Unknown && !l.isText(e.X) {
			return k != types.Super && k != types.Varbyte
		}
	case *syntax.Case:
		for _, w := range e.Whens {
			if !l.noBlanks(w.Result) {
				return false
			}
		}
		return e.Else == nil || l.noBlanks(e.Else)
	case *syntax.Null:
		return true
	case *syntax.Call:
		f, ok := function.Lookup(e.Name.Last().Name)
		return ok && (f.Name == "rtrim" || f.Name == "btrim" || f.Name == "trim") && len(e.Args) == 1 || f.Kind == function.Leader
	case *syntax.ColumnRef:
		if ref, ok := l.Result.Refs[e]; ok && ref.System {
			return true
		}
	}
	return l.typeOf(e).Kind != types.Varchar
}

// isTextParam says whether a parameter is of no declared type or a text.
func (l *lowering) isTextParam(p *syntax.Param) bool {
	if p.Index > len(l.Params) {
		return true
	}
	t := l.Params[p.Index-1]
	return t.Kind == types.Unknown || t.IsText()
}

// blankless lowers a text without its trailing blanks.
func (l *lowering) blankless(e syntax.Expr) emit.Expr {
	if s, ok := e.(*syntax.String); ok {
		return &emit.Str{Value: strings.TrimRight(s.Value, " ")}
	}
	if n, ok := e.(*syntax.Number); ok {
		return &emit.Str{Value: n.Text}
	}
	switch x := l.expr(e); {
	case l.typeOf(e).IsNumber():
		return call("rs_text", x)
	case isParam(e):
		return call("rs_blankless", &emit.Cast{X: x, Type: "VARCHAR"})
	case l.noBlanks(e):
		return x
	default:
		return call("rs_blankless", x)
	}
}

func isParam(e syntax.Expr) bool {
	_, ok := e.(*syntax.Param)
	return ok
}

func (l *lowering) compare(e *syntax.Binary) emit.Expr {
	left, right := l.isText(e.L), l.isText(e.R)
	if !left && !right {
		if _, ok := e.L.(*syntax.String); ok {
			if _, ok := e.R.(*syntax.String); ok {
				return &emit.Op{Op: strings.ToUpper(e.Op), Args: []emit.Expr{l.blankless(e.L), l.blankless(e.R)}}
			}
		}
		return nil
	}
	other := e.R
	if !left {
		other = e.L
	}
	if k := l.typeOf(other); k.Kind != types.Unknown && !k.IsText() && !k.IsNumber() {
		return nil
	}
	switch other := other.(type) {
	case *syntax.Null:
		return nil
	case *syntax.Param:
		if !l.isTextParam(other) {
			return nil
		}
	}
	if left && !right && !l.noBlanks(e.L) {
		if x := l.columnAndLiteral(e.Op, e.L, e.R); x != nil {
			return x
		}
	}
	x, y := l.blankless(e.L), l.blankless(e.R)
	return &emit.Op{Op: strings.ToUpper(e.Op), Args: []emit.Expr{x, y}}
}

// columnAndLiteral compares a column with a constant so that DuckDB can still
// look into its zone maps: what equals the constant but for blanks stands
// between it and the constant followed by '!', the character after the blank.
func (l *lowering) columnAndLiteral(op string, column, constant syntax.Expr) emit.Expr {
	ref, ok := column.(*syntax.ColumnRef)
	if !ok {
		return nil
	}
	var value, after emit.Expr
	switch c := constant.(type) {
	case *syntax.String:
		text := strings.TrimRight(c.Value, " ")
		value, after = &emit.Str{Value: text}, &emit.Str{Value: text + "!"}
	case *syntax.Param:
		value = l.blankless(c)
		after = &emit.Op{Op: "||", Args: []emit.Expr{value, &emit.Str{Value: "!"}}}
	default:
		return nil
	}
	x := l.expr(ref)
	at := func(op string, y emit.Expr) emit.Expr { return &emit.Op{Op: op, Args: []emit.Expr{x, y}} }
	bare := &emit.Op{Op: op, Args: []emit.Expr{call("rs_blankless", x), value}}
	below := at("<", after)
	switch op {
	case "=":
		return conjunction([]emit.Expr{at(">=", value), below, bare})
	case "<", ">=":
		return at(op, value)
	case "<=":
		return conjunction([]emit.Expr{below, bare})
	case ">":
		return conjunction([]emit.Expr{at(op, value), bare})
	}
	return bare
}

// inTexts lowers X IN (list or query) where X may have trailing blanks, or the
// query's rows may.
func (l *lowering) inTexts(e *syntax.In) emit.Expr {
	if !l.isText(e.X) {
		return nil
	}
	in := &emit.In{Not: e.Not}
	if e.Query != nil {
		columns := l.Result.Outputs[e.Query]
		if len(columns) != 1 || l.noBlanks(e.X) && columns[0].Type.Kind != types.Varchar {
			return nil
		}
		in.X, in.Query = l.blankless(e.X), l.query(e.Query)
		if columns[0].Type.Kind == types.Varchar {
			in.Query = blanklessRows(in.Query)
		}
		return in
	}
	in.X = l.blankless(e.X)
	for _, x := range e.List {
		if _, null := x.(*syntax.Null); null {
			in.List = append(in.List, l.expr(x))
			continue
		}
		in.List = append(in.List, l.blankless(x))
	}
	return in
}

// blanklessRows takes the trailing blanks from the one column of a query.
func blanklessRows(q *emit.Query) *emit.Query {
	if s, ok := q.Body.(*emit.Select); ok && len(s.Items) == 1 {
		if _, star := s.Items[0].X.(*emit.Star); !star {
			s.Items[0].X = call("rs_blankless", s.Items[0].X)
			return q
		}
	}
	rows := &emit.Select{Items: []emit.Item{{X: call("rs_blankless", &emit.Ref{Parts: []string{"c1"}})}},
		From: []emit.Table{&emit.Derived{Query: q, Alias: emit.Alias{Name: "source", Columns: []string{"c1"}}}}}
	return &emit.Query{Body: rows}
}

// groupTexts notes the texts by whose values a block groups or makes its
// rows distinct, in which trailing blanks do not count either: every mention of
// them outside WHERE is made blankless.
func (l *lowering) groupTexts(s *syntax.Select) {
	var names, texts map[string]bool
	note := func(name string) {
		if names == nil {
			names = map[string]bool{}
		}
		names[name] = true
	}
	add := func(e syntax.Expr) {
		if l.isGroupedText(e) {
			if texts == nil {
				texts = map[string]bool{}
			}
			texts[emit.ExprSQL(l.bare(e))] = true
			return
		}
		c, ok := e.(*syntax.ColumnRef)
		if _, known := l.Result.Refs[c]; !ok || !known || l.noBlanks(c) {
			return
		}
		note(l.Options.Fold(c.Parts[len(c.Parts)-1]))
	}
	if s.Distinct {
		for _, it := range s.Items {
			star, ok := it.Expr.(*syntax.Star)
			if !ok {
				add(it.Expr)
				continue
			}
			for _, c := range l.Result.Stars[star] {
				if c.Type.Kind == types.Varchar {
					note(c.Name)
				}
			}
		}
	}
	var groups func([]syntax.GroupItem)
	groups = func(items []syntax.GroupItem) {
		for _, g := range items {
			if n, ok := g.Expr.(*syntax.Number); ok {
				if i, err := strconv.Atoi(n.Text); err == nil && i >= 1 && i <= len(s.Items) {
					add(s.Items[i-1].Expr)
				}
			} else if c, ok := g.Expr.(*syntax.ColumnRef); ok && l.Result.Aliases[c] != nil {
				add(l.Result.Aliases[c])
			} else if g.Expr != nil {
				add(g.Expr)
			}
			groups(g.Items)
		}
	}
	groups(s.GroupBy)
	l.grouped, l.groupedTexts = names, texts
}

// isGroupedText says whether an expression other than a column is a text that
// may have trailing blanks.
func (l *lowering) isGroupedText(e syntax.Expr) bool {
	switch e.(type) {
	case *syntax.Call, *syntax.Case, *syntax.Binary, *syntax.Cast:
		return l.isText(e) && !l.noBlanks(e)
	}
	return false
}

// isBlankable says whether an expression is a text whose trailing blanks are
// still to be taken where they must not count.
func (l *lowering) isBlankable(e syntax.Expr) bool {
	if c, ok := e.(*syntax.ColumnRef); ok && l.isGrouped(c) || len(l.groupedTexts) > 0 {
		return false
	}
	return l.isText(e) && !l.noBlanks(e)
}

// isGrouped says whether a reference is to one of those columns.
func (l *lowering) isGrouped(c *syntax.ColumnRef) bool {
	if len(l.grouped) == 0 || !l.grouped[l.Options.Fold(c.Parts[len(c.Parts)-1])] {
		return false
	}
	_, known := l.Result.Refs[c]
	return known && !l.noBlanks(c)
}
