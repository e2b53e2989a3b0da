package syntax

// adminOptions parses options of one word each, with WITH in front allowed.
func (p *parser) adminOptions(specs map[string]optionSpec) []Option {
	var opts []Option
	for {
		start := p.start()
		p.word("with")
		t := p.peek()
		var o Option
		switch {
		case p.word("connection", "limit"):
			o = Option{Name: "CONNECTION LIMIT"}
			p.optionValue(&o)
		case p.word("session", "timeout"):
			o = Option{Name: "SESSION TIMEOUT"}
			p.optionValue(&o)
		case p.word("reset", "session", "timeout"):
			o = Option{Name: "RESET SESSION TIMEOUT"}
		case p.word("syslog", "access"):
			o = Option{Name: "SYSLOG ACCESS", Value: upper(p.label().Name)}
		case p.word("valid", "until"):
			o = Option{Name: "VALID UNTIL"}
			p.optionValue(&o)
		case p.word("in", "group"):
			o = Option{Name: "IN GROUP"}
			for _, id := range list(p, p.ident) {
				o.List = append(o.List, id.Name)
			}
		case p.word("isolation", "level"):
			o = Option{Name: "ISOLATION LEVEL", Value: upper(p.isolation())}
		case p.word("from"):
			o = Option{Name: "FROM", Value: p.restOf(start)}
		case t.kind == tWord && specs[t.text].name != "":
			p.at++
			if !p.op("=") {
				p.word("to")
			}
			o = p.option(specs[t.text])
		default:
			return opts
		}
		o.Pos = p.since(start)
		opts = append(opts, o)
	}
}

// principal reads a role or user name, which may hold a colon (ns:role).
func (p *parser) principal() Ident {
	start := p.start()
	id := p.label()
	switch {
	case p.peek().kind == tNamed:
		id.Name += ":" + p.next().text
	case p.isOp(":"):
		p.at++
		id.Name += ":" + p.label().Name
	}
	id.Pos = p.since(start)
	return id
}

func (p *parser) createPrincipal(start int) Statement {
	c := &CreatePrincipal{Kind: p.next().text, Name: p.principal()}
	for {
		n := p.at
		if c.Kind == "group" && (p.word("with", "user") || p.word("user")) {
			c.Members = list(p, p.principal)
		}
		c.Options = append(c.Options, p.adminOptions(userOptions)...)
		if p.at == n {
			break
		}
	}
	c.Pos = p.since(start)
	return c
}

func (p *parser) alterPrincipal(start int) Statement {
	a := &AlterPrincipal{Kind: p.next().text, Name: p.principal()}
	for {
		at := p.start()
		switch {
		case p.word("rename", "to"):
			id := p.principal()
			a.RenameTo = &id
			continue
		case p.word("owner", "to"):
			id := p.principal()
			a.OwnerTo = &id
			continue
		case p.word("add", "user"):
			a.Add = list(p, p.principal)
			continue
		case p.word("drop", "user"):
			a.Drop = list(p, p.principal)
			continue
		case p.isWord("set"):
			a.Set = p.set().(*Set)
			continue
		case p.isWord("reset") && !p.isWordAt(1, "session"):
			p.at++
			a.Reset = p.reset(at)
			continue
		}
		n := p.at
		a.Options = append(a.Options, p.adminOptions(userOptions)...)
		if p.at == n {
			break
		}
	}
	a.Pos = p.since(start)
	return a
}

func (p *parser) defaultPrivileges(start int) Statement {
	p.needWord("default", "privileges")
	d := &DefaultPrivileges{}
	for {
		switch {
		case p.word("for", "user"):
			d.Users = list(p, p.principal)
			continue
		case p.word("in", "schema"):
			d.Schemas = list(p, p.ident)
			continue
		}
		break
	}
	if !p.isWord("grant", "revoke") {
		p.fail()
	}
	d.Grant, _ = p.grant().(*Grant)
	if d.Grant == nil {
		p.failAt(p.at - 1)
	}
	d.Pos = p.since(start)
	return d
}

// grant parses GRANT and REVOKE.
func (p *parser) grant() Statement {
	start := p.start()
	g := &Grant{Revoke: p.next().text == "revoke"}
	if g.Revoke {
		g.GrantOption = p.word("grant", "option", "for")
		g.AdminOption = p.word("admin", "option", "for")
	}
	if p.isWord("role") {
		p.at++
		g.Roles = list(p, func() Ident { p.word("role"); return p.principal() })
	} else {
		g.Privileges = list(p, p.privilege)
		if p.isWord("for") {
			return p.unsupportedTail(start, "scoped permissions (GRANT and REVOKE ... FOR objects IN)")
		}
	}
	if p.word("on") {
		if p.grantObject(g); g.On == "datashare" || g.On == "rls policy" || g.On == "model" || g.On == "masking policy" || g.On == "template" {
			return p.unsupportedTail(start, map[bool]string{false: "GRANT ON ", true: "REVOKE ON "}[g.Revoke]+upper(g.On))
		}
	}
	if g.Revoke {
		p.needWord("from")
	} else {
		p.needWord("to")
	}
	if p.isWord("account", "namespace") {
		return p.unsupportedTail(start, "GRANT TO ACCOUNT")
	}
	g.To = list(p, p.grantee)
	p.grantTail(g)
	g.Pos = p.since(start)
	return g
}

func (p *parser) grantTail(g *Grant) {
	for {
		switch {
		case p.word("for"):
			g.For = list(p, func() string {
				w := p.label().Name
				if w == "external" || w == "create" {
					w += " " + p.label().Name
				}
				return w
			})
		case p.word("with", "grant", "option"):
			g.GrantOption = true
		case p.word("with", "admin", "option"):
			g.AdminOption = true
		case p.isWord("cascade", "restrict"):
			g.Cascade = p.cascade()
		default:
			return
		}
	}
}

// privilege reads words up to a comma, ON, TO or FROM: SELECT (a, b), ALL
// PRIVILEGES, ACCESS SYSTEM TABLE.
func (p *parser) privilege() Privilege {
	start := p.start()
	var v Privilege
	if p.peek().kind == tQuoted || p.ahead(1).kind == tNamed {
		v.Name = p.principal().Name
		v.Pos = p.since(start)
		return v
	}
	for p.peek().kind == tWord && !p.isWord("on", "to", "from", "for") {
		if v.Name != "" {
			v.Name += " "
		}
		v.Name += p.next().text
	}
	if v.Name == "" {
		p.fail()
	}
	if p.isOp("(") {
		v.Columns = p.idents()
	}
	if v.Name == "assumerole" && p.peek().kind == tString {
		v.Columns = append(v.Columns, Ident{Name: p.str()})
	}
	v.Pos = p.since(start)
	return v
}

var grantKinds = [][]string{
	{"all", "tables", "in", "schema"}, {"all", "functions", "in", "schema"}, {"all", "procedures", "in", "schema"},
	{"all", "routines", "in", "schema"},
	{"external", "table"}, {"external", "schema"}, {"rls", "policy"}, {"masking", "policy"},
	{"table"}, {"tables"}, {"schema"}, {"database"}, {"functions"}, {"function"}, {"procedures"}, {"procedure"}, {"routines"},
	{"language"}, {"datashare"}, {"model"}, {"copy", "job"}, {"template"},
}

// grantObject parses what a privilege is on.
func (p *parser) grantObject(g *Grant) {
	g.On = "table"
	for _, kind := range grantKinds {
		if p.word(kind...) {
			g.On = kind[0]
			for _, w := range kind[1:] {
				g.On += " " + w
			}
			break
		}
	}
	if p.peek().kind == tString || p.isWord("default", "all") { // GRANT ASSUMEROLE ON 'arn'
		g.On = "role arn"
		list(p, func() struct{} {
			t := p.next()
			g.Objects = append(g.Objects, Name{span(t.start, t.end), []Ident{{span(t.start, t.end), t.text, true}}})
			return struct{}{}
		})
		return
	}
	if p.isWord("to", "from") { // ALTER DEFAULT PRIVILEGES: ON TABLES TO
		return
	}
	list(p, func() struct{} {
		g.Objects = append(g.Objects, p.name())
		sig, _ := p.signature()
		g.Signature = append(g.Signature, sig)
		return struct{}{}
	})
	if p.isWord("in") { // external table ... in schema
		p.skip()
	}
}

func (p *parser) grantee() Grantee {
	start := p.start()
	g := Grantee{Kind: "user"}
	switch {
	case p.word("rls", "policy"):
		g.Kind, g.Name = "rls policy", p.label()
	case p.isWord("public"):
		g.Kind, g.Name = "public", p.label()
	case p.isWord("group", "role", "user") && (p.ahead(1).kind == tWord || p.ahead(1).kind == tQuoted):
		g.Kind = p.next().text
		g.Name = p.principal()
	case p.peek().kind == tString, p.isWord("iam_role") && p.ahead(1).kind == tString:
		p.word("iam_role")
		t := p.next()
		g.Kind, g.Name = "iam", Ident{span(t.start, t.end), t.text, true}
	default:
		g.Name = p.principal()
	}
	g.Pos = p.since(start)
	return g
}
