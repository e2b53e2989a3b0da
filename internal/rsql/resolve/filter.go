package resolve

import "stepwell/internal/rsql/syntax"

// Filter is the part of a query's conditions that speaks of one external
// relation's partition columns only: conjuncts that all must hold. The catalog
// may leave out the partitions whose values do not satisfy them.
type Filter struct {
	// Alias is the name the relation has in the conjuncts.
	Alias string
	// Columns are the partition columns mentioned.
	Columns   []string
	Conjuncts []syntax.Expr
	relation  *Relation
}

// prune hands conditions to the external tables under t: those of WHERE to the
// sides of joins that an outer join does not fill with NULLs, those of ON to
// the sides it only filters.
func (r *resolver) prune(t syntax.TableExpr, conjuncts []syntax.Expr) {
	switch t := t.(type) {
	case *syntax.TableName:
		if b := r.result.Tables[t]; b != nil && b.Scan != nil {
			b.Scan.Filter = r.filter(t, b.Scan.Relation, conjuncts)
		}
	case *syntax.Join:
		on := syntax.Conjuncts(t.On)
		both := append(append([]syntax.Expr(nil), conjuncts...), on...)
		switch t.Kind {
		case syntax.LeftJoin:
			r.prune(t.Left, conjuncts)
			r.prune(t.Right, on)
		case syntax.RightJoin:
			r.prune(t.Left, on)
			r.prune(t.Right, conjuncts)
		case syntax.FullJoin:
			r.prune(t.Left, nil)
			r.prune(t.Right, nil)
		default:
			r.prune(t.Left, both)
			r.prune(t.Right, both)
		}
	}
}

// filter picks the conjuncts that mention partition columns of rel and nothing else.
func (r *resolver) filter(t *syntax.TableName, rel *Relation, conjuncts []syntax.Expr) *Filter {
	name := rel.Name
	if t.Alias != nil {
		name = r.Fold(t.Alias.Name)
	}
	f := &Filter{Alias: name, relation: rel}
	for _, c := range conjuncts {
		used := map[string]bool{}
		if f.own(r, c, name, used) && len(used) > 0 {
			f.Conjuncts = append(f.Conjuncts, c)
			for _, col := range rel.Columns {
				if used[col.Name] {
					f.Columns = append(f.Columns, col.Name)
				}
			}
		}
	}
	if len(f.Conjuncts) == 0 {
		return nil
	}
	return f
}

// own says whether e mentions only partition columns of the table called name.
// References are looked at by name: expressions are resolved after FROM.
func (f *Filter) own(r *resolver, e syntax.Expr, name string, used map[string]bool) bool {
	switch e := e.(type) {
	case *syntax.ColumnRef:
		n := len(e.Parts)
		if n > 1 && r.Fold(e.Parts[n-2]) != name {
			return false
		}
		col := r.Fold(e.Parts[n-1])
		for _, c := range f.relation.Columns {
			if c.Name == col && c.Partition {
				used[col] = true
				return true
			}
		}
		return false
	case *syntax.Call, *syntax.Param, *syntax.Star:
		return false
	}
	ok := true
	syntax.Operands(e,
		func(x syntax.Expr) { ok = ok && f.own(r, x, name, used) },
		func(*syntax.Query) { ok = false })
	return ok
}

// Keep says whether a partition may hold rows the statement wants. values are
// the partition's values as the Data Catalog keeps them, by column; a column
// that is absent, or whose value is Hive's default partition, is NULL. What
// Keep cannot decide it keeps.
func (f *Filter) Keep(values map[string]string) bool {
	if f == nil {
		return true
	}
	for _, c := range f.Conjuncts {
		if f.eval(c, values) == no {
			return false
		}
	}
	return true
}
