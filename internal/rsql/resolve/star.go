package resolve

import (
	"slices"

	"stepwell/internal/rsql/syntax"
)

// StarColumn is a column that * stands for. Table is the name its table has in
// FROM; empty where that has none, and for a column that joins merge.
type StarColumn struct {
	Table string
	Column
}

// merged are the columns * stands for where joins merge columns: those come
// first, then the rest of the left side, then that of the right.
func (r *resolver) merged(from []syntax.TableExpr, star *syntax.Star, sc *scope) ([]StarColumn, bool) {
	rest := sc.sources
	var columns []StarColumn
	for _, t := range from {
		more, known := r.sideColumns(t, &rest)
		if !known {
			return nil, false
		}
		columns = append(columns, more...)
	}
	columns = slices.DeleteFunc(columns, func(c StarColumn) bool {
		return slices.ContainsFunc(star.Exclude, func(id syntax.Ident) bool { return r.Fold(id) == c.Name })
	})
	return columns, true
}

// sideColumns are the columns of one item of FROM; rest are the sources not
// yet counted, which stand in the order of the text.
func (r *resolver) sideColumns(t syntax.TableExpr, rest *[]*source) ([]StarColumn, bool) {
	j, ok := t.(*syntax.Join)
	if !ok {
		if len(*rest) == 0 {
			return nil, false
		}
		s := (*rest)[0]
		*rest = (*rest)[1:]
		out := make([]StarColumn, len(s.columns))
		for i, c := range s.columns {
			out[i] = StarColumn{Table: s.name, Column: Column{Name: c.Name, Type: c.Type}}
		}
		return out, s.known
	}
	left, known := r.sideColumns(j.Left, rest)
	right, known2 := r.sideColumns(j.Right, rest)
	if !known || !known2 {
		return nil, false
	}
	has := func(list []StarColumn, name string) bool {
		return slices.ContainsFunc(list, func(c StarColumn) bool { return c.Name == name })
	}
	same := func(c StarColumn) bool {
		if j.Natural {
			return has(left, c.Name) && has(right, c.Name)
		}
		return slices.ContainsFunc(j.Using, func(id syntax.Ident) bool { return r.Fold(id) == c.Name })
	}
	var out []StarColumn
	if j.Natural {
		for _, c := range left {
			if same(c) {
				c.Table = ""
				out = append(out, c)
			}
		}
	}
	for _, id := range j.Using {
		for _, c := range left {
			if c.Name == r.Fold(id) {
				c.Table = ""
				out = append(out, c)
			}
		}
	}
	for _, list := range [][]StarColumn{left, right} {
		for _, c := range list {
			if !same(c) {
				out = append(out, c)
			}
		}
	}
	return out, true
}
