package syntax

// tableExpr parses one item of FROM with its joins.
func (p *parser) tableExpr() TableExpr {
	p.enter()
	t := p.joins(p.tablePrimary())
	p.depth--
	return t
}

// joins extends left by the joins that follow.
func (p *parser) joins(left TableExpr) TableExpr {
	start := left.Range().Start
	for {
		j := &Join{Left: left, Kind: InnerJoin}
		j.Natural = p.word("natural")
		if !p.joinKind(j) {
			if j.Natural {
				p.fail()
			}
			return left
		}
		right := p.tablePrimary()
		if j.Kind == CrossJoin || j.Natural {
			j.Right = right
		} else {
			for !p.isWord("on", "using") && p.startsJoin() {
				right = p.joinOne(right)
			}
			j.Right = right
			p.joinCondition(j)
		}
		j.Pos = p.since(start)
		left = j
	}
}

// joinOne extends left by exactly one join: the inner one of a JOIN b JOIN c ON .. ON ..
func (p *parser) joinOne(left TableExpr) TableExpr {
	p.enter()
	defer func() { p.depth-- }()
	j := &Join{Left: left, Kind: InnerJoin}
	j.Natural = p.word("natural")
	if !p.joinKind(j) {
		p.fail()
	}
	j.Right = p.tablePrimary()
	if j.Kind != CrossJoin && !j.Natural {
		for !p.isWord("on", "using") && p.startsJoin() {
			j.Right = p.joinOne(j.Right)
		}
		p.joinCondition(j)
	}
	j.Pos = p.since(left.Range().Start)
	return j
}

func (p *parser) startsJoin() bool {
	return p.isWord("join", "inner", "left", "right", "full", "cross", "natural")
}

// joinKind reads the words of a join up to JOIN.
func (p *parser) joinKind(j *Join) bool {
	switch {
	case p.word("join"):
		return true
	case p.word("inner", "join"):
		return true
	case p.word("cross", "join"):
		j.Kind = CrossJoin
		return true
	case p.isWord("left", "right", "full"):
		kind := p.next().text
		p.word("outer")
		p.needWord("join")
		j.Kind = JoinKind(kind)
		return true
	}
	return false
}

func (p *parser) joinCondition(j *Join) {
	switch {
	case p.word("on"):
		j.On = p.expr()
	case p.word("using"):
		j.Using = p.idents()
	default:
		p.fail()
	}
}

// tablePrimary parses a table expression without joins.
func (p *parser) tablePrimary() TableExpr {
	start := p.start()
	var t TableExpr
	switch {
	case p.isWord("unpivot"):
		p.at++
		u := &ObjectUnpivot{Object: p.exprAt(bpOther)}
		p.needWord("as")
		u.Value = p.label()
		if p.word("at") {
			u.At = p.identRef()
		}
		u.Pos = p.since(start)
		return u
	case p.isOp("("), p.isWord("lateral") && p.ahead(1).text == "(":
		t = p.tableParen(start)
	default:
		t = p.tableNamed(start)
	}
	for p.isWord("pivot", "unpivot") {
		t = p.pivot(t, start)
	}
	return t
}

func (p *parser) tableParen(start int) TableExpr {
	lateral := p.word("lateral")
	p.needOp("(")
	if p.isQuery() {
		q := p.query()
		p.needOp(")")
		t := &TableQuery{Query: q, Lateral: lateral, Alias: p.alias()}
		t.Pos = p.since(start)
		return t
	}
	t := p.tableExpr()
	p.needOp(")")
	if a := p.alias(); a != nil {
		switch t := t.(type) {
		case *TableName:
			if t.Alias == nil {
				t.Alias = a
				return t
			}
		}
		p.failAt(p.at - 1)
	}
	return t
}

// tableNamed parses a relation, a SUPER path or a function.
func (p *parser) tableNamed(start int) TableExpr {
	p.word("only")
	if t := p.peek(); t.kind == tWord && p.ahead(1).text == "(" && !reserved[t.text] {
		return p.tableCall(start)
	}
	n := p.name()
	if p.isOp("(") {
		c := p.call(n, start)
		t := &TableCall{Call: c, Alias: p.alias()}
		if p.word("at") {
			t.At = p.identRef()
		}
		t.Pos = p.since(start)
		return t
	}
	t := &TableName{Name: n}
	for p.isOp("[") {
		p.at++
		t.Path = append(t.Path, p.expr())
		p.needOp("]")
	}
	p.op("*")
	t.Alias = p.alias()
	if p.isWord("at") && p.isNameAt(1) {
		p.at++
		t.At = p.identRef()
	}
	t.Pos = p.since(start)
	return t
}

func (p *parser) tableCall(start int) TableExpr {
	n := p.name()
	t := &TableCall{Call: p.call(n, start), Alias: p.alias()}
	if p.isWord("at") && p.isNameAt(1) {
		p.at++
		t.At = p.identRef()
	}
	t.Pos = p.since(start)
	return t
}

// alias parses [AS] name [(columns)].
func (p *parser) alias() *Alias {
	start := p.start()
	var id Ident
	switch t := p.peek(); {
	case p.word("as"):
		id = p.label()
	case t.kind == tQuoted, t.kind == tWord && !reserved[t.text] && !p.isClauseWord(t.text):
		id = ident(p.next())
	default:
		return nil
	}
	a := &Alias{Name: id}
	if p.isOp("(") {
		p.at++
		a.Columns = list(p, func() Ident {
			id := p.label()
			if p.peek().kind == tWord { // a column definition list: the type is not kept
				p.typeName()
			}
			return id
		})
		p.needOp(")")
	}
	a.Pos = p.since(start)
	return a
}

// pivot parses PIVOT or UNPIVOT over source.
func (p *parser) pivot(source TableExpr, start int) TableExpr {
	if p.word("unpivot") {
		u := &Unpivot{Source: source}
		if p.word("include", "nulls") {
			u.IncludeNulls = true
		} else {
			p.word("exclude", "nulls")
		}
		p.needOp("(")
		u.Value = p.ident()
		p.needWord("for")
		u.Name = p.ident()
		u.In = p.pivotIn()
		p.needOp(")")
		u.Alias = p.alias()
		u.Pos = p.since(start)
		return u
	}
	p.needWord("pivot")
	v := &Pivot{Source: source}
	p.needOp("(")
	v.Aggregates = list(p, p.selectItem)
	p.needWord("for")
	v.For = p.exprAt(bpOther)
	v.In = p.pivotIn()
	p.needOp(")")
	v.Alias = p.alias()
	v.Pos = p.since(start)
	return v
}

func (p *parser) pivotIn() []SelectItem {
	p.needWord("in")
	p.needOp("(")
	items := list(p, p.selectItem)
	p.needOp(")")
	return items
}
