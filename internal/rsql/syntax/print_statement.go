package syntax

// statement prints queries and DML from the tree. Other statements have no
// printer of their own yet: they print as their kind, in a comment.
func (p *printer) statement(s Statement) {
	switch s := s.(type) {
	case *Query:
		p.query(s)
	case *Insert:
		p.insert(s)
	case *Update:
		p.with(s.With)
		p.s("update ")
		p.dmlTarget(s.Table, s.Alias)
		p.assignments(s.Set)
		if s.From != nil {
			p.s(" from ")
			each(p, s.From, p.table)
		}
		p.clause(" where ", s.Where)
	case *Delete:
		p.with(s.With)
		p.s("delete from ")
		p.dmlTarget(s.Table, s.Alias)
		if s.Using != nil {
			p.s(" using ")
			each(p, s.Using, p.table)
		}
		p.clause(" where ", s.Where)
	case *Merge:
		p.merge(s)
	case *Truncate:
		p.s("truncate ")
		p.name(s.Table)
	case *Explain:
		p.s("explain ", map[bool]string{true: "verbose ", false: ""}[s.Verbose])
		p.statement(s.Statement)
	case *Declare:
		p.s("declare ")
		p.ident(s.Name)
		p.s(" cursor for ")
		p.query(s.Query)
	case *CallStatement:
		p.s("call ")
		p.name(s.Name)
		p.s("(")
		p.exprs(s.Args)
		p.s(")")
	case *Begin:
		p.s("begin")
	case *Commit:
		p.s("commit")
	case *Rollback:
		p.s("rollback")
	default:
		p.define(s)
	}
}

func (p *printer) insert(s *Insert) {
	p.with(s.With)
	p.s("insert into ")
	p.name(s.Table)
	if s.Columns != nil {
		p.s(" ")
		p.idents(s.Columns)
	}
	if s.DefaultValues {
		p.s(" default values")
		return
	}
	p.s(" ")
	p.query(s.Query)
}

func (p *printer) dmlTarget(n Name, alias *Ident) {
	p.name(n)
	if alias != nil {
		p.s(" as ")
		p.ident(*alias)
	}
}

func (p *printer) assignments(list []Assignment) {
	p.s(" set ")
	each(p, list, func(a Assignment) {
		p.ident(a.Column)
		p.s(" = ")
		p.expr(a.Value)
	})
}

func (p *printer) merge(s *Merge) {
	p.s("merge into ")
	p.dmlTarget(s.Target, s.TargetAlias)
	p.s(" using ")
	p.table(s.Source)
	p.s(" on ")
	p.expr(s.On)
	if s.RemoveDuplicates {
		p.s(" remove duplicates")
	}
	for _, w := range s.Whens {
		p.s(" when", not(!w.Matched), " matched")
		p.clause(" and ", w.And)
		p.s(" then ", w.Action)
		switch w.Action {
		case "update":
			p.assignments(w.Set)
		case "insert":
			if w.Columns != nil {
				p.s(" ")
				p.idents(w.Columns)
			}
			p.s(" values (")
			p.exprs(w.Values)
			p.s(")")
		}
	}
}
