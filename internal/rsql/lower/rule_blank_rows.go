package lower

import (
	"slices"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// Trailing blanks do not count where whole rows are compared: in set operations
// without ALL, under DISTINCT, and by joins that name their columns.

// comparedStar spells * out where the rows are compared and some of its columns
// are texts that may have trailing blanks; nil where * may stay.
func (l *lowering) comparedStar(star *syntax.Star) []emit.Item {
	columns := l.Result.Stars[star]
	if !slices.ContainsFunc(columns, func(c resolve.StarColumn) bool { return c.Type.Kind == types.Varchar }) {
		return nil
	}
	items := make([]emit.Item, len(columns))
	for i, c := range columns {
		parts := []string{c.Name}
		if c.Table != "" {
			parts = []string{c.Table, c.Name}
		}
		items[i].X = &emit.Ref{Parts: parts}
		if c.Type.Kind == types.Varchar {
			items[i] = emit.Item{X: call("rs_blankless", items[i].X), As: c.Name}
		}
	}
	return items
}

// mergingSide takes the trailing blanks from the columns by which JOIN USING
// and NATURAL JOIN compare one of their sides. names are the columns; nil for
// those the other side has too.
func (l *lowering) mergingSide(t, other syntax.TableExpr, x emit.Table, names []string) emit.Table {
	if names == nil {
		for _, c := range l.columnsOf(other) {
			names = append(names, c.Name)
		}
	}
	if t, ok := t.(*syntax.Join); ok {
		j := x.(*emit.Join)
		j.Left, j.Right = l.mergingSide(t.Left, nil, j.Left, names), l.mergingSide(t.Right, nil, j.Right, names)
		return j
	}
	columns := l.columnsOf(t)
	sel := &emit.Select{From: []emit.Table{x}}
	blank := false
	for _, c := range columns {
		var v emit.Expr = &emit.Ref{Parts: []string{c.Name}}
		if c.Type.Kind == types.Varchar && slices.Contains(names, c.Name) {
			v, blank = call("rs_blankless", v), true
		}
		sel.Items = append(sel.Items, emit.Item{X: v, As: c.Name})
	}
	if !blank {
		return x
	}
	return &emit.Derived{Query: &emit.Query{Body: sel}, Alias: emit.Alias{Name: l.nameOf(t)}}
}

// columnsOf are the columns of an item of FROM, by the names its alias gives
// them; none where they are not all known.
func (l *lowering) columnsOf(t syntax.TableExpr) []resolve.Column {
	switch t := t.(type) {
	case *syntax.TableName:
		return aliased(l.relationColumns(l.Result.Tables[t]), l.alias(t.Alias).Columns)
	case *syntax.TableQuery:
		return aliased(l.Result.Outputs[t.Query], l.alias(t.Alias).Columns)
	case *syntax.Join:
		left, right := l.columnsOf(t.Left), l.columnsOf(t.Right)
		return append(left[:len(left):len(left)], right...)
	}
	return nil
}

// relationColumns are the columns of a relation or CTE that stands in FROM by itself.
func (l *lowering) relationColumns(b *resolve.Binding) []resolve.Column {
	switch {
	case b == nil || b.Unnest:
		return nil
	case b.CTE:
		return b.Columns
	case b.Relation == nil || b.Relation.Kind == resolve.System || b.Relation.Kind == resolve.External:
		return nil
	}
	return b.Relation.Columns
}

func aliased(columns []resolve.Column, names []string) []resolve.Column {
	if len(names) == 0 || len(columns) < len(names) {
		return columns
	}
	columns = slices.Clone(columns)
	for i, n := range names {
		columns[i].Name = n
	}
	return columns
}
