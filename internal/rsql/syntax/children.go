package syntax

// Operands calls f for every expression that stands directly in e, and query
// for every query that does.
func Operands(e Expr, f func(Expr), query func(*Query)) {
	one := func(x Expr) {
		if x != nil {
			f(x)
		}
	}
	all := func(list []Expr) {
		for _, x := range list {
			f(x)
		}
	}
	switch e := e.(type) {
	case *Unary:
		f(e.X)
	case *Binary:
		f(e.L)
		f(e.R)
	case *IsTest:
		f(e.X)
	case *Like:
		f(e.X)
		f(e.Pattern)
		one(e.Escape)
	case *Between:
		f(e.X)
		f(e.Lo)
		f(e.Hi)
	case *In:
		f(e.X)
		all(e.List)
		if e.Query != nil {
			query(e.Query)
		}
	case *Quantified:
		f(e.X)
		one(e.Array)
		if e.Query != nil {
			query(e.Query)
		}
	case *Exists:
		query(e.Query)
	case *Subquery:
		query(e.Query)
	case *Case:
		one(e.Operand)
		for _, w := range e.Whens {
			f(w.Cond)
			f(w.Result)
		}
		one(e.Else)
	case *Cast:
		f(e.X)
	case *Call:
		callOperands(e, f)
	case *Extract:
		f(e.X)
	case *Trim:
		one(e.Chars)
		f(e.X)
	case *Position:
		f(e.Part)
		f(e.Whole)
	case *Row:
		all(e.Items)
	case *Array:
		all(e.Items)
	case *Field:
		f(e.X)
	case *Index:
		f(e.X)
		f(e.Index)
	case *AtTimeZone:
		f(e.X)
		f(e.Zone)
	case *Collate:
		f(e.X)
	case *OuterMark:
		f(e.Column)
	}
}

func callOperands(c *Call, f func(Expr)) {
	for _, a := range c.Args {
		f(a)
	}
	for _, o := range c.OrderBy {
		f(o.Expr)
	}
	for _, o := range c.WithinGroup {
		f(o.Expr)
	}
	if c.Filter != nil {
		f(c.Filter)
	}
	if c.Over != nil {
		WindowOperands(c.Over, f)
	}
}

// WindowOperands calls f for the expressions of a window.
func WindowOperands(w *Window, f func(Expr)) {
	for _, x := range w.Partition {
		f(x)
	}
	for _, o := range w.OrderBy {
		f(o.Expr)
	}
	if w.Frame == nil {
		return
	}
	if w.Frame.Start.Offset != nil {
		f(w.Frame.Start.Offset)
	}
	if w.Frame.End != nil && w.Frame.End.Offset != nil {
		f(w.Frame.End.Offset)
	}
}

// Conjuncts splits an expression at its outermost ANDs.
func Conjuncts(e Expr) []Expr {
	if e == nil {
		return nil
	}
	if b, ok := e.(*Binary); ok && b.Op == "and" {
		return append(Conjuncts(b.L), Conjuncts(b.R)...)
	}
	return []Expr{e}
}
