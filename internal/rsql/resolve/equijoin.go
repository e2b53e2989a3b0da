package resolve

import (
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// needEquijoin refuses UPDATE ... FROM and DELETE ... USING whose tables are not
// joined to the target by an equality, as Redshift does.
func (r *resolver) needEquijoin(at syntax.Node, target *source, from []syntax.TableExpr, where syntax.Expr) {
	if len(from) == 0 {
		return
	}
	conditions := syntax.Conjuncts(where)
	var joins func(syntax.TableExpr)
	joins = func(t syntax.TableExpr) {
		if j, ok := t.(*syntax.Join); ok {
			conditions = append(conditions, syntax.Conjuncts(j.On)...)
			joins(j.Left)
			joins(j.Right)
		}
	}
	for _, t := range from {
		joins(t)
	}
	for _, c := range conditions {
		b, ok := c.(*syntax.Binary)
		if !ok || b.Op != "=" {
			continue
		}
		left, leftOther := r.sides(target, b.L)
		right, rightOther := r.sides(target, b.R)
		if left && rightOther || right && leftOther {
			return
		}
	}
	r.fail(at, sqlerr.FeatureNotSupported, "Target table must be part of an equijoin predicate")
}

// sides says whether an expression names columns of the target, and of others.
func (r *resolver) sides(target *source, e syntax.Expr) (own, other bool) {
	c, ok := e.(*syntax.ColumnRef)
	if !ok {
		syntax.Operands(e, func(x syntax.Expr) {
			a, b := r.sides(target, x)
			own, other = own || a, other || b
		}, func(*syntax.Query) {})
		return own, other
	}
	ref, known := r.result.Refs[c]
	if !known {
		return true, true // it may be either
	}
	mine := ref.Table == target.name || ref.Table == "" && ref.relation == target.relation
	return mine, !mine
}
