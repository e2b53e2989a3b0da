package lower

import (
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

func (l *lowering) query(q *syntax.Query) *emit.Query {
	out := &emit.Query{With: l.with(q.With), Recursive: q.With != nil && q.With.Recursive}
	grouped, texts, unflat := l.grouped, l.groupedTexts, l.unflat
	defer func() { l.grouped, l.groupedTexts, l.unflat = grouped, texts, unflat }()
	var top syntax.Expr
	out.Body, top = l.body(q.Body)
	inBlock := l.inBlock
	l.inBlock = false
	out.OrderBy = l.orders(q.OrderBy)
	l.inBlock = inBlock
	out.Limit, out.Offset = l.optional(q.Limit), l.optional(q.Offset)
	if top != nil {
		l.fired = append(l.fired, Fired{"top", top})
		if q.Limit != nil {
			l.fail(top, sqlerr.SyntaxError, "multiple LIMIT clauses not allowed")
		}
		out.Limit = l.expr(top)
	}
	return out
}

func (l *lowering) with(w *syntax.With) []emit.CTE {
	if w == nil {
		return nil
	}
	out := make([]emit.CTE, len(w.Tables))
	for i, c := range w.Tables {
		out[i] = emit.CTE{Name: l.Options.Fold(c.Name), Columns: l.folds(c.Columns), Query: l.query(c.Query)}
	}
	return out
}

// body lowers a query's body. The TOP of a single block comes back: it is the
// query's limit, applied after ORDER BY.
func (l *lowering) body(b syntax.Body) (emit.Body, syntax.Expr) {
	switch b := b.(type) {
	case *syntax.Query:
		return l.query(b), nil
	case *syntax.Values:
		v := &emit.Values{}
		for _, row := range b.Rows {
			v.Rows = append(v.Rows, l.exprs(row))
		}
		return v, nil
	case *syntax.SetOp:
		out := &emit.SetOp{Op: strings.ToUpper(b.Op), All: b.All, Left: l.compared(b.Left, b.All), Right: l.compared(b.Right, b.All)}
		l.literalsAs(b.Left, out.Left, l.Result.United[b])
		l.literalsAs(b.Right, out.Right, l.Result.United[b])
		l.unitedDecimals(b.Left, out.Left, l.Result.United[b])
		l.unitedDecimals(b.Right, out.Right, l.Result.United[b])
		return out, nil
	}
	s := b.(*syntax.Select)
	return l.block(s), s.Top
}

// compared lowers one side of a set operation; without ALL its rows are
// compared, for which trailing blanks do not count.
func (l *lowering) compared(b syntax.Body, all bool) emit.Body {
	out := l.branch(b)
	s, ok := b.(*syntax.Select)
	block, plain := out.(*emit.Select)
	if all || !ok || !plain || s.Distinct || len(s.GroupBy) > 0 || len(block.Items) != len(s.Items) {
		return out
	}
	var items []emit.Item
	for i, it := range s.Items {
		item := block.Items[i]
		if star, ok := it.Expr.(*syntax.Star); ok {
			if spelt := l.comparedStar(star); spelt != nil {
				items = append(items, spelt...)
				continue
			}
		} else if l.isText(it.Expr) && !l.noBlanks(it.Expr) {
			item = emit.Item{X: call("rs_blankless", item.X), As: l.Options.ItemName(it)}
		}
		items = append(items, item)
	}
	block.Items = items
	return out
}

// literalsAs gives the text literals of a query the types of columns: those of
// the other side of a set operation, or those it is inserted into.
func (l *lowering) literalsAs(b syntax.Body, lowered emit.Body, columns []resolve.Column) {
	s, ok := b.(*syntax.Select)
	block, plain := lowered.(*emit.Select)
	if !ok || !plain || len(block.Items) != len(s.Items) || len(columns) != len(s.Items) {
		return
	}
	for i, it := range s.Items {
		literal, ok := it.Expr.(*syntax.String)
		if !ok {
			continue
		}
		if typed := l.literalAs(literal, columns[i].Type); typed != it.Expr {
			block.Items[i].X = l.expr(typed)
		}
	}
}

// branch lowers one side of a set operation, with its own TOP.
func (l *lowering) branch(b syntax.Body) emit.Body {
	out, top := l.body(b)
	if top != nil {
		return &emit.Query{Body: out, Limit: l.expr(top)}
	}
	return out
}

func (l *lowering) block(s *syntax.Select) *emit.Select {
	out := &emit.Select{Distinct: s.Distinct, GroupAll: s.GroupAll}
	inBlock := l.inBlock
	l.inBlock = true
	defer func() { l.inBlock = inBlock }()
	l.grouped, l.groupedTexts, l.unflat = nil, nil, false
	l.conditional(s.Where)
	l.conditional(s.Having)
	l.conditional(s.Qualify)
	joined, rest := l.outerMarks(s)
	outside := l.hidden
	l.hidden = nil
	defer func() { l.hidden = outside }()
	switch {
	case s.ConnectBy != nil:
		out.From, out.Where = []emit.Table{l.hierarchy(s)}, l.optional(s.Where)
		l.hidden = []string{levelName}
	case joined != nil:
		out.From = []emit.Table{joined}
		if len(rest) > 0 {
			out.Where = conjunction(l.exprs(rest))
		}
	default:
		out.From, out.Where = l.tables(s.From), l.optional(s.Where)
	}
	l.inBlock = false
	l.groupTexts(s)
	l.unflat = l.groupsByMore(s, s.GroupBy)
	out.DistinctOn, out.GroupBy = l.exprs(s.DistinctOn), l.groups(s.GroupBy)
	l.inBlock = true
	out.Having, out.Qualify = l.optional(s.Having), l.optional(s.Qualify)
	for _, it := range s.Items {
		if star, ok := it.Expr.(*syntax.Star); ok && s.Distinct {
			if items := l.comparedStar(star); items != nil {
				out.Items = append(out.Items, items...)
				continue
			}
		}
		if star, ok := it.Expr.(*syntax.Star); ok && joined != nil && len(star.Qualifier) == 0 {
			if len(star.Exclude) > 0 {
				l.missing(star, "EXCLUDE with the outer join operator (+)")
			}
			out.Items = append(out.Items, l.starsOf(s)...)
			continue
		}
		out.Items = append(out.Items, l.item(it))
	}
	for _, w := range s.Windows {
		out.Windows = append(out.Windows, emit.NamedWindow{Name: l.Options.Fold(w.Name), Window: *l.window(w.Window)})
	}
	return out
}

// item lowers a select item and names it as Redshift would.
func (l *lowering) item(it syntax.SelectItem) emit.Item {
	x := l.expr(it.Expr)
	if s, ok := it.Expr.(*syntax.String); ok && l.Session.Insensitive {
		x = l.collate(s, "case_insensitive")
	}
	if _, star := it.Expr.(*syntax.Star); star {
		return emit.Item{X: x}
	}
	if c, ok := it.Expr.(*syntax.Call); ok && (c.Name.Last().Name == "current_schemas" || c.Name.Last().Name == "string_to_array") {
		x = call("rs_array_text", x)
	}
	name := l.Options.ItemName(it)
	if ref, ok := x.(*emit.Ref); ok && ref.Parts[len(ref.Parts)-1] == name {
		return emit.Item{X: x}
	}
	return emit.Item{X: x, As: name}
}

func (l *lowering) groups(items []syntax.GroupItem) []emit.Group {
	if len(items) == 0 {
		return nil
	}
	out := make([]emit.Group, len(items))
	for i, g := range items {
		out[i] = emit.Group{Kind: strings.ToUpper(g.Kind), X: l.optional(g.Expr), Items: l.groups(g.Items)}
	}
	return out
}

// groupsByMore says whether a block groups by other than columns.
func (l *lowering) groupsByMore(s *syntax.Select, items []syntax.GroupItem) bool {
	return slices.ContainsFunc(items, func(g syntax.GroupItem) bool {
		x := g.Expr
		if n, ok := x.(*syntax.Number); ok {
			if i, err := strconv.Atoi(n.Text); err == nil && i >= 1 && i <= len(s.Items) {
				x = s.Items[i-1].Expr
			}
		}
		switch c := x.(type) {
		case nil:
			return l.groupsByMore(s, g.Items)
		case *syntax.ColumnRef:
			return l.Result.Aliases[c] != nil
		}
		return true
	})
}

func (l *lowering) tables(list []syntax.TableExpr) []emit.Table {
	out := make([]emit.Table, len(list))
	for i, t := range list {
		out[i] = l.table(t)
	}
	return out
}

func (l *lowering) alias(a *syntax.Alias) emit.Alias {
	if a == nil {
		return emit.Alias{}
	}
	return emit.Alias{Name: l.Options.Fold(a.Name), Columns: l.folds(a.Columns)}
}

func (l *lowering) table(t syntax.TableExpr) emit.Table {
	switch t := t.(type) {
	case *syntax.TableName:
		return l.tableName(t)
	case *syntax.TableQuery:
		return &emit.Derived{Query: l.query(t.Query), Lateral: t.Lateral, Alias: l.alias(t.Alias)}
	case *syntax.TableCall:
		return l.tableCall(t)
	case *syntax.Join:
		l.conditional(t.On)
		join := &emit.Join{Kind: strings.ToUpper(string(t.Kind)), Natural: t.Natural, Left: l.table(t.Left), Right: l.table(t.Right),
			On: l.optional(t.On), Using: l.folds(t.Using)}
		if t.Natural || len(t.Using) > 0 {
			join.Left, join.Right = l.mergingSide(t.Left, t.Right, join.Left, join.Using), l.mergingSide(t.Right, t.Left, join.Right, join.Using)
		}
		return join
	case *syntax.Pivot:
		return l.pivot(t)
	case *syntax.Unpivot:
		u := &emit.Unpivoted{Source: l.table(t.Source), IncludeNulls: t.IncludeNulls, Value: l.Options.Fold(t.Value),
			Name: l.Options.Fold(t.Name), In: l.pivotItems(t.In), Alias: l.alias(t.Alias)}
		return u
	}
	return l.objectUnpivot(t.(*syntax.ObjectUnpivot))
}

// pivotItems keep the names that were written, and no others.
func (l *lowering) pivotItems(items []syntax.SelectItem) []emit.Item {
	out := make([]emit.Item, len(items))
	for i, it := range items {
		out[i].X = l.expr(it.Expr)
		if it.Alias != nil {
			out[i].As = l.Options.Fold(*it.Alias)
		}
	}
	return out
}

func (l *lowering) tableName(t *syntax.TableName) emit.Table {
	b := l.Result.Tables[t]
	if b.Unnest {
		return l.unnest(t, b)
	}
	a := l.alias(t.Alias)
	if b.CTE {
		return &emit.Name{Parts: []string{b.CTEName}, Alias: a}
	}
	if a.Name == "" {
		a.Name = b.Relation.Name
	}
	switch {
	case b.Scan != nil:
		return l.scan(t, b.Scan, a)
	case b.View != nil:
		if b.Relation.Kind == resolve.View || b.Relation.Kind == resolve.LateView {
			for _, c := range b.Relation.Columns[min(len(a.Columns), len(b.Relation.Columns)):] {
				a.Columns = append(a.Columns, c.Name)
			}
		}
		return &emit.Derived{Query: l.query(b.View), Alias: a}
	}
	if b.Relation.Duck[len(b.Relation.Duck)-1] == a.Name && len(a.Columns) == 0 {
		a = emit.Alias{}
	}
	return &emit.Name{Parts: b.Relation.Duck, Alias: a}
}

// scan asks the catalog for the relation that reads an external table. The
// outermost alias is ours: expressions name the table by it.
func (l *lowering) scan(at syntax.Node, s *resolve.Scan, a emit.Alias) emit.Table {
	t, err := l.Catalog.Scan(s)
	if err != nil {
		panic(sqlerr.From(err))
	}
	if l.Session.Insensitive {
		t = collatedScan(s, t)
	}
	switch t := t.(type) {
	case *emit.Derived:
		if t.Alias.Name == "" {
			return &emit.Derived{Query: t.Query, Alias: a}
		}
	case *emit.TableCall:
		if t.Alias.Name == "" {
			return &emit.TableCall{Call: t.Call, Alias: a}
		}
	case *emit.Name:
		if t.Alias.Name == "" {
			return &emit.Name{Parts: t.Parts, Alias: a}
		}
	}
	star := &emit.Select{Items: []emit.Item{{X: &emit.Star{}}}, From: []emit.Table{t}}
	return &emit.Derived{Query: &emit.Query{Body: star}, Alias: a}
}
