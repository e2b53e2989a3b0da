package rsql

import (
	"unicode/utf8"

	"stepwell/internal/rsql/function"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// Ungrouped gives the fault of a column that is neither grouped nor aggregated
// the words and the position it has in the statement's text: the engine names
// the column alone. The error itself where the column is not found.
func Ungrouped(tree syntax.Statement, text, column string, fault *sqlerr.Error) *sqlerr.Error {
	f := &ungrouped{column: column}
	if q := queryOf(tree); q != nil {
		f.query(q)
	} else if s, ok := tree.(*syntax.Insert); ok && s.Query != nil {
		f.query(s.Query)
	}
	if f.found == nil || f.found.Range().Start > len(text) {
		return fault
	}
	name := column
	if n := len(f.found.Parts); n > 1 {
		name = f.found.Parts[n-2].Name + "." + name
	} else if f.table != "" {
		name = f.table + "." + name
	}
	e := sqlerr.New(sqlerr.GroupingError, "column \"%s\" must appear in the GROUP BY clause or be used in an aggregate function", name)
	return e.At(utf8.RuneCountInString(text[:f.found.Range().Start]) + 1)
}

// ungrouped looks for the first mention of a column outside aggregates in a
// block that groups; table is the only table of that block.
type ungrouped struct {
	column string
	found  *syntax.ColumnRef
	table  string
}

func (f *ungrouped) query(q *syntax.Query) {
	if q.With != nil {
		for _, c := range q.With.Tables {
			f.query(c.Query)
		}
	}
	f.body(q.Body)
}

func (f *ungrouped) body(b syntax.Body) {
	switch b := b.(type) {
	case *syntax.Query:
		f.query(b)
	case *syntax.SetOp:
		f.body(b.Left)
		f.body(b.Right)
	case *syntax.Select:
		for _, t := range b.From {
			f.from(t)
		}
		f.block(b)
	}
}

func (f *ungrouped) from(t syntax.TableExpr) {
	switch t := t.(type) {
	case *syntax.TableQuery:
		f.query(t.Query)
	case *syntax.Join:
		f.from(t.Left)
		f.from(t.Right)
	}
}

func (f *ungrouped) block(s *syntax.Select) {
	groups := len(s.GroupBy) > 0
	for _, it := range s.Items {
		groups = groups || aggregated(it.Expr)
	}
	if f.found != nil || !groups {
		return
	}
	for _, it := range s.Items {
		f.expr(it.Expr)
	}
	if s.Having != nil {
		f.expr(s.Having)
	}
	if f.found == nil || len(s.From) != 1 {
		return
	}
	if t, ok := s.From[0].(*syntax.TableName); ok {
		f.table = t.Name.Last().Name
		if t.Alias != nil {
			f.table = t.Alias.Name.Name
		}
	}
}

func (f *ungrouped) expr(e syntax.Expr) {
	if f.found != nil || isAggregate(e) {
		return
	}
	if c, ok := e.(*syntax.ColumnRef); ok && c.Parts[len(c.Parts)-1].Name == f.column {
		f.found = c
		return
	}
	syntax.Operands(e, f.expr, func(*syntax.Query) {})
}

func isAggregate(e syntax.Expr) bool {
	c, ok := e.(*syntax.Call)
	if !ok || c.Over != nil {
		return false
	}
	f, ok := function.Lookup(c.Name.Last().Name)
	return ok && f.Class == function.Aggregate
}

// aggregated says whether an expression has an aggregate in it.
func aggregated(e syntax.Expr) bool {
	found := isAggregate(e)
	syntax.Operands(e, func(x syntax.Expr) { found = found || aggregated(x) }, func(*syntax.Query) {})
	return found
}
