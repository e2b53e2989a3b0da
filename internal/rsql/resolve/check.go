package resolve

import (
	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// needBoolean fails where a condition plainly has a type that does not become
// BOOLEAN by itself, as integers do (developer guide, "Type compatibility and
// conversion"). What is not known for certain is left to the engine.
func (r *resolver) needBoolean(e syntax.Expr, clause string) {
	switch e := e.(type) {
	case *syntax.Binary:
		if e.Op == "and" || e.Op == "or" {
			word := map[string]string{"and": "AND", "or": "OR"}[e.Op]
			r.needBoolean(e.L, word)
			r.needBoolean(e.R, word)
		}
		return
	case *syntax.Unary:
		if e.Op == "not" {
			r.needBoolean(e.X, "NOT")
		}
		return
	case *syntax.ColumnRef, *syntax.Number, *syntax.Cast:
		switch t := r.result.TypeOf(e); t.Kind {
		case types.Decimal, types.Real, types.Double, types.Date, types.Timestamp, types.TimestampTZ, types.Time, types.Char, types.Varchar:
			r.fail(e, sqlerr.DatatypeMismatch, "argument of %s must be type boolean, not type %s", clause, t.Base())
		}
	case *syntax.Case:
		r.needBooleans(e)
	}
}

// needBooleans checks the conditions of a CASE without an operand.
func (r *resolver) needBooleans(e *syntax.Case) {
	if e.Operand != nil {
		return
	}
	for _, w := range e.Whens {
		r.needBoolean(w.Cond, "CASE/WHEN")
	}
}

// conditions checks the conditions of a query block.
func (r *resolver) conditions(s *syntax.Select) {
	if s.Where != nil {
		r.needBoolean(s.Where, "WHERE")
	}
	if s.Having != nil {
		r.needBoolean(s.Having, "HAVING")
	}
	for _, it := range s.Items {
		switch it.Expr.(type) {
		case *syntax.Case, *syntax.Unary, *syntax.Binary:
			r.needBoolean(it.Expr, "")
		}
	}
}

// constantLimit fails where LIMIT or OFFSET names columns.
func (r *resolver) constantLimit(e syntax.Expr, clause string) {
	switch e := e.(type) {
	case nil:
		return
	case *syntax.ColumnRef:
		r.fail(e, sqlerr.InvalidColumnReference, "argument of %s must not contain variables", clause)
	case *syntax.Subquery:
		return
	default:
		syntax.Operands(e, func(x syntax.Expr) { r.constantLimit(x, clause) }, func(*syntax.Query) {})
	}
}

// framed are the window functions that want a frame as aggregates do.
var framed = map[string]bool{"first_value": true, "last_value": true, "nth_value": true}

// nested fails where an aggregate function stands in the argument of another,
// and where a window function has no OVER.
func (r *resolver) nested(c *syntax.Call, f function.Function) {
	switch {
	case f.Class == function.Window && c.Over == nil:
		r.fail(c, sqlerr.WindowingError, "window function %s requires an OVER clause", f.Name)
	case c.Over != nil && c.Over.Ref == nil && c.Over.Base == nil && c.Over.Frame == nil && len(c.Over.OrderBy) > 0 && (f.Class == function.Aggregate || framed[f.Name]):
		r.fail(c, sqlerr.SyntaxError, "Aggregate window functions with an ORDER BY clause require a frame clause")
	case f.Class == function.Aggregate && c.Over == nil:
		for _, a := range c.Args {
			r.noAggregate(a)
		}
	}
}

func (r *resolver) noAggregate(e syntax.Expr) {
	if c, ok := e.(*syntax.Call); ok && c.Over == nil {
		if f, ok := function.Lookup(c.Name.Last().Name); ok && f.Class == function.Aggregate {
			r.fail(c, sqlerr.GroupingError, "aggregate function calls may not be nested")
		}
	}
	syntax.Operands(e, r.noAggregate, func(*syntax.Query) {})
}

// fits fails where a list of column names is longer than the columns.
func (r *resolver) fits(kind, name string, s *source, ids []syntax.Ident) {
	if s.known && len(ids) > len(s.columns) {
		r.fail(ids[len(s.columns)], sqlerr.InvalidColumnReference, "%s \"%s\" has %d columns available but %d columns specified", kind, name, len(s.columns), len(ids))
	}
}

// distinctColumns fails where a relation would have two columns of one name.
func (r *resolver) distinctColumns(columns []Column, names []syntax.Ident) {
	seen := map[string]bool{}
	for i, c := range columns {
		name := c.Name
		if i < len(names) {
			name = r.Fold(names[i])
		}
		if seen[name] {
			r.fail(nil, sqlerr.DuplicateColumn, "column \"%s\" duplicated", name)
		}
		seen[name] = true
	}
}

// ambiguous says whether several tables of the FROM clause have a column, and
// no join merges them.
func (sc *scope) ambiguous(name string) bool {
	if sc.merged[name] || sc.natural || sc.outputs[name] {
		return false
	}
	n := 0
	for _, s := range sc.sources {
		in := 0
		for _, c := range s.columns {
			if s.known && c.Name == name {
				in++
			}
		}
		if !s.derived {
			in = min(in, 1)
		}
		n += in
	}
	return n > 1
}

// places lists the tables searched: " in sales, listing".
func (sc *scope) places() string {
	text := ""
	for _, s := range sc.sources {
		name := s.name
		if s.pseudo {
			continue
		}
		if name == "" {
			name = "unnamed_subquery"
		}
		if text == "" {
			text = " in " + name
		} else {
			text += ", " + name
		}
	}
	return text
}
