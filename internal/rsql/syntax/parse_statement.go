package syntax

import "stepwell/internal/sqlerr"

// statementParsers maps a statement's first word to its parser. The span is set
// by statement.
func (p *parser) statement() Statement {
	p.enter()
	defer func() { p.depth-- }()
	start := p.start()
	if p.isOp("(") {
		return p.query()
	}
	t := p.peek()
	if t.kind != tWord {
		p.fail()
	}
	switch t.text {
	case "select", "values":
		return p.query()
	case "with":
		return p.withStatement()
	case "insert":
		return p.insert(nil, start)
	case "update":
		return p.update(nil, start)
	case "delete":
		return p.delete(nil, start)
	case "merge":
		return p.merge()
	case "truncate":
		p.at++
		p.word("table")
		n := p.name()
		return &Truncate{Table: n, Pos: p.since(start)}
	case "create":
		return p.create()
	case "alter":
		return p.alter()
	case "drop":
		return p.drop()
	case "copy":
		return p.copy()
	case "unload":
		return p.unload()
	case "refresh":
		p.at++
		p.needWord("materialized", "view")
		n := p.name()
		return &RefreshView{Name: n, Cascade: p.cascade(), Pos: p.since(start)}
	case "comment":
		return p.comment()
	case "grant", "revoke":
		return p.grant()
	}
	return p.sessionStatement(t)
}

// sessionStatement parses transaction control, settings, cursors and the like.
func (p *parser) sessionStatement(t token) Statement {
	start := t.start
	switch t.text {
	case "begin", "start":
		return p.begin()
	case "commit", "end":
		p.at++
		p.oneOf("work", "transaction")
		return &Commit{p.since(start)}
	case "rollback", "abort":
		p.at++
		p.oneOf("work", "transaction")
		if p.isWord("to") {
			p.refuse(start, sqlerr.FeatureNotSupported, "SQL command \"%s\" not supported.", p.restOf(start))
		}
		return &Rollback{p.since(start)}
	case "savepoint", "release":
		p.refuse(start, sqlerr.FeatureNotSupported, "SQL command \"%s\" not supported.", p.restOf(start))
	case "set":
		return p.set()
	case "reset":
		p.at++
		return p.reset(start)
	case "show":
		return p.show()
	case "analyze", "analyse":
		return p.analyze()
	case "vacuum":
		return p.vacuum()
	case "lock":
		p.at++
		p.word("table")
		l := &Lock{Tables: p.names()}
		if p.word("in") { // PostgreSQL's lock modes; Redshift has one
			for p.peek().kind == tWord {
				p.at++
			}
		}
		l.Pos = p.since(start)
		return l
	case "explain":
		p.at++
		e := &Explain{Verbose: p.word("verbose")}
		e.Statement = p.statement()
		e.Pos = p.since(start)
		return e
	case "use":
		p.at++
		id := p.ident()
		return &Use{Database: id, Pos: p.since(start)}
	case "call":
		return p.callStatement()
	case "declare", "fetch", "close":
		return p.cursor(t)
	case "prepare", "execute", "deallocate":
		return p.prepared(t)
	case "cancel":
		p.at++
		c := &Cancel{PID: p.number()}
		if p.peek().kind == tString {
			c.Message = p.str()
		}
		c.Pos = p.since(start)
		return c
	case "attach", "detach":
		return p.attach()
	case "desc", "describe", "import", "export":
		return p.unsupported()
	}
	p.fail()
	return nil
}

// restOf is the text of the statement from start, which is then passed.
func (p *parser) restOf(start int) string {
	p.skip()
	return p.src[start:p.prevEnd()]
}

// unsupported passes a recognised statement; its feature is its leading words.
func (p *parser) unsupported() Statement {
	start := p.start()
	feature := ""
	for n := 0; n < 3 && p.ahead(n).kind == tWord; n++ {
		w := p.ahead(n).text
		if n > 0 && !featureWords[w] {
			if w == "or" || w == "replace" {
				continue
			}
			break
		}
		if n > 0 {
			feature += " "
		}
		feature += upper(w)
	}
	p.skip()
	return &Unsupported{Feature: feature, Pos: p.since(start)}
}

// featureWords are the object kinds that name an unsupported statement.
var featureWords = wordSet(`
	model datashare library rls masking policy identity provider external function
	system view catalog namespace job template protected schema
`)

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// withStatement parses WITH in front of a query or a DML statement.
func (p *parser) withStatement() Statement {
	start := p.start()
	w := p.with()
	switch {
	case p.isWord("insert"):
		return p.insert(w, start)
	case p.isWord("update"):
		return p.update(w, start)
	case p.isWord("delete"):
		return p.delete(w, start)
	}
	q := &Query{With: w, Body: p.setOps(0)}
	p.queryTail(q)
	q.Pos = p.since(start)
	return q
}

func (p *parser) insert(with *With, start int) Statement {
	p.needWord("insert")
	p.needWord("into")
	in := &Insert{With: with, Table: p.name()}
	if p.isOp("(") && !p.queryAt(p.at+1) {
		in.Columns = p.idents()
	}
	if p.word("default", "values") {
		in.DefaultValues = true
	} else {
		in.Query = p.query()
	}
	in.Pos = p.since(start)
	return in
}

func (p *parser) assignments() []Assignment {
	return list(p, func() Assignment {
		start := p.start()
		a := Assignment{Column: p.label()}
		for p.op(".") { // t.col = ...: the qualifier is dropped
			a.Column = p.label()
		}
		p.needOp("=")
		a.Value = p.expr()
		a.Pos = p.since(start)
		return a
	})
}

// bareAlias parses [AS] name of a DML target.
func (p *parser) bareAlias() *Ident {
	if p.word("as") {
		id := p.label()
		return &id
	}
	if p.isNameAt(0) && !p.isWord("set") {
		return p.identRef()
	}
	return nil
}

func (p *parser) update(with *With, start int) Statement {
	p.needWord("update")
	u := &Update{With: with, Table: p.name()}
	u.Alias = p.bareAlias()
	p.needWord("set")
	u.Set = p.assignments()
	if p.word("from") {
		u.From = list(p, p.tableExpr)
	}
	if p.word("where") {
		u.Where = p.whereExpr()
	}
	u.Pos = p.since(start)
	return u
}

func (p *parser) delete(with *With, start int) Statement {
	p.needWord("delete")
	p.word("from")
	d := &Delete{With: with, Table: p.name()}
	d.Alias = p.bareAlias()
	if p.word("using") {
		d.Using = list(p, p.tableExpr)
	}
	if p.word("where") {
		d.Where = p.whereExpr()
	}
	d.Pos = p.since(start)
	return d
}

func (p *parser) merge() Statement {
	start := p.start()
	p.needWord("merge")
	p.needWord("into")
	m := &Merge{Target: p.name()}
	m.TargetAlias = p.bareAlias()
	p.needWord("using")
	m.Source = p.tablePrimary()
	p.needWord("on")
	m.On = p.expr()
	if p.word("remove", "duplicates") {
		m.RemoveDuplicates = true
		m.Pos = p.since(start)
		return m
	}
	for p.isWord("when") {
		m.Whens = append(m.Whens, p.mergeWhen())
	}
	if len(m.Whens) == 0 {
		p.fail()
	}
	m.Pos = p.since(start)
	return m
}

func (p *parser) mergeWhen() MergeWhen {
	start := p.start()
	p.needWord("when")
	w := MergeWhen{Matched: !p.word("not")}
	p.needWord("matched")
	if p.word("and") {
		w.And = p.expr()
	}
	p.needWord("then")
	switch {
	case p.word("update"):
		p.needWord("set")
		w.Action, w.Set = "update", p.assignments()
	case p.word("delete"):
		w.Action = "delete"
	default:
		p.needWord("insert")
		w.Action = "insert"
		if p.isOp("(") {
			w.Columns = p.idents()
		}
		p.needWord("values")
		p.needOp("(")
		w.Values = p.exprs()
		p.needOp(")")
	}
	w.Pos = p.since(start)
	return w
}
