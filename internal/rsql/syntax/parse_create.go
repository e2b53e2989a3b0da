package syntax

import "strconv"

// create parses what starts with CREATE.
func (p *parser) create() Statement {
	start := p.start()
	n := 1
	replace := p.isWordAt(1, "or") && p.isWordAt(2, "replace")
	if replace {
		n = 3
	}
	t := p.ahead(n)
	switch t.text {
	case "table", "temp", "temporary", "local":
		p.at += n
		return p.createTable(start)
	case "view", "materialized":
		p.at += n
		return p.createView(start, replace)
	case "schema":
		p.at += n + 1
		return p.createSchema(start)
	case "external":
		switch u := p.ahead(n + 1); u.text {
		case "schema":
			p.at += n + 2
			return p.createExternalSchema(start)
		case "table":
			p.at += n + 2
			return p.createExternalTable(start)
		case "function", "model", "view", "protected":
			return p.unsupported()
		}
	case "procedure", "function":
		p.at += n
		return p.createRoutine(start, replace)
	case "user", "group", "role":
		p.at += n
		return p.createPrincipal(start)
	case "database":
		p.at += n + 1
		d := &CreateDatabase{Name: p.ident()}
		d.Options = p.adminOptions(databaseOptions)
		d.Pos = p.since(start)
		return d
	case "rls", "masking":
		p.at += n
		return p.policy(start, false)
	case "model", "datashare", "library", "identity", "template":
		return p.unsupported()
	}
	p.at += n
	p.fail()
	return nil
}

func (p *parser) createTable(start int) Statement {
	c := &CreateTable{}
	p.word("local")
	c.Temp = p.oneOf("temp", "temporary") != ""
	p.needWord("table")
	c.IfNotExists = p.ifNotExists()
	c.Name = p.name()
	c.Temp = c.Temp || isTempName(c.Name)
	if p.isOp("(") && !p.queryAt(p.at+1) {
		p.tableElements(c)
	}
	p.tableAttrs(&c.Attrs)
	p.onCommit()
	if p.word("as") {
		for _, d := range c.Columns {
			c.ColumnNames = append(c.ColumnNames, d.Name)
		}
		c.Columns = nil
		c.As = p.query()
		p.tableAttrs(&c.Attrs)
	} else if c.Columns == nil && c.Likes == nil {
		p.fail()
	}
	c.Pos = p.since(start)
	return c
}

// onCommit reads ON COMMIT PRESERVE ROWS, as Tableau writes it: what temporary
// tables do anyway.
func (p *parser) onCommit() {
	if p.word("on", "commit") && !p.word("preserve", "rows") {
		p.fail()
	}
}

// tableElements parses the parenthesised part of CREATE TABLE. A name alone is
// a column of CREATE TABLE AS.
func (p *parser) tableElements(c *CreateTable) {
	p.needOp("(")
	list(p, func() struct{} {
		start := p.start()
		switch {
		case p.word("like"):
			l := TableLike{Table: p.name()}
			switch {
			case p.word("including", "defaults"):
				l.IncludingDefaults = true
			case p.word("excluding", "defaults"):
			}
			l.Pos = p.since(start)
			c.Likes = append(c.Likes, l)
		case p.isWord("constraint", "unique", "primary", "foreign", "check"):
			c.Constraints = append(c.Constraints, p.tableConstraint())
		case p.isNameAt(0) && (p.ahead(1).text == "," || p.ahead(1).text == ")"):
			id := p.ident()
			c.Columns = append(c.Columns, ColumnDef{Name: id, Pos: id.Pos})
		default:
			c.Columns = append(c.Columns, p.columnDef())
		}
		return struct{}{}
	})
	p.needOp(")")
}

func (p *parser) tableConstraint() TableConstraint {
	start := p.start()
	var k TableConstraint
	if p.word("constraint") {
		k.Name = p.identRef()
	}
	switch {
	case p.word("unique"):
		k.Kind, k.Columns = "unique", p.idents()
	case p.word("primary", "key"):
		k.Kind, k.Columns = "primary key", p.idents()
	case p.word("foreign", "key"):
		k.Kind, k.Columns = "foreign key", p.idents()
		p.needWord("references")
		k.References = p.references()
	case p.word("check"):
		k.Kind = "check"
		p.needOp("(")
		k.Check = p.expr()
		p.needOp(")")
	default:
		p.fail()
	}
	k.Pos = p.since(start)
	return k
}

func (p *parser) references() *References {
	start := p.start()
	r := &References{Table: p.name()}
	if p.isOp("(") {
		r.Columns = p.idents()
	}
	r.Pos = p.since(start)
	return r
}

// columnDef parses name type attributes.
func (p *parser) columnDef() ColumnDef {
	start := p.start()
	d := ColumnDef{Name: p.ident()}
	d.Type = p.typeName()
	for p.columnAttr(&d) {
	}
	d.Pos = p.since(start)
	return d
}

func (p *parser) columnAttr(d *ColumnDef) bool {
	start := p.start()
	switch {
	case p.word("default"):
		d.Default = p.exprAt(bpOther)
	case p.word("identity"):
		d.Identity = p.identity(start, false)
	case p.word("generated", "by", "default", "as", "identity"):
		d.Identity = p.identity(start, true)
	case p.word("encode"):
		d.Encode = p.label().Name
	case p.word("distkey"):
		d.DistKey = true
	case p.word("sortkey"):
		d.SortKey = true
	case p.word("not", "null"):
		d.NotNull = true
	case p.word("null"):
		d.Null = true
	case p.word("unique"):
		d.Unique = true
	case p.word("primary", "key"):
		d.PrimaryKey = true
	case p.word("references"):
		d.References = p.references()
	case p.word("collate"):
		d.Collate = p.label().Name
	case p.word("constraint"):
		p.ident()
	default:
		return false
	}
	return true
}

func (p *parser) identity(start int, byDefault bool) *Identity {
	id := &Identity{ByDefault: byDefault, Seed: 1, Step: 1}
	if p.op("(") {
		id.Seed = p.integer()
		p.needOp(",")
		id.Step = p.integer()
		p.needOp(")")
	}
	id.Pos = p.since(start)
	return id
}

// integer reads a whole number with an optional sign.
func (p *parser) integer() int64 {
	sign := ""
	if p.op("-") {
		sign = "-"
	} else {
		p.op("+")
	}
	at := p.at
	n, err := strconv.ParseInt(sign+p.number(), 10, 64)
	if err != nil {
		p.failAt(at)
	}
	return n
}

// tableAttrs parses the attributes after the columns, in any order.
func (p *parser) tableAttrs(a *TableAttrs) {
	for {
		start := p.start()
		switch {
		case p.word("diststyle"):
			if a.DistStyle = p.oneOf("auto", "even", "key", "all"); a.DistStyle == "" {
				p.fail()
			}
		case p.word("distkey"):
			p.needOp("(")
			id := p.keyColumn()
			a.DistKey = &id
			p.needOp(")")
		case p.isWord("compound", "interleaved"):
			style := p.next().text
			p.needWord("sortkey")
			cols := p.idents()
			a.SortKey = &SortKey{Style: style, Columns: cols, Pos: p.since(start)}
		case p.word("sortkey"):
			a.SortKey = p.sortKey(start)
		case p.word("encode"):
			a.Encode = p.label().Name
		case p.word("backup"):
			a.Backup = p.label().Name
		default:
			return
		}
	}
}

func (p *parser) sortKey(start int) *SortKey {
	k := &SortKey{Style: p.oneOf("auto", "none")}
	switch {
	case k.Style != "":
	case p.op("("):
		k.Columns = list(p, p.keyColumn)
		p.needOp(")")
	default:
		k.Columns = []Ident{p.ident()}
	}
	k.Pos = p.since(start)
	return k
}

// keyColumn reads a column's name or, in CREATE TABLE AS, its number.
func (p *parser) keyColumn() Ident {
	if t := p.peek(); t.kind == tNumber {
		p.at++
		return Ident{span(t.start, t.end), t.text, false}
	}
	return p.label()
}

func (p *parser) createView(start int, replace bool) Statement {
	v := &CreateView{OrReplace: replace, Materialized: p.word("materialized")}
	p.needWord("view")
	v.IfNotExists = p.ifNotExists()
	v.Name = p.name()
	if p.isOp("(") {
		v.Columns = p.idents()
	}
	if v.Materialized {
		p.viewAttrs(v)
	}
	p.needWord("as")
	at := p.start()
	v.Query = p.query()
	v.Source = p.src[at:p.prevEnd()]
	v.NoSchemaBinding = p.word("with", "no", "schema", "binding")
	v.Pos = p.since(start)
	return v
}

func (p *parser) viewAttrs(v *CreateView) {
	for {
		p.tableAttrs(&v.Attrs)
		switch {
		case p.word("auto", "refresh"):
			v.AutoRefresh = p.yesNo()
		case p.word("backup"):
			v.Backup = p.label().Name
		default:
			if v.Attrs.Backup != "" {
				v.Backup = v.Attrs.Backup
			}
			return
		}
	}
}

func (p *parser) yesNo() *bool {
	w := p.oneOf("yes", "no")
	if w == "" {
		p.fail()
	}
	return new(w == "yes")
}

func (p *parser) createSchema(start int) Statement {
	s := &CreateSchema{IfNotExists: p.ifNotExists()}
	if p.word("authorization") {
		s.Name = p.label()
		s.Authorization = &s.Name
	} else {
		s.Name = p.ident()
		if p.word("authorization") {
			id := p.label()
			s.Authorization = &id
		}
	}
	if p.word("quota") {
		s.Quota = p.quota()
	}
	s.Pos = p.since(start)
	return s
}

// quota reads n MB|GB|TB or UNLIMITED.
func (p *parser) quota() string {
	if p.word("unlimited") {
		return "unlimited"
	}
	n := p.number()
	if u := p.oneOf("mb", "gb", "tb"); u != "" {
		n += " " + upper(u)
	}
	return n
}
