package lower

import (
	"slices"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// pivot lowers PIVOT to a query that groups by the columns it does not name, with
// an aggregate of the rows of each value of IN.
func (l *lowering) pivot(t *syntax.Pivot) emit.Table {
	s := &emit.Select{From: []emit.Table{l.table(t.Source)}, GroupAll: true}
	if kept, known := l.Result.Implicit[t]; known {
		for _, c := range kept {
			parts := []string{c.Name}
			if c.Table != "" {
				parts = []string{c.Table, c.Name}
			}
			item := emit.Item{X: &emit.Ref{Parts: parts}}
			if c.Type.Kind == types.Varchar {
				item = emit.Item{X: call("rs_blankless", item.X), As: c.Name}
			}
			s.Items = append(s.Items, item)
		}
	} else {
		star := &emit.Star{}
		for name := range l.Options.PivotNames(t) {
			star.Exclude = append(star.Exclude, name)
		}
		slices.Sort(star.Exclude)
		s.Items = append(s.Items, emit.Item{X: star})
	}
	for _, in := range t.In {
		for _, a := range t.Aggregates {
			s.Items = append(s.Items, emit.Item{X: l.pivoted(t, in, a), As: l.Options.PivotColumn(in, a)})
		}
	}
	return &emit.Derived{Query: &emit.Query{Body: s}, Alias: l.alias(t.Alias)}
}

// pivoted is an aggregate over the rows of one value.
func (l *lowering) pivoted(t *syntax.Pivot, in, aggregate syntax.SelectItem) emit.Expr {
	c, ok := aggregate.Expr.(*syntax.Call)
	if !ok {
		l.missing(aggregate.Expr, "an expression in PIVOT that is not a call of an aggregate function")
	}
	filtered := *c
	if _, null := in.Expr.(*syntax.Null); null {
		filtered.Filter = &syntax.IsTest{Pos: c.Pos, X: t.For, What: "null"}
	} else {
		filtered.Filter = &syntax.Binary{Pos: c.Pos, Op: "=", L: t.For, R: in.Expr}
	}
	return l.expr(&filtered)
}
