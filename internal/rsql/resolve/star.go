package resolve

import (
	"slices"

	"stepwell/internal/rsql/syntax"
)

// merged are the columns * stands for where joins merge columns: those come
// first, then the rest of the left side, then that of the right.
func (r *resolver) merged(from []syntax.TableExpr, star *syntax.Star, sc *scope) ([]Column, bool) {
	rest := sc.sources
	var columns []Column
	for _, t := range from {
		more, known := r.sideColumns(t, &rest)
		if !known {
			return nil, false
		}
		columns = append(columns, more...)
	}
	columns = slices.DeleteFunc(columns, func(c Column) bool {
		return slices.ContainsFunc(star.Exclude, func(id syntax.Ident) bool { return r.Fold(id) == c.Name })
	})
	return columns, true
}

// sideColumns are the columns of one item of FROM; rest are the sources not
// yet counted, which stand in the order of the text.
func (r *resolver) sideColumns(t syntax.TableExpr, rest *[]*source) ([]Column, bool) {
	j, ok := t.(*syntax.Join)
	if !ok {
		if len(*rest) == 0 {
			return nil, false
		}
		s := (*rest)[0]
		*rest = (*rest)[1:]
		out := make([]Column, len(s.columns))
		for i, c := range s.columns {
			out[i] = Column{Name: c.Name, Type: c.Type}
		}
		return out, s.known
	}
	left, known := r.sideColumns(j.Left, rest)
	right, known2 := r.sideColumns(j.Right, rest)
	if !known || !known2 {
		return nil, false
	}
	has := func(list []Column, name string) bool {
		return slices.ContainsFunc(list, func(c Column) bool { return c.Name == name })
	}
	same := func(c Column) bool {
		if j.Natural {
			return has(left, c.Name) && has(right, c.Name)
		}
		return slices.ContainsFunc(j.Using, func(id syntax.Ident) bool { return r.Fold(id) == c.Name })
	}
	var out []Column
	if j.Natural {
		for _, c := range left {
			if same(c) {
				out = append(out, c)
			}
		}
	}
	for _, id := range j.Using {
		for _, c := range left {
			if c.Name == r.Fold(id) {
				out = append(out, c)
			}
		}
	}
	for _, list := range [][]Column{left, right} {
		for _, c := range list {
			if !same(c) {
				out = append(out, c)
			}
		}
	}
	return out, true
}
