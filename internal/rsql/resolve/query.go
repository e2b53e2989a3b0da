package resolve

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// with opens a scope that has the tables of a WITH clause.
func (r *resolver) with(w *syntax.With, outer *scope) *scope {
	sc := &scope{outer: outer, ctes: map[string]*source{}}
	if w == nil {
		return sc
	}
	for _, c := range w.Tables {
		name := r.Fold(c.Name)
		s := &source{name: name}
		if sc.ctes[name] != nil {
			r.fail(c.Name, "42712", "WITH query name \"%s\" specified more than once", name)
		}
		if w.Recursive {
			for _, id := range c.Columns {
				s.columns = append(s.columns, Column{Name: r.Fold(id)})
			}
			s.known = len(c.Columns) > 0
			sc.ctes[name] = s
		}
		columns, known := r.query(c.Query, sc)
		done := &source{name: name, columns: columns, known: known, derived: true}
		r.fits("WITH query", name, done, c.Columns)
		done.rename(r, c.Columns)
		sc.ctes[name] = done
	}
	return sc
}

// rename applies a column alias list.
func (s *source) rename(r *resolver, ids []syntax.Ident) {
	if len(ids) == 0 {
		return
	}
	columns := append([]Column(nil), s.columns...)
	for i, id := range ids {
		if i < len(columns) {
			columns[i].Name = r.Fold(id)
		} else if !s.known {
			columns = append(columns, Column{Name: r.Fold(id)})
		}
	}
	s.columns = columns
}

// query resolves a query and gives its columns, and whether they are all known.
func (r *resolver) query(q *syntax.Query, outer *scope) ([]Column, bool) {
	sc := outer
	if q.With != nil {
		sc = r.with(q.With, outer)
	}
	columns, known, inner := r.body(q.Body, sc)
	if inner != nil {
		inner.outputs = map[string]bool{} // a sort key that names one means it
		for _, c := range columns {
			inner.outputs[c.Name] = true
		}
	}
	for _, o := range q.OrderBy {
		if inner == nil { // of a set operation or VALUES: result columns only
			inner = &scope{outer: sc, sources: []*source{{columns: columns, known: known}}}
		}
		r.expr(inner, o.Expr)
		if known {
			r.inList(o.Expr, "ORDER BY", len(columns))
		}
	}
	r.constantLimit(q.Limit, "LIMIT")
	r.constantLimit(q.Offset, "OFFSET")
	r.exprs(sc, q.Limit, q.Offset)
	if known {
		r.result.Outputs[q] = columns
	}
	return columns, known
}

// body resolves a query's body. For a single block it also gives the block's
// scope, which ORDER BY sees.
func (r *resolver) body(b syntax.Body, sc *scope) ([]Column, bool, *scope) {
	switch b := b.(type) {
	case *syntax.Query:
		columns, known := r.query(b, sc)
		return columns, known, nil
	case *syntax.SetOp:
		left, known, _ := r.body(b.Left, sc)
		right, _, _ := r.body(b.Right, sc)
		r.sameCollations(b, left, right)
		columns := united(left, right)
		r.matching(b, left, right)
		r.result.United[b] = columns
		return columns, known, nil
	case *syntax.Values:
		for _, row := range b.Rows {
			r.exprs(sc, row...)
		}
		columns := make([]Column, len(b.Rows[0]))
		for i, e := range b.Rows[0] {
			columns[i] = Column{Name: valuesName(i), Type: r.result.TypeOf(e)}
		}
		return columns, true, nil
	}
	return r.block(b.(*syntax.Select), sc)
}

func (r *resolver) block(s *syntax.Select, outer *scope) ([]Column, bool, *scope) {
	sc := &scope{outer: outer, aliases: map[string]syntax.Expr{}}
	r.tables(s.From, sc, s.Where)
	if s.ConnectBy != nil && !sc.hasColumn("level") {
		sc.sources = append(sc.sources, &source{known: true, pseudo: true, columns: []Column{{Name: "level", Type: types.Type{Kind: types.Integer}}}})
	}
	name := func(it syntax.SelectItem) {
		if _, column := it.Expr.(*syntax.ColumnRef); !column || it.Alias != nil {
			sc.aliases[r.ItemName(it)] = it.Expr
		}
	}
	for _, it := range s.Items {
		name(it)
	}
	r.exprs(sc, s.Where, s.StartWith, s.ConnectBy)
	clear(sc.aliases) // an item may name those before it
	for _, it := range s.Items {
		r.expr(sc, it.Expr)
		name(it)
	}
	r.exprs(sc, s.Having, s.Qualify, s.Top)
	r.conditions(s)
	if len(s.DistinctOn) > 0 {
		r.fail(s.DistinctOn[0], sqlerr.FeatureNotSupported, "SELECT DISTINCT ON is not supported")
	}
	r.groups(s.GroupBy, sc)
	for _, w := range s.Windows {
		syntax.WindowOperands(w.Window, func(e syntax.Expr) { r.expr(sc, e) })
	}
	columns, known := r.outputs(s, sc)
	if known {
		for _, g := range s.GroupBy {
			r.inList(g.Expr, "GROUP BY", len(columns))
		}
	}
	return columns, known, sc
}

// inList checks that a number that stands for an item of the select list does.
func (r *resolver) inList(e syntax.Expr, clause string, items int) {
	n, ok := e.(*syntax.Number)
	if !ok {
		return
	}
	if i, err := strconv.Atoi(n.Text); err == nil && (i < 1 || i > items) {
		r.fail(n, sqlerr.InvalidColumnReference, "%s position %d is not in select list", clause, i)
	}
}

func (r *resolver) groups(items []syntax.GroupItem, sc *scope) {
	for _, g := range items {
		r.exprs(sc, g.Expr)
		r.groups(g.Items, sc)
	}
}

// outputs gives the columns of a block, its stars expanded.
func (r *resolver) outputs(s *syntax.Select, sc *scope) ([]Column, bool) {
	var columns []Column
	for _, it := range s.Items {
		star, ok := it.Expr.(*syntax.Star)
		if !ok {
			columns = append(columns, Column{Name: r.ItemName(it), Type: r.collated(it.Expr)})
			continue
		}
		if len(s.From) == 0 {
			r.fail(star, sqlerr.SyntaxError, "SELECT * with no tables specified is not valid")
		}
		expand := r.expand
		if merges(s.From) && len(star.Qualifier) == 0 {
			for _, src := range sc.sources {
				r.useAll(src)
			}
			expand = func(star *syntax.Star, sc *scope) ([]StarColumn, bool) { return r.merged(s.From, star, sc) }
		}
		more, known := expand(star, sc)
		if !known {
			return nil, false
		}
		r.result.Stars[star] = more
		for _, c := range more {
			columns = append(columns, c.Column)
		}
	}
	return columns, true
}

// merges says whether a join merges columns, so that * has fewer.
func merges(list []syntax.TableExpr) bool {
	for _, t := range list {
		switch t := t.(type) {
		case *syntax.Join:
			if t.Natural || len(t.Using) > 0 || merges([]syntax.TableExpr{t.Left, t.Right}) {
				return true
			}
		case *syntax.Pivot, *syntax.Unpivot, *syntax.ObjectUnpivot:
			return true
		}
	}
	return false
}

func (r *resolver) expand(star *syntax.Star, sc *scope) ([]StarColumn, bool) {
	skip := map[string]bool{}
	for _, id := range star.Exclude {
		skip[r.Fold(id)] = true
	}
	var columns []StarColumn
	found := false
	for _, s := range sc.sources {
		if n := len(star.Qualifier); s.pseudo || n > 0 && s.name != r.Fold(star.Qualifier[n-1]) {
			continue
		}
		found = true
		r.useAll(s)
		if !s.known {
			return nil, false
		}
		for _, c := range s.columns {
			if !skip[c.Name] {
				columns = append(columns, StarColumn{Table: s.name, Column: Column{Name: c.Name, Type: c.Type}})
			}
		}
	}
	return columns, found
}

// tables resolves FROM, adds its tables to the scope, and prunes with where.
func (r *resolver) tables(list []syntax.TableExpr, sc *scope, where syntax.Expr) {
	for _, t := range list {
		r.table(t, sc)
	}
	for _, t := range list {
		r.prune(t, syntax.Conjuncts(where))
	}
}

func (r *resolver) table(t syntax.TableExpr, sc *scope) {
	switch t := t.(type) {
	case *syntax.TableName:
		r.tableName(t, sc)
	case *syntax.TableQuery:
		outer := sc.outer
		if t.Lateral {
			outer = sc
		}
		columns, known := r.query(t.Query, r.visible(sc, outer))
		s := &source{columns: columns, known: known, derived: t.Range().End > 0}
		s.named(r, t.Alias)
		sc.sources = append(sc.sources, s)
	case *syntax.TableCall:
		r.tableCall(t, sc)
	case *syntax.Join:
		r.table(t.Left, sc)
		r.table(t.Right, sc)
		r.exprs(sc, t.On)
		for _, id := range t.Using {
			r.names[r.Fold(id)] = true
			if sc.merged == nil {
				sc.merged = map[string]bool{}
			}
			sc.merged[r.Fold(id)] = true
		}
		sc.natural = sc.natural || t.Natural
		r.star = r.star || t.Natural
	case *syntax.Pivot:
		r.pivot(t, sc)
	case *syntax.Unpivot:
		r.unpivot(t, sc)
	case *syntax.ObjectUnpivot:
		r.expr(sc, t.Object)
		s := &source{name: r.Fold(t.Value), value: true, known: true}
		s.columns = []Column{{Name: s.name, Type: types.Type{Kind: types.Super}}}
		if t.At != nil {
			s.columns = append(s.columns, Column{Name: r.Fold(*t.At), Type: types.Type{Kind: types.Varchar}})
		}
		sc.sources = append(sc.sources, s)
	}
}

// visible is the scope a derived table sees: what is outside its FROM clause,
// and the CTEs of the statement around it.
func (r *resolver) visible(sc, outer *scope) *scope {
	if outer != nil {
		return outer
	}
	return &scope{ctes: sc.ctes}
}

func (s *source) named(r *resolver, a *syntax.Alias) {
	if a != nil {
		s.name = r.Fold(a.Name)
		r.fits("table", s.name, s, a.Columns)
		s.rename(r, a.Columns)
	}
}

// tableName resolves a relation, a CTE, or a path into a SUPER value.
func (r *resolver) tableName(t *syntax.TableName, sc *scope) {
	first := r.Fold(t.Name.Parts[0])
	b := &Binding{}
	r.result.Tables[t] = b
	s := &source{name: r.Fold(t.Name.Last())}
	switch cte := sc.cte(first); {
	case (len(t.Name.Parts) > 1 || len(t.Path) > 0) && sc.has(first), len(t.Path) > 0:
		r.unnest(t, b, s, sc)
		return
	case len(t.Name.Parts) == 2 && r.isNestedOutside(sc, first, r.Fold(t.Name.Parts[1])):
		r.unnest(t, b, s, sc)
		return
	case len(t.Name.Parts) == 1 && cte != nil:
		b.CTE, b.CTEName = true, first
		s.columns, s.known, s.derived = cte.columns, cte.known, cte.derived
		if cte.known {
			b.Columns = cte.columns
		}
	case len(t.Name.Parts) == 1 && sc.has(first) && t.Alias != nil && r.isValue(sc, first):
		r.unnest(t, b, s, sc)
		return
	default:
		r.bindRelation(t, b, s)
	}
	s.named(r, t.Alias)
	sc.sources = append(sc.sources, s)
}

// unnest binds a path into a SUPER value: its elements go by the alias, their
// positions by the name after AT.
func (r *resolver) unnest(t *syntax.TableName, b *Binding, s *source, sc *scope) {
	b.Unnest = true
	b.Value = &syntax.ColumnRef{Pos: t.Name.Pos, Parts: t.Name.Parts}
	r.expr(sc, b.Value)
	r.exprs(sc, t.Path...)
	s.named(r, t.Alias)
	s.value, s.known = true, true
	b.Element = types.Type{Kind: types.Super}
	if of := r.result.TypeOf(b.Value); of.Kind == types.Nested {
		var ok bool
		if b.Element, ok = of.Element(); !ok {
			r.fail(t, sqlerr.WrongObjectType, "cannot unnest a column of type %s", of.Text)
		}
	}
	s.columns = []Column{{Name: s.name, Type: b.Element}}
	if t.At != nil {
		s.columns = append(s.columns, Column{Name: r.Fold(*t.At), Type: types.Type{Kind: types.Bigint}})
	}
	sc.sources = append(sc.sources, s)
}

// isNestedOutside says whether a table of the query around this one has a
// column whose elements FROM can range over.
func (r *resolver) isNestedOutside(sc *scope, table, column string) bool {
	for sc = sc.outer; sc != nil; sc = sc.outer {
		for _, s := range sc.sources {
			if s.name == table {
				ref, ok := s.column([]string{table, column}, 1)
				if !ok && s.value {
					ref, ok = s.column([]string{table, column}, 0)
				}
				return ok && (ref.Type.Kind == types.Nested || ref.Type.Kind == types.Super)
			}
		}
	}
	return false
}

// isValue says whether a source in scope is an unnested value.
func (r *resolver) isValue(sc *scope, name string) bool {
	for _, s := range sc.sources {
		if s.name == name && s.value {
			return true
		}
	}
	return false
}

func (sc *scope) cte(name string) *source {
	for ; sc != nil; sc = sc.outer {
		if s, ok := sc.ctes[name]; ok {
			return s
		}
	}
	return nil
}

// has says whether the FROM clause so far has a table of that name.
func (sc *scope) has(name string) bool {
	for _, s := range sc.sources {
		if s.name == name {
			return true
		}
	}
	return false
}

// column finds what a reference means.
func (r *resolver) column(sc *scope, c *syntax.ColumnRef) {
	parts := make([]string, len(c.Parts))
	for i, p := range c.Parts {
		parts[i] = r.Fold(p)
		r.names[parts[i]] = true
	}
	complete := true
	for s := sc; s != nil; s = s.outer {
		if len(parts) == 1 && s.ambiguous(parts[0]) {
			r.fail(c, sqlerr.AmbiguousColumn, "column reference \"%s\" is ambiguous", parts[0])
		}
		if ref, ok := s.find(parts); ok {
			if r.Written != nil {
				ref.Path = r.attributes(c.Parts[len(parts)-len(ref.Path):])
			}
			r.result.Refs[c] = ref
			r.result.Insensitive = r.result.Insensitive || ref.Type.Insensitive
			r.use(ref.relation, ref.Column)
			return
		}
		for _, src := range s.sources {
			complete = complete && src.known
			if src.relation != nil && src.relation.Kind == External && isPseudo(parts[len(parts)-1]) {
				return
			}
		}
		if x, ok := s.aliases[parts[0]]; ok {
			r.result.Aliases[c] = x
			return
		}
	}
	if complete && len(parts) == 1 {
		if sc.hasAny(parts[0]) { // a whole row
			if len(r.hidden) > 0 {
				r.fail(c, sqlerr.FeatureNotSupported, "not implemented: whole rows in a statement that changes a table with masked columns")
			}
			return
		}
		r.fail(c, sqlerr.UndefinedColumn, "column \"%s\" does not exist%s", parts[0], sc.places())
	}
	if complete && !sc.hasAny(parts[0]) && (len(parts) == 2 || !sc.hasAny(parts[len(parts)-2])) {
		r.fail(c, sqlerr.UndefinedTable, "missing FROM-clause entry for table \"%s\"", parts[len(parts)-2])
	}
	if complete && (len(parts) == 2 || sc.isNested(parts[:len(parts)-1])) {
		r.fail(c, sqlerr.UndefinedColumn, "column %s does not exist", strings.Join(parts, "."))
	}
}

// attributes are the names of a path into a SUPER value.
func (r *resolver) attributes(ids []syntax.Ident) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = r.Attribute(id)
	}
	return out
}

func (sc *scope) hasColumn(name string) bool {
	return slices.ContainsFunc(sc.sources, func(s *source) bool {
		return slices.ContainsFunc(s.columns, func(c Column) bool { return c.Name == name })
	})
}

func (sc *scope) hasAny(name string) bool {
	for ; sc != nil; sc = sc.outer {
		if sc.has(name) {
			return true
		}
	}
	return false
}

// find looks a reference up among the tables of one FROM clause.
// A qualifier that names a table wins over a column with attributes.
func (sc *scope) find(parts []string) (Ref, bool) {
	for n := min(len(parts), 4) - 1; n >= 0; n-- {
		for _, s := range sc.sources {
			if n > 0 && (s.value || !s.matches(parts[:n])) { // after a value stand its attributes
				continue
			}
			if ref, ok := s.column(parts, n); ok {
				return ref, true
			}
		}
	}
	return Ref{}, false
}

// catalogArrays are the columns of system tables that hold arrays and vectors.
var catalogArrays = []string{"proargtypes", "proallargtypes", "proargnames", "proargmodes", "indkey"}

// column finds parts[n] among the source's columns; what follows it is
// navigation into the value.
func (s *source) column(parts []string, n int) (Ref, bool) {
	for _, c := range s.columns {
		if c.Name != parts[n] {
			continue
		}
		if s.pseudo {
			return Ref{Column: "#" + c.Name, Type: c.Type}, n == len(parts)-1
		}
		ref := Ref{Column: c.Name, Type: c.Type, Path: parts[n+1:], relation: s.relation, System: s.relation != nil && s.relation.Kind == System}
		if n > 0 {
			ref.Table = s.name
		}
		if ref.System && ref.Type.IsText() {
			ref.Type.Array = slices.Contains(catalogArrays, c.Name)
		}
		if len(ref.Path) > 0 {
			if !navigable(c.Type) {
				continue
			}
			switch c.Type.Kind {
			case types.Super:
				ref.Type = types.Type{Kind: types.Super}
			case types.Nested:
				if ref.Type, ref.Nested = leaf(c.Type, ref.Path); !ref.Nested {
					continue
				}
			default:
				ref.Type = types.Type{}
			}
		}
		return ref, true
	}
	return Ref{}, false
}

// isNested says whether a reference is to a nested value of an external table.
func (sc *scope) isNested(parts []string) bool {
	for ; sc != nil; sc = sc.outer {
		if ref, ok := sc.find(parts); ok {
			return ref.Type.Kind == types.Nested
		}
	}
	return false
}

// leaf is the type at the end of a path into a nested type.
func leaf(t types.Type, path []string) (types.Type, bool) {
	ok := true
	for _, name := range path {
		if t, ok = t.Field(name); !ok {
			return t, false
		}
	}
	return t, true
}

func navigable(t types.Type) bool {
	return t.Kind == types.Super || t.Kind == types.Nested || t.Kind == types.Unknown
}

// matches says whether a qualifier names the source: its alias, or schema and
// name of a relation without one.
func (s *source) matches(qualifier []string) bool {
	n := len(qualifier)
	if qualifier[n-1] != s.name {
		return false
	}
	if n == 1 {
		return true
	}
	if s.relation == nil || s.relation.Name != s.name || qualifier[n-2] != s.relation.Schema {
		return false
	}
	return n == 2 || qualifier[0] == s.relation.Database
}
