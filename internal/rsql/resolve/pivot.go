package resolve

import (
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// pivot resolves PIVOT. Its columns are those of the source that neither FOR
// nor the aggregates name, and one for each value of IN.
func (r *resolver) pivot(t *syntax.Pivot, sc *scope) {
	inner := &scope{outer: sc.outer}
	r.table(t.Source, inner)
	for _, a := range t.Aggregates {
		r.expr(inner, a.Expr)
	}
	r.expr(inner, t.For)
	r.star = true
	rest, known := r.expand(&syntax.Star{}, inner)
	used := r.PivotNames(t)
	s := &source{known: known}
	kept := []StarColumn{}
	for _, c := range rest {
		if !used[c.Name] {
			kept = append(kept, c)
			s.columns = append(s.columns, c.Column)
		}
	}
	if known {
		r.result.Implicit[t] = kept
	}
	for _, in := range t.In {
		for _, a := range t.Aggregates {
			s.columns = append(s.columns, Column{Name: r.PivotColumn(in, a), Type: r.result.TypeOf(a.Expr)})
		}
	}
	s.named(r, t.Alias)
	sc.sources = append(sc.sources, s)
}

// unpivot resolves UNPIVOT: the columns of the source that IN does not name,
// the name's and the value's.
func (r *resolver) unpivot(t *syntax.Unpivot, sc *scope) {
	inner := &scope{outer: sc.outer}
	r.table(t.Source, inner)
	r.star = true
	rest, known := r.expand(&syntax.Star{}, inner)
	s := &source{known: known}
	listed := map[string]bool{}
	for _, in := range t.In {
		r.expr(inner, in.Expr)
		if c, ok := in.Expr.(*syntax.ColumnRef); ok {
			listed[r.Fold(c.Parts[len(c.Parts)-1])] = true
		}
	}
	for _, c := range rest {
		if !listed[c.Name] {
			s.columns = append(s.columns, c.Column)
		}
	}
	values := make([]syntax.Expr, len(t.In))
	for i, in := range t.In {
		values[i] = in.Expr
	}
	s.columns = append(s.columns, Column{Name: r.Fold(t.Name), Type: types.Type{Kind: types.Varchar}},
		Column{Name: r.Fold(t.Value), Type: r.result.CommonType(values)})
	s.named(r, t.Alias)
	sc.sources = append(sc.sources, s)
}

// PivotNames are the columns of the source that a PIVOT names itself.
func (o Options) PivotNames(t *syntax.Pivot) map[string]bool {
	names := map[string]bool{}
	var note func(syntax.Expr)
	note = func(e syntax.Expr) {
		if c, ok := e.(*syntax.ColumnRef); ok {
			names[o.Fold(c.Parts[len(c.Parts)-1])] = true
		}
		syntax.Operands(e, note, func(*syntax.Query) {})
	}
	note(t.For)
	for _, a := range t.Aggregates {
		note(a.Expr)
	}
	return names
}

// PivotColumn is the name of the column for a value of IN: its alias or, for a
// constant, its text, and the alias of the aggregate after it.
func (o Options) PivotColumn(in, aggregate syntax.SelectItem) string {
	name := ""
	switch v := in.Expr.(type) {
	case *syntax.String:
		name = v.Value
	case *syntax.Number:
		name = v.Text
	case *syntax.Null:
		name = "null"
	default:
		name = o.ItemName(in)
	}
	if in.Alias != nil {
		name = o.Fold(*in.Alias)
	}
	if aggregate.Alias != nil {
		name += "_" + o.Fold(*aggregate.Alias)
	}
	if o.CaseSensitive {
		return name
	}
	return strings.ToLower(name)
}
