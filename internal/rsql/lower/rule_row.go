package lower

import (
	"strconv"

	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
)

// rowIn lowers (a, b) [NOT] IN (query) to EXISTS: DuckDB knows no such test
// of a query that reads the row's own table, compares texts with their trailing
// blanks, and takes a row with a NULL for one that may equal any other, while
// (1, NULL) and (2, 3) differ. What is not known is NULL; in a condition, where
// both are the same, it is false.
func rowIn(l *lowering, e syntax.Expr) emit.Expr {
	if not, ok := e.(*syntax.Unary); ok && not.Op == "not" {
		return l.notRowIn(not)
	}
	in, ok := e.(*syntax.In)
	if !ok || in.Query == nil {
		return nil
	}
	row, ok := in.X.(*syntax.Row)
	if !ok {
		return nil
	}
	columns := l.Result.Outputs[in.Query]
	if len(columns) != len(row.Items) {
		return nil
	}
	c := &rowComparison{query: l.query(in.Query)}
	for i, x := range row.Items {
		x = l.literalAs(x, columns[i].Type)
		column := "row_in" + strconv.Itoa(i+1)
		var left, right emit.Expr = l.expr(x), &emit.Ref{Parts: []string{column}}
		if l.isText(x) || columns[i].Type.IsText() {
			left = l.blankless(x)
		}
		if columns[i].Type.Kind == types.Varchar {
			right = call("rs_blankless", right)
		}
		c.names, c.left, c.right = append(c.names, column), append(c.left, left), append(c.right, right)
	}
	switch {
	case l.conditions[in] && in.Not:
		return c.none()
	case l.conditions[in]:
		return c.some(c.equal())
	}
	return c.known(in.Not)
}

// notRowIn lowers NOT (row IN query) as row NOT IN query.
func (l *lowering) notRowIn(not *syntax.Unary) emit.Expr {
	in, ok := not.X.(*syntax.In)
	if !ok || in.Query == nil {
		return nil
	}
	if _, row := in.X.(*syntax.Row); !row {
		return nil
	}
	other := *in
	other.Not = !in.Not
	if l.conditions[in] {
		l.conditions[&other] = true
	}
	return rowIn(l, &other)
}

// conditional notes that the rows of a condition are those for which it is true:
// of the tests it consists of it does not matter whether they are false or not
// known.
func (l *lowering) conditional(e syntax.Expr) {
	switch e := e.(type) {
	case *syntax.Binary:
		if e.Op == "and" || e.Op == "or" {
			l.conditional(e.L)
			l.conditional(e.R)
		}
	case *syntax.Unary: // of one test; NOT (a AND b) may be true where b is not known
		if in, ok := e.X.(*syntax.In); ok && e.Op == "not" {
			l.conditional(in)
		}
	case *syntax.In:
		if l.conditions == nil {
			l.conditions = map[*syntax.In]bool{}
		}
		l.conditions[e] = true
	}
}

// rowComparison compares a row with those of a query.
type rowComparison struct {
	query       *emit.Query
	names       []string
	left, right []emit.Expr
}

func (c *rowComparison) rows() emit.Table {
	return &emit.Derived{Query: c.query, Alias: emit.Alias{Name: "row_in", Columns: c.names}}
}

// none says that the row differs from all rows of the query in a value that
// neither has NULL for. Rows without NULLs are joined by their hash; the others
// are looked at one by one, on either side.
func (c *rowComparison) none() emit.Expr {
	first, second := c.maybe()
	no := func(x emit.Expr) emit.Expr { return &emit.Prefix{Op: "NOT", X: x} }
	return conjunction([]emit.Expr{no(c.some(c.equal())), no(first), no(second)})
}

// known is true where the row is in the query, NULL where a NULL leaves it open,
// and false elsewhere; the other way round for NOT IN.
func (c *rowComparison) known(not bool) emit.Expr {
	first, second := c.maybe()
	word := func(is bool) emit.Expr { return &emit.Word{Text: map[bool]string{true: "TRUE", false: "FALSE"}[is]} }
	return &emit.Case{Whens: []emit.When{
		{Cond: c.some(c.equal()), Result: word(!not)},
		{Cond: &emit.Op{Op: "OR", Args: []emit.Expr{first, second}}, Result: null()},
	}, Else: word(not)}
}

// maybe says that the row may be in the query for what is known: where it has a
// NULL itself, and where the query's row has one.
func (c *rowComparison) maybe() (left, right emit.Expr) {
	var maybe, nullLeft, nullRight []emit.Expr
	for i, same := range c.equal() {
		xNull, yNull := &emit.Postfix{X: c.left[i], Op: "IS NULL"}, &emit.Postfix{X: c.right[i], Op: "IS NULL"}
		maybe = append(maybe, &emit.Op{Op: "OR", Args: []emit.Expr{same, xNull, yNull}})
		nullLeft, nullRight = append(nullLeft, xNull), append(nullRight, yNull)
	}
	return c.some(append([]emit.Expr{&emit.Op{Op: "OR", Args: nullLeft}}, maybe...)), c.some(append([]emit.Expr{&emit.Op{Op: "OR", Args: nullRight}}, maybe...))
}

func (c *rowComparison) equal() []emit.Expr {
	out := make([]emit.Expr, len(c.left))
	for i, x := range c.left {
		out[i] = &emit.Op{Op: "=", Args: []emit.Expr{x, c.right[i]}}
	}
	return out
}

// some says that a row of the query meets the conditions.
func (c *rowComparison) some(where []emit.Expr) emit.Expr {
	s := &emit.Select{Items: []emit.Item{{X: &emit.Num{Text: "1"}}}, From: []emit.Table{c.rows()}, Where: conjunction(where)}
	return &emit.Exists{Query: &emit.Query{Body: s}}
}

// rowCompare lowers comparisons of rows, and of a row with a list of rows, to
// those of their values: to DuckDB rows with a NULL differ or not, to SQL that
// may not be known.
func rowCompare(l *lowering, e syntax.Expr) emit.Expr {
	switch e := e.(type) {
	case *syntax.Binary:
		left, ok1 := e.L.(*syntax.Row)
		right, ok2 := e.R.(*syntax.Row)
		if !ok1 || !ok2 || len(left.Items) != len(right.Items) || len(left.Items) == 0 {
			return nil
		}
		switch e.Op {
		case "=", "<>":
			return l.expr(rowEqual(e.Pos, e.Op, left.Items, right.Items))
		case "<", ">", "<=", ">=":
			return l.expr(rowOrder(e.Pos, e.Op, left.Items, right.Items))
		}
	case *syntax.In:
		row, ok := e.X.(*syntax.Row)
		if !ok || len(e.List) == 0 || !e.Not && len(e.List) > manyRows && l.conditions[e] {
			return nil
		}
		var any syntax.Expr
		for _, x := range e.List {
			other, ok := x.(*syntax.Row)
			if !ok || len(other.Items) != len(row.Items) {
				return nil
			}
			same := rowEqual(e.Pos, "=", row.Items, other.Items)
			if any == nil {
				any = same
			} else {
				any = &syntax.Binary{Pos: e.Pos, Op: "or", L: any, R: same}
			}
		}
		if e.Not {
			any = &syntax.Unary{Pos: e.Pos, Op: "not", X: any}
		}
		return l.expr(any)
	case *syntax.Between:
		if _, ok := e.X.(*syntax.Row); !ok {
			return nil
		}
		var both syntax.Expr = &syntax.Binary{Pos: e.Pos, Op: "and", L: &syntax.Binary{Pos: e.Pos, Op: ">=", L: e.X, R: e.Lo}, R: &syntax.Binary{Pos: e.Pos, Op: "<=", L: e.X, R: e.Hi}}
		if e.Not {
			both = &syntax.Unary{Pos: e.Pos, Op: "not", X: both}
		}
		return l.expr(both)
	case *syntax.IsTest: // of all values
		row, ok := e.X.(*syntax.Row)
		if !ok || e.What != "null" || len(row.Items) == 0 {
			return nil
		}
		all := make([]emit.Expr, len(row.Items))
		for i, x := range row.Items {
			all[i] = l.expr(&syntax.IsTest{Pos: e.Pos, X: x, What: e.What, Not: e.Not})
		}
		return conjunction(all)
	}
	return nil
}

// manyRows is the length from which a list of rows is left to DuckDB's hash
// table, which answers false for what is not known.
const manyRows = 100

func rowEqual(at syntax.Pos, op string, left, right []syntax.Expr) syntax.Expr {
	all := &syntax.Binary{Pos: at, Op: op, L: left[0], R: right[0]}
	for i := 1; i < len(left); i++ {
		all = &syntax.Binary{Pos: at, Op: map[string]string{"=": "and", "<>": "or"}[op], L: all, R: &syntax.Binary{Pos: at, Op: op, L: left[i], R: right[i]}}
	}
	return all
}

// rowOrder is a < c OR a = c AND b < d.
func rowOrder(at syntax.Pos, op string, left, right []syntax.Expr) syntax.Expr {
	if len(left) == 1 {
		return &syntax.Binary{Pos: at, Op: op, L: left[0], R: right[0]}
	}
	first := &syntax.Binary{Pos: at, Op: op[:1], L: left[0], R: right[0]}
	same := &syntax.Binary{Pos: at, Op: "=", L: left[0], R: right[0]}
	rest := &syntax.Binary{Pos: at, Op: "and", L: same, R: rowOrder(at, op, left[1:], right[1:])}
	return &syntax.Binary{Pos: at, Op: "or", L: first, R: rest}
}
