package syntax

import (
	"strconv"
	"strings"
)

// showKinds are the objects SHOW describes.
var showKinds = [][]string{
	{"external", "table"}, {"column", "grants"}, {"table"}, {"view"}, {"procedure"}, {"model"}, {"datashares"}, {"databases"},
	{"schemas"}, {"tables"}, {"columns"}, {"grants"}, {"procedures"}, {"functions"}, {"constraints"}, {"parameters"}, {"templates"}, {"template"},
}

// showAlone are the kinds that need no object; other words alone are parameters.
var showAlone = wordSet("databases datashares model schemas")

func (p *parser) show() Statement {
	start := p.start()
	p.needWord("show")
	s := &Show{}
	for _, kind := range showKinds {
		if !p.word(kind...) {
			continue
		}
		if k := p.peek(); (k.kind == tEOF || k.text == ";") && !showAlone[kind[0]] {
			p.at -= len(kind)
			break
		}
		s.Kind = strings.Join(kind, " ")
		p.showObject(s)
		s.Pos = p.since(start)
		return s
	}
	switch {
	case p.word("time", "zone"):
		s.Name = "timezone"
	case p.word("transaction", "isolation", "level"):
		s.Name = "transaction_isolation"
	case p.word("session", "authorization"):
		s.Name = "session_authorization"
	default:
		s.Name = p.settingName()
	}
	s.Pos = p.since(start)
	return s
}

func (p *parser) showObject(s *Show) {
	switch s.Kind {
	case "grants":
		p.showGrants(s)
	case "column grants":
		p.needWord("on")
		p.needWord("table")
		s.Object = p.showName()
	case "parameters":
		p.needWord("of")
		if s.Of = p.oneOf("procedure", "function"); s.Of == "" {
			p.fail()
		}
		s.Object = p.showName()
		if !p.isOp("(") {
			p.fail()
		}
		s.Args, s.HasArgs = p.showSignature()
	case "constraints":
		p.showConstraints(s)
	case "table", "view", "external table", "procedure", "template":
		s.Object = p.showName()
		s.Args, s.HasArgs = p.signature()
		s.Partitions = p.word("partition")
	case "model":
		if !p.word("all") && p.isNameAt(0) {
			s.Object = p.name()
		}
	default:
		p.showFrom(s)
	}
	if p.word("for") {
		s.For = new(p.grantee())
		if s.Kind == "grants" && p.word("from", "database") {
			s.From = p.showName()
		}
	}
	p.showFilters(s)
}

// showConstraints parses PRIMARY KEYS | FOREIGN KEYS [EXPORTED] FROM TABLE name.
func (p *parser) showConstraints(s *Show) {
	switch {
	case p.word("primary", "keys"):
		s.Of = "primary keys"
	case p.word("foreign", "keys", "exported"):
		s.Of = "foreign keys exported"
	case p.word("foreign", "keys"):
		s.Of = "foreign keys"
	default:
		p.fail()
	}
	p.needWord("from")
	p.needWord("table")
	s.Object = p.showName()
}

// showGrants parses what SHOW GRANTS is about, up to FOR.
func (p *parser) showGrants(s *Show) {
	if !p.word("on") {
		if !p.isWord("for") {
			p.fail()
		}
		return
	}
	if p.word("tables", "from", "database") {
		s.Of, s.From, s.FromDatabase = "tables", p.showName(), true
		return
	}
	s.Of = "table"
	if w := p.peek().text; p.peek().kind == tWord && p.ahead(1).kind != tEOF && p.ahead(1).text != "." {
		switch w {
		case "database", "schema", "table", "function", "procedure", "template":
			p.at++
			s.Of = w
		}
	}
	s.Object = p.showName()
	s.Args, s.HasArgs = p.signature()
}

// showFrom parses FROM [DATABASE | SCHEMA | TABLE] name.
func (p *parser) showFrom(s *Show) {
	if !p.word("from") && !p.word("in") {
		return
	}
	if p.word("data", "catalog") {
		s.Of = "data catalog"
		p.skip()
		return
	}
	s.FromDatabase = p.oneOf("schema", "database", "table") == "database"
	s.From = p.showName()
	if p.word("driver_token") {
		p.str()
	}
}

// showFilters parses LIKE, WHERE and LIMIT.
func (p *parser) showFilters(s *Show) {
	if p.word("where") {
		for {
			f := ShowFilter{Column: p.label().Name}
			p.needWord("like")
			f.Like = p.showPattern()
			s.Where = append(s.Where, f)
			if !p.word("and") {
				break
			}
		}
	}
	if p.word("like") {
		s.Like = p.showPattern()
	}
	if p.word("limit") {
		s.Limit = p.expr()
	}
}

func (p *parser) showPattern() Expr {
	if k := p.peek().kind; k != tString && k != tParam && k != tNamed {
		p.fail()
	}
	return p.primary()
}

// showName parses a dotted name whose parts may be parameters, as drivers send
// them: the name of such a part is "$" and the parameter's number.
func (p *parser) showName() Name {
	start := p.start()
	part := func(name func() Ident) Ident {
		if k := p.peek().kind; k != tParam && k != tNamed {
			return name()
		}
		e := p.primary().(*Param)
		return Ident{e.Pos, "$" + strconv.Itoa(e.Index), false}
	}
	parts := []Ident{part(p.ident)}
	for p.op(".") {
		parts = append(parts, part(p.label))
	}
	return Name{p.since(start), parts}
}

// showSignature parses the types of a routine's arguments, which may be
// parameters, too.
func (p *parser) showSignature() ([]TypeName, bool) {
	if p.ahead(1).kind != tParam {
		return p.signature()
	}
	p.needOp("(")
	args := list(p, func() TypeName {
		n := p.showName()
		return TypeName{Pos: n.Pos, Name: n.Parts[0].Name}
	})
	p.needOp(")")
	return args, true
}
