package lower

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

func (l *lowering) statement(s syntax.Statement) emit.Statement {
	switch s := s.(type) {
	case *syntax.Query:
		return l.query(s)
	case *syntax.Insert:
		return l.insert(s)
	case *syntax.Update:
		l.conditional(s.Where)
		u := &emit.Update{With: l.with(s.With), Table: l.Result.Target.Duck, From: l.tables(s.From), Where: l.optional(s.Where)}
		u.Alias = l.targetAlias(s.Alias)
		u.Set = l.sets(s.Set)
		u.Where = l.onlyVisible(u.Where, u.Alias)
		return u
	case *syntax.Delete:
		l.conditional(s.Where)
		d := &emit.Delete{With: l.with(s.With), Table: l.Result.Target.Duck, Alias: l.targetAlias(s.Alias),
			Using: l.tables(s.Using), Where: l.optional(s.Where)}
		d.Where = l.onlyVisible(d.Where, d.Alias)
		return d
	case *syntax.Merge:
		return l.merge(s)
	}
	l.fail(s, sqlerr.InternalError, "cannot lower %T", s)
	return nil
}

// onlyVisible adds to the condition of UPDATE and DELETE that row-level security
// shows the row.
func (l *lowering) onlyVisible(where emit.Expr, alias string) emit.Expr {
	if l.Result.TargetRows == nil {
		return where
	}
	if alias == "" {
		alias = l.Result.Target.Name
	}
	in := &emit.In{X: &emit.Ref{Parts: []string{alias, "rowid"}}, Query: l.query(l.Result.TargetRows)}
	if where == nil {
		return in
	}
	return conjunction([]emit.Expr{where, in})
}

// targetAlias is the name expressions use for the target.
func (l *lowering) targetAlias(a *syntax.Ident) string {
	if a != nil {
		return l.Options.Fold(*a)
	}
	duck := l.Result.Target.Duck
	if duck[len(duck)-1] != l.Result.Target.Name {
		return l.Result.Target.Name
	}
	return ""
}

// columnOf finds a column of the target.
func (l *lowering) columnOf(id syntax.Ident) resolve.Column {
	name := l.Options.Fold(id)
	for _, c := range l.Result.Target.Columns {
		if c.Name == name {
			return c
		}
	}
	l.fail(id, sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", name, l.Result.Target.Name)
	return resolve.Column{}
}

func (l *lowering) sets(list []syntax.Assignment) []emit.Set {
	out := make([]emit.Set, len(list))
	for i, a := range list {
		c := l.columnOf(a.Column)
		if c.Identity == resolve.IdentityAlways || c.Identity == resolve.IdentityByDefault {
			l.fail(a, sqlerr.FeatureNotSupported, "cannot set an identity column to a value")
		}
		out[i] = emit.Set{Column: c.Name, Value: l.assign(a.Value, c)}
	}
	return out
}

// assign lowers a value that is stored in a column: literals are read as the
// column's type, texts are held to its length.
func (l *lowering) assign(e syntax.Expr, c resolve.Column) emit.Expr {
	if s, ok := e.(*syntax.String); ok {
		switch c.Type.Kind {
		case types.Varchar:
			if len(s.Value) <= c.Type.Length {
				return &emit.Str{Value: s.Value}
			}
		case types.Char:
			if v := strings.TrimRight(s.Value, " "); len(v) <= c.Type.Length {
				return &emit.Str{Value: v}
			}
		case types.Super:
			return call("rs_super", &emit.Cast{X: &emit.Str{Value: s.Value}, Type: "VARCHAR"})
		default:
			if typed := l.literalAs(s, c.Type); typed != e {
				return l.expr(typed)
			}
		}
	}
	switch e.(type) {
	case *syntax.Null, *syntax.Default:
		return l.expr(e)
	}
	return l.fit(l.expr(e), l.typeOf(e), c)
}

// fit holds a text to its column's length, unless its type says it fits.
func (l *lowering) fit(x emit.Expr, from types.Type, c resolve.Column) emit.Expr {
	n := &emit.Num{Text: strconv.Itoa(c.Type.Length)}
	switch {
	case c.Type.Kind == types.Super && from.Kind != types.Super:
		return call("rs_super", x)
	case c.Type.IsInteger() && from.IsText():
		return call("rs_whole_text", x)
	case c.Type.Length == 0, from.Kind == c.Type.Kind && from.Length > 0 && from.Length <= c.Type.Length:
		return x
	case c.Type.Kind == types.Varchar:
		return call("rs_fit_varchar", x, n)
	case c.Type.Kind == types.Char:
		return call("rs_fit_char", x, n)
	}
	return x
}

// fits says whether a value of type from needs no fitting into the column.
func (l *lowering) fits(from types.Type, c resolve.Column) bool {
	x := &emit.Word{}
	return l.fit(x, from, c) == emit.Expr(x)
}

// targetColumns are the columns an INSERT fills, in its order.
func (l *lowering) targetColumns(s *syntax.Insert) []resolve.Column {
	if s.Columns == nil {
		return l.Result.Target.Columns
	}
	out := make([]resolve.Column, len(s.Columns))
	for i, id := range s.Columns {
		out[i] = l.columnOf(id)
		if out[i].Identity == resolve.IdentityAlways {
			l.fail(id, sqlerr.FeatureNotSupported, "cannot set an identity column to a value")
		}
	}
	return out
}

func (l *lowering) insert(s *syntax.Insert) emit.Statement {
	if l.Result.Target.Kind == resolve.External {
		l.missing(s, "INSERT into an external table")
	}
	out := &emit.Insert{With: l.with(s.With), Table: l.Result.Target.Duck}
	if s.DefaultValues {
		return out
	}
	columns := l.targetColumns(s)
	if v, ok := s.Query.Body.(*syntax.Values); ok && s.Query.With == nil && s.Query.Limit == nil && s.Query.OrderBy == nil {
		n := l.checkCount(s, columns, len(v.Rows[0]))
		out.Columns = names(columns[:n])
		out.Query = &emit.Query{Body: l.insertValues(v, columns)}
		return out
	}
	source, known := l.Result.Outputs[s.Query]
	out.Query = l.query(s.Query)
	if !known {
		if s.Columns != nil {
			out.Columns = names(columns)
		}
		return out
	}
	n := l.checkCount(s, columns, len(source))
	out.Columns = names(columns[:n])
	l.literalsAs(s.Query.Body, out.Query.Body, columns[:n])
	out.Query = l.fitQuery(out.Query, source, columns)
	return out
}

// checkCount compares the numbers of values and columns; without a column list
// there may be fewer values. It gives the number of values.
func (l *lowering) checkCount(s *syntax.Insert, columns []resolve.Column, n int) int {
	if n > len(columns) {
		l.fail(s.Query, sqlerr.SyntaxError, "INSERT has more expressions than target columns")
	}
	if n < len(columns) && s.Columns != nil {
		l.fail(s.Query, sqlerr.SyntaxError, "INSERT has more target columns than expressions")
	}
	return n
}

func names(columns []resolve.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

func (l *lowering) insertValues(v *syntax.Values, columns []resolve.Column) *emit.Values {
	out := &emit.Values{}
	for _, row := range v.Rows {
		if len(row) != len(v.Rows[0]) {
			l.fail(row[0], sqlerr.SyntaxError, "VALUES lists must all be the same length")
		}
		values := make([]emit.Expr, len(row))
		for i, e := range row {
			values[i] = l.assign(e, columns[i])
		}
		out.Rows = append(out.Rows, values)
	}
	return out
}

// fitQuery wraps a query whose texts must be held to the length of columns.
func (l *lowering) fitQuery(q *emit.Query, source, columns []resolve.Column) *emit.Query {
	wrap := false
	for i, c := range source {
		wrap = wrap || !l.fits(c.Type, columns[i])
	}
	if !wrap {
		return q
	}
	alias := emit.Alias{Name: "source"}
	out := &emit.Select{}
	for i, c := range source {
		name := "c" + strconv.Itoa(i+1)
		alias.Columns = append(alias.Columns, name)
		out.Items = append(out.Items, emit.Item{X: l.fit(&emit.Ref{Parts: []string{name}}, c.Type, columns[i])})
	}
	out.From = []emit.Table{&emit.Derived{Query: q, Alias: alias}}
	return &emit.Query{Body: out}
}

func (l *lowering) merge(s *syntax.Merge) emit.Statement {
	if s.RemoveDuplicates {
		return l.mergeDuplicates(s)
	}
	m := &emit.Merge{Table: l.Result.Target.Duck, Alias: l.targetAlias(s.TargetAlias), Source: l.table(s.Source), On: l.expr(s.On)}
	updates := slices.ContainsFunc(s.Whens, func(w syntax.MergeWhen) bool { return w.Action == "update" })
	if updates && l.Result.Params == 0 {
		l.before = append(l.before, l.matchedOnce(m)...)
	}
	for _, w := range s.Whens {
		when := emit.MergeWhen{Matched: w.Matched, And: l.optional(w.And), Action: strings.ToUpper(w.Action)}
		when.Set = l.sets(w.Set)
		columns := l.Result.Target.Columns
		if w.Columns != nil {
			columns = nil
			for _, id := range w.Columns {
				columns = append(columns, l.columnOf(id))
			}
			when.Columns = names(columns)
		}
		for i, v := range w.Values {
			if i >= len(columns) {
				l.fail(w, sqlerr.SyntaxError, "INSERT has more expressions than target columns")
			}
			when.Values = append(when.Values, l.assign(v, columns[i]))
		}
		m.Whens = append(m.Whens, when)
	}
	return m
}

// mergeDuplicates lowers MERGE ... REMOVE DUPLICATES: the source's rows take the
// place of all rows of the target that match one.
func (l *lowering) mergeDuplicates(s *syntax.Merge) emit.Statement {
	target := l.Result.Target
	if l.Result.Params > 0 {
		l.missing(s, "MERGE with REMOVE DUPLICATES and parameters")
	}
	l.before = append(l.before, &emit.Delete{Table: target.Duck, Alias: l.targetAlias(s.TargetAlias),
		Using: []emit.Table{l.table(s.Source)}, Where: l.expr(s.On)})
	rows := &emit.Select{Items: []emit.Item{{X: &emit.Star{}}}, From: []emit.Table{l.table(s.Source)}}
	return &emit.Insert{Table: target.Duck, Query: &emit.Query{Body: rows}}
}

// matchedOnce checks that no row of the target matches several of the source,
// of which DuckDB would take any.
func (l *lowering) matchedOnce(m *emit.Merge) []emit.Statement {
	name := m.Alias
	if name == "" {
		name = m.Table[len(m.Table)-1]
	}
	row := &emit.Ref{Parts: []string{name, "rowid"}}
	several := &emit.Select{Items: []emit.Item{{X: row, As: "r"}}, GroupBy: []emit.Group{{X: row}},
		From:   []emit.Table{&emit.Join{Kind: "INNER", Left: &emit.Name{Parts: m.Table, Alias: emit.Alias{Name: m.Alias}}, Right: m.Source, On: m.On}},
		Having: &emit.Op{Op: ">", Args: []emit.Expr{&emit.Call{Name: "count", Star: true}, &emit.Num{Text: "1"}}}}
	fault := call("error", &emit.Str{Value: "21000:Found multiple matches to update the same tuple."})
	return []emit.Statement{&emit.Query{Body: &emit.Select{Items: []emit.Item{{X: fault}},
		From: []emit.Table{&emit.Derived{Query: &emit.Query{Body: several}, Alias: emit.Alias{Name: "several"}}}}}}
}
