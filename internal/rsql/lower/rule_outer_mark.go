package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// outerMarks turns Oracle's outer joins, WHERE a.x = b.y(+), into LEFT JOINs:
// the marked tables join what is left of FROM, on the conditions that mark
// them. It gives the new FROM and the conditions that stay; nil if none is
// marked. ("Oracle-style outer joins in the WHERE clause" of the guide.)
func (l *lowering) outerMarks(s *syntax.Select) (from emit.Table, rest []syntax.Expr) {
	on := map[int][]emit.Expr{}
	for _, c := range syntax.Conjuncts(s.Where) {
		marked := l.markedTable(s, c)
		if marked < 0 {
			rest = append(rest, c)
			continue
		}
		l.unmarked++
		on[marked] = append(on[marked], l.expr(c))
		l.unmarked--
	}
	if len(on) == 0 {
		return nil, nil
	}
	for i, t := range s.From {
		switch {
		case on[i] != nil:
		case from == nil:
			from = l.table(t)
		default:
			from = &emit.Join{Kind: "CROSS", Left: from, Right: l.table(t)}
		}
	}
	if from == nil {
		l.fail(s.Where, sqlerr.FeatureNotSupported, "every table of the query carries the outer join operator (+)")
	}
	for i, t := range s.From {
		if on[i] != nil {
			from = &emit.Join{Kind: "LEFT", Left: from, Right: l.table(t), On: conjunction(on[i])}
		}
	}
	return from, rest
}

func conjunction(list []emit.Expr) emit.Expr {
	if len(list) == 1 {
		return list[0]
	}
	return &emit.Op{Op: "AND", Args: list}
}

// markedTable is the place in FROM of the table a condition marks; -1 for none.
func (l *lowering) markedTable(s *syntax.Select, c syntax.Expr) int {
	found := -1
	b, isBinary := c.(*syntax.Binary)
	_, isIn := c.(*syntax.In)
	var walk func(syntax.Expr)
	walk = func(e syntax.Expr) {
		if m, ok := e.(*syntax.OuterMark); ok {
			if isIn || isBinary && b.Op == "or" {
				l.fail(m, sqlerr.FeatureNotSupported, "Outer join operator (+) not allowed in operand of OR or IN.")
			}
			i := l.placeOf(s, m.Column)
			if i < 0 || found >= 0 && found != i {
				l.missing(m, "this use of the outer join operator (+)")
			}
			found = i
			return
		}
		syntax.Operands(e, walk, func(*syntax.Query) {})
	}
	walk(c)
	return found
}

// placeOf finds the item of FROM a column belongs to.
func (l *lowering) placeOf(s *syntax.Select, c *syntax.ColumnRef) int {
	name := l.Options.Fold(c.Parts[len(c.Parts)-1])
	for i, t := range s.From {
		if len(c.Parts) > 1 {
			if l.nameOf(t) == l.Options.Fold(c.Parts[len(c.Parts)-2]) {
				return i
			}
			continue
		}
		if n, ok := t.(*syntax.TableName); ok && l.Result.Tables[n].Relation != nil {
			for _, col := range l.Result.Tables[n].Relation.Columns {
				if col.Name == name {
					return i
				}
			}
		}
	}
	return -1
}

// nameOf is the name of an item of FROM; empty for a join.
func (l *lowering) nameOf(t syntax.TableExpr) string {
	switch t := t.(type) {
	case *syntax.TableName:
		if t.Alias != nil {
			return l.Options.Fold(t.Alias.Name)
		}
		return l.Options.Fold(t.Name.Last())
	case *syntax.TableQuery:
		if t.Alias != nil {
			return l.Options.Fold(t.Alias.Name)
		}
	}
	return ""
}

// starsOf spells * out by table, in the order of FROM: the joins have another.
func (l *lowering) starsOf(s *syntax.Select) []emit.Item {
	items := make([]emit.Item, len(s.From))
	for i, t := range s.From {
		items[i].X = &emit.Star{Qualifier: []string{l.nameOf(t)}}
	}
	return items
}
