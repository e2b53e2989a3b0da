package syntax

func (p *printer) nested(q *Query) {
	p.s("(")
	p.query(q)
	p.s(")")
}

func (p *printer) query(q *Query) {
	p.with(q.With)
	p.body(q.Body)
	p.orderBy(" order by ", q.OrderBy)
	p.clause(" limit ", q.Limit)
	p.clause(" offset ", q.Offset)
}

func (p *printer) clause(lead string, e Expr) {
	if e != nil {
		p.s(lead)
		p.expr(e)
	}
}

func (p *printer) with(w *With) {
	if w == nil {
		return
	}
	p.s("with ", map[bool]string{true: "recursive ", false: ""}[w.Recursive])
	each(p, w.Tables, func(c CTE) {
		p.ident(c.Name)
		if c.Columns != nil {
			p.idents(c.Columns)
		}
		p.s(" as ")
		p.nested(c.Query)
	})
	p.s(" ")
}

func (p *printer) body(b Body) {
	switch b := b.(type) {
	case *Query:
		p.nested(b)
	case *Values:
		p.s("values ")
		each(p, b.Rows, func(row []Expr) {
			p.s("(")
			p.exprs(row)
			p.s(")")
		})
	case *SetOp:
		p.body(b.Left)
		p.s(" ", b.Op, map[bool]string{true: " all", false: ""}[b.All], " ")
		p.body(b.Right)
	case *Select:
		p.selectBlock(b)
	}
}

func (p *printer) selectBlock(s *Select) {
	p.s("select ")
	if s.Top != nil {
		p.s("top ")
		if _, n := s.Top.(*Number); n {
			p.expr(s.Top)
		} else {
			p.s("(")
			p.expr(s.Top)
			p.s(")")
		}
		p.s(" ")
	}
	if s.Distinct {
		p.s("distinct ")
		if s.DistinctOn != nil {
			p.s("on (")
			p.exprs(s.DistinctOn)
			p.s(") ")
		}
	}
	p.items(s.Items)
	for _, it := range s.Items {
		if star, ok := it.Expr.(*Star); ok && star.Exclude != nil {
			p.s(" exclude ")
			p.idents(star.Exclude)
			break
		}
	}
	if s.Into != nil {
		p.s(" into ", map[bool]string{true: "temp ", false: ""}[s.Into.Temp && !isTempName(s.Into.Name)])
		p.name(s.Into.Name)
	}
	if s.From != nil {
		p.s(" from ")
		each(p, s.From, p.table)
	}
	p.clause(" where ", s.Where)
	p.clause(" start with ", s.StartWith)
	p.clause(" connect by ", s.ConnectBy)
	if s.GroupAll {
		p.s(" group by all")
	}
	if s.GroupBy != nil {
		p.s(" group by ")
		each(p, s.GroupBy, p.group)
	}
	p.clause(" having ", s.Having)
	p.clause(" qualify ", s.Qualify)
	if s.Windows != nil {
		p.s(" window ")
		each(p, s.Windows, func(w NamedWindow) {
			p.ident(w.Name)
			p.s(" as ")
			p.window(w.Window)
		})
	}
}

func (p *printer) items(items []SelectItem) {
	each(p, items, func(it SelectItem) {
		p.expr(it.Expr)
		if it.Alias != nil {
			p.s(" as ")
			p.ident(*it.Alias)
		}
	})
}

func (p *printer) group(g GroupItem) {
	if g.Expr != nil {
		p.expr(g.Expr)
		return
	}
	if g.Kind != "set" {
		p.s(g.Kind, " ")
	}
	p.s("(")
	each(p, g.Items, p.group)
	p.s(")")
}

func (p *printer) alias(a *Alias) {
	if a == nil {
		return
	}
	p.s(" as ")
	p.ident(a.Name)
	if a.Columns != nil {
		p.idents(a.Columns)
	}
}

func (p *printer) at(id *Ident) {
	if id != nil {
		p.s(" at ")
		p.ident(*id)
	}
}

func (p *printer) table(t TableExpr) {
	switch t := t.(type) {
	case *TableName:
		p.name(t.Name)
		for _, i := range t.Path {
			p.s("[")
			p.expr(i)
			p.s("]")
		}
		p.alias(t.Alias)
		p.at(t.At)
	case *TableQuery:
		p.s(map[bool]string{true: "lateral ", false: ""}[t.Lateral])
		p.nested(t.Query)
		p.alias(t.Alias)
	case *TableCall:
		p.call(t.Call)
		p.alias(t.Alias)
		p.at(t.At)
	case *Join:
		p.join(t)
	case *Pivot:
		p.table(t.Source)
		p.s(" pivot (")
		p.items(t.Aggregates)
		p.s(" for ")
		p.operand(t.For)
		p.s(" in (")
		p.items(t.In)
		p.s("))")
		p.alias(t.Alias)
	case *Unpivot:
		p.table(t.Source)
		p.s(" unpivot ", map[bool]string{true: "include nulls ", false: ""}[t.IncludeNulls], "(")
		p.ident(t.Value)
		p.s(" for ")
		p.ident(t.Name)
		p.s(" in (")
		p.items(t.In)
		p.s("))")
		p.alias(t.Alias)
	case *ObjectUnpivot:
		p.s("unpivot ")
		p.operand(t.Object)
		p.s(" as ")
		p.ident(t.Value)
		p.at(t.At)
	}
}

func (p *printer) join(j *Join) {
	p.table(j.Left)
	p.s(" ", map[bool]string{true: "natural ", false: ""}[j.Natural])
	if j.Kind != InnerJoin {
		p.s(string(j.Kind), " ")
	}
	p.s("join ")
	if _, nested := j.Right.(*Join); nested {
		p.s("(")
		p.table(j.Right)
		p.s(")")
	} else {
		p.table(j.Right)
	}
	p.clause(" on ", j.On)
	if j.Using != nil {
		p.s(" using ")
		p.idents(j.Using)
	}
}
