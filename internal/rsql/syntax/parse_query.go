package syntax

import "stepwell/internal/sqlerr"

// query parses a whole query, with WITH, ORDER BY and LIMIT.
func (p *parser) query() *Query {
	p.enter()
	defer func() { p.depth-- }()
	start := p.start()
	q := &Query{}
	if p.isWord("with") {
		q.With = p.with()
	}
	q.Body = p.setOps(0)
	p.queryTail(q)
	q.Pos = p.since(start)
	return q
}

// bare takes off the parentheses that stand around a whole query.
func (q *Query) bare() *Query {
	for q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Offset == nil {
		inner, ok := q.Body.(*Query)
		if !ok {
			break
		}
		q = inner
	}
	return q
}

func (p *parser) queryTail(q *Query) {
	if p.word("order", "by") {
		q.OrderBy = p.orderItems()
	}
	for {
		switch {
		case q.Limit == nil && p.word("limit"):
			if !p.word("all") {
				q.Limit = p.expr()
			}
		case q.Offset == nil && p.word("offset"):
			q.Offset = p.expr()
			p.oneOf("row", "rows")
		case q.Limit == nil && p.isWord("fetch") && p.isWordAt(1, "first", "next"):
			p.at += 2
			q.Limit = &Number{Text: "1", Pos: p.since(p.start())}
			if !p.isWord("row", "rows") {
				q.Limit = p.expr()
			}
			p.oneOf("row", "rows")
			p.needWord("only")
		case p.isWord("for") && p.isWordAt(1, "update", "share"):
			p.refuse(p.start(), sqlerr.FeatureNotSupported, "SELECT FOR UPDATE/SHARE is not supported")
		default:
			return
		}
	}
}

func (p *parser) with() *With {
	start := p.start()
	p.needWord("with")
	w := &With{Recursive: p.word("recursive")}
	w.Tables = list(p, func() CTE {
		at := p.start()
		c := CTE{Name: p.ident()}
		if p.isOp("(") {
			c.Columns = p.idents()
		}
		p.needWord("as")
		p.needOp("(")
		c.Query = p.query()
		p.needOp(")")
		c.Pos = p.since(at)
		return c
	})
	w.Pos = p.since(start)
	return w
}

// setOps parses bodies joined by set operators; INTERSECT binds tighter.
func (p *parser) setOps(power int) Body {
	start := p.start()
	left := p.bodyPrimary()
	for {
		op, bp := "", 1
		switch {
		case p.isWord("union"):
			op = "union"
		case p.isWord("except", "minus"):
			op = "except"
		case p.isWord("intersect"):
			op, bp = "intersect", 2
		}
		if op == "" || bp <= power {
			return left
		}
		p.at++
		all := p.oneOf("all", "distinct") == "all"
		right := p.setOps(bp)
		left = &SetOp{Op: op, All: all, Left: left, Right: right, Pos: p.since(start)}
	}
}

func (p *parser) bodyPrimary() Body {
	start := p.start()
	switch {
	case p.op("("):
		q := p.query()
		p.needOp(")")
		q.Pos = p.since(start)
		return q
	case p.word("values"):
		return p.values(start)
	case p.isWord("select"):
		return p.selectBlock()
	}
	p.fail()
	return nil
}

func (p *parser) values(start int) *Values {
	v := &Values{}
	v.Rows = list(p, func() []Expr {
		p.needOp("(")
		row := p.exprs()
		p.needOp(")")
		return row
	})
	v.Pos = p.since(start)
	return v
}

// selectBlock parses SELECT up to its last clause.
func (p *parser) selectBlock() *Select {
	start := p.start()
	p.needWord("select")
	s := &Select{}
	if p.isWord("top") && (p.ahead(1).kind == tNumber || p.ahead(1).kind == tParam || p.ahead(1).text == "(") {
		p.at++
		s.Top = p.primary()
	}
	switch {
	case p.word("distinct"):
		s.Distinct = true
		if p.word("on") {
			p.needOp("(")
			s.DistinctOn = p.exprs()
			p.needOp(")")
		}
	case p.word("all"):
	}
	if s.Top == nil && p.isWord("top") && (p.ahead(1).kind == tNumber || p.ahead(1).kind == tParam || p.ahead(1).text == "(") {
		p.at++
		s.Top = p.primary()
	}
	s.Items = list(p, p.selectItem)
	p.exclude(s)
	if p.word("into") {
		s.Into = p.into()
	}
	if p.word("from") {
		s.From = list(p, p.tableExpr)
	}
	p.selectTail(s)
	s.Pos = p.since(start)
	return s
}

// exclude parses the EXCLUDE list that may close a select list with a star.
func (p *parser) exclude(s *Select) {
	if !p.word("exclude") {
		return
	}
	var cols []Ident
	if p.isOp("(") {
		cols = p.idents()
	} else {
		cols = list(p, p.ident)
	}
	for _, it := range s.Items {
		if star, ok := it.Expr.(*Star); ok {
			star.Exclude = cols
		}
	}
}

func (p *parser) into() *Into {
	start := p.start()
	i := &Into{Temp: p.oneOf("temporary", "temp", "local") != ""}
	if i.Temp {
		p.oneOf("temporary", "temp")
	}
	p.word("table")
	i.Name = p.name()
	i.Temp = i.Temp || isTempName(i.Name)
	i.Pos = p.since(start)
	return i
}

// isTempName says whether a name starts with #.
func isTempName(n Name) bool {
	last := n.Last().Name
	return last != "" && last[0] == '#'
}

func (p *parser) selectTail(s *Select) {
	if p.word("where") {
		s.Where = p.whereExpr()
	}
	for {
		switch {
		case s.StartWith == nil && p.word("start", "with"):
			s.StartWith = p.expr()
			continue
		case s.ConnectBy == nil && p.word("connect", "by"):
			s.ConnectBy = p.expr()
			continue
		}
		break
	}
	if p.word("group", "by") {
		if p.isWord("all") {
			p.at++
			s.GroupAll = true
		} else {
			s.GroupBy = list(p, p.groupItem)
		}
	}
	if p.word("having") {
		s.Having = p.expr()
	}
	if p.word("qualify") {
		s.Qualify = p.expr()
	}
	if p.word("window") {
		s.Windows = list(p, func() NamedWindow {
			at := p.start()
			w := NamedWindow{Name: p.ident()}
			p.needWord("as")
			w.Window = p.window()
			w.Pos = p.since(at)
			return w
		})
	}
}

// whereExpr parses a WHERE condition, or CURRENT OF cursor.
func (p *parser) whereExpr() Expr {
	start := p.start()
	if p.isWord("current") && p.isWordAt(1, "of") {
		p.at += 2
		c := p.ident()
		return &CurrentOf{Cursor: c, Pos: p.since(start)}
	}
	return p.expr()
}

func (p *parser) selectItem() SelectItem {
	start := p.start()
	it := SelectItem{Expr: p.expr()}
	it.Alias = p.itemAlias()
	it.Pos = p.since(start)
	return it
}

// itemAlias parses [AS] name; any word is good after AS.
func (p *parser) itemAlias() *Ident {
	if p.word("as") {
		id := p.label()
		return &id
	}
	if t := p.peek(); t.kind == tQuoted || t.kind == tWord && !reserved[t.text] && !p.isClauseWord(t.text) {
		id := ident(p.next())
		return &id
	}
	return nil
}

// isClauseWord says whether an unreserved word goes on with the statement here
// rather than naming what stands before it.
func (p *parser) isClauseWord(word string) bool {
	if !notAlias[word] {
		return false
	}
	switch word {
	case "start":
		return p.isWordAt(1, "with")
	case "connect":
		return p.isWordAt(1, "by")
	case "values", "set", "at", "partition", "escape":
		after := p.ahead(1)
		return after.kind != tEOF && !(after.kind == tOp && (after.text == "," || after.text == ")" || after.text == ";")) &&
			!(after.kind == tWord && after.text == "from")
	}
	return true
}

func (p *parser) groupItem() GroupItem {
	start := p.start()
	var g GroupItem
	switch {
	case p.isWord("rollup", "cube") && p.ahead(1).text == "(":
		g.Kind = p.next().text
		g.Items = p.groupList()
	case p.word("grouping", "sets"):
		g.Kind = "grouping sets"
		g.Items = p.groupList()
	case p.isOp("(") && p.ahead(1).text == ")":
		p.at += 2
		g.Kind = "set"
	default:
		g.Expr = p.expr()
		if row, ok := g.Expr.(*Row); ok {
			g.Kind, g.Expr = "set", nil
			for _, x := range row.Items {
				g.Items = append(g.Items, GroupItem{Expr: x, Pos: Pos{x.Range()}})
			}
		}
	}
	g.Pos = p.since(start)
	return g
}

func (p *parser) groupList() []GroupItem {
	p.needOp("(")
	items := list(p, p.groupItem)
	p.needOp(")")
	return items
}

func (p *parser) orderItems() []OrderItem {
	return list(p, func() OrderItem {
		start := p.start()
		o := OrderItem{Expr: p.expr()}
		switch p.oneOf("asc", "desc") {
		case "asc":
			o.Asc = true
		case "desc":
			o.Desc = true
		}
		if p.word("nulls") {
			if o.Nulls = p.oneOf("first", "last"); o.Nulls == "" {
				p.fail()
			}
		}
		o.Pos = p.since(start)
		return o
	})
}
