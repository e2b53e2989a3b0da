package emit

func (p *printer) query(q *Query) {
	p.with(q.With, q.Recursive)
	p.body(q.Body)
	if len(q.OrderBy) > 0 {
		p.s(" ORDER BY ")
		p.orders(q.OrderBy)
	}
	if q.Limit != nil {
		p.s(" LIMIT ")
		p.operand(q.Limit)
	}
	if q.Offset != nil {
		p.s(" OFFSET ")
		p.operand(q.Offset)
	}
}

func (p *printer) with(list []CTE, recursive bool) {
	if len(list) == 0 {
		return
	}
	p.s("WITH ")
	if recursive {
		p.s("RECURSIVE ")
	}
	for i, c := range list {
		if i > 0 {
			p.s(", ")
		}
		p.ident(c.Name)
		if len(c.Columns) > 0 {
			p.idents(c.Columns)
		}
		p.s(" AS ")
		p.nested(c.Query)
	}
	p.s(" ")
}

func (p *printer) body(b Body) {
	switch b := b.(type) {
	case *Query:
		p.nested(b)
	case *SetOp:
		p.bodyOperand(b.Left)
		p.s(" ", b.Op)
		if b.All {
			p.s(" ALL")
		}
		p.s(" ")
		p.bodyOperand(b.Right)
	case *Values:
		p.s("VALUES ")
		for i, row := range b.Rows {
			if i > 0 {
				p.s(", ")
			}
			p.s("(")
			p.exprs(row)
			p.s(")")
		}
	case *Select:
		p.selectBlock(b)
	}
}

func (p *printer) bodyOperand(b Body) {
	if _, ok := b.(*SetOp); ok {
		p.s("(")
		p.body(b)
		p.s(")")
		return
	}
	p.body(b)
}

func (p *printer) selectBlock(s *Select) {
	p.s("SELECT ")
	if s.Distinct {
		p.s("DISTINCT ")
		if len(s.DistinctOn) > 0 {
			p.s("ON (")
			p.exprs(s.DistinctOn)
			p.s(") ")
		}
	}
	p.items(s.Items)
	if len(s.From) > 0 {
		p.s(" FROM ")
		p.tables(s.From)
	}
	if s.Where != nil {
		p.s(" WHERE ")
		p.expr(s.Where)
	}
	switch {
	case s.GroupAll:
		p.s(" GROUP BY ALL")
	case len(s.GroupBy) > 0:
		p.s(" GROUP BY ")
		p.groups(s.GroupBy)
	}
	if s.Having != nil {
		p.s(" HAVING ")
		p.expr(s.Having)
	}
	for i, w := range s.Windows {
		if i == 0 {
			p.s(" WINDOW ")
		} else {
			p.s(", ")
		}
		p.ident(w.Name)
		p.s(" AS ")
		p.window(w.Window)
	}
	if s.Qualify != nil {
		p.s(" QUALIFY ")
		p.expr(s.Qualify)
	}
}

func (p *printer) items(items []Item) {
	for i, it := range items {
		if i > 0 {
			p.s(", ")
		}
		p.expr(it.X)
		if it.As != "" {
			p.s(" AS ")
			p.ident(it.As)
		}
	}
}

func (p *printer) groups(list []Group) {
	for i, g := range list {
		if i > 0 {
			p.s(", ")
		}
		if g.X != nil {
			p.expr(g.X)
			continue
		}
		if g.Kind != "SET" {
			p.s(g.Kind, " ")
		}
		p.s("(")
		p.groups(g.Items)
		p.s(")")
	}
}

func (p *printer) tables(list []Table) {
	for i, t := range list {
		if i > 0 {
			p.s(", ")
		}
		p.table(t)
	}
}

func (p *printer) alias(a Alias) {
	if a.Name == "" {
		return
	}
	p.s(" AS ")
	p.ident(a.Name)
	if len(a.Columns) > 0 {
		p.idents(a.Columns)
	}
}

func (p *printer) table(t Table) {
	switch t := t.(type) {
	case *Name:
		p.path(t.Parts)
		p.alias(t.Alias)
	case *TableCall:
		p.call(t.Call)
		p.alias(t.Alias)
	case *Derived:
		if t.Lateral {
			p.s("LATERAL ")
		}
		p.nested(t.Query)
		p.alias(t.Alias)
	case *Join:
		p.join(t)
	case *Unpivoted:
		p.table(t.Source)
		p.s(" UNPIVOT ")
		if t.IncludeNulls {
			p.s("INCLUDE NULLS ")
		}
		p.s("(")
		p.ident(t.Value)
		p.s(" FOR ")
		p.ident(t.Name)
		p.s(" IN (")
		p.items(t.In)
		p.s("))")
		p.alias(t.Alias)
	}
}

func (p *printer) join(j *Join) {
	p.table(j.Left)
	p.s(" ")
	if j.Natural {
		p.s("NATURAL ")
	}
	p.s(j.Kind, " JOIN ")
	if _, nested := j.Right.(*Join); nested {
		p.s("(")
		p.table(j.Right)
		p.s(")")
	} else {
		p.table(j.Right)
	}
	if j.On != nil {
		p.s(" ON ")
		p.expr(j.On)
	}
	if len(j.Using) > 0 {
		p.s(" USING ")
		p.idents(j.Using)
	}
}
