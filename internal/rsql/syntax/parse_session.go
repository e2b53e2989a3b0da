package syntax

import (
	"strings"
)

func (p *parser) begin() Statement {
	start := p.start()
	b := &Begin{}
	if p.word("start") {
		p.needWord("transaction")
		b.Start = true
	} else {
		p.needWord("begin")
		p.oneOf("work", "transaction")
	}
	for p.transactionMode(b) {
		p.op(",")
	}
	b.Pos = p.since(start)
	return b
}

func (p *parser) transactionMode(b *Begin) bool {
	switch {
	case p.word("isolation", "level"):
		b.Isolation = p.isolation()
	case p.word("read", "only"):
		b.ReadOnly = true
	case p.word("read", "write"):
		b.ReadWrite = true
	default:
		return false
	}
	return true
}

func (p *parser) isolation() string {
	for _, level := range [][]string{{"serializable"}, {"snapshot"}, {"repeatable", "read"}, {"read", "committed"}, {"read", "uncommitted"}} {
		if p.word(level...) {
			return strings.Join(level, " ")
		}
	}
	p.fail()
	return ""
}

func (p *parser) set() Statement {
	start := p.start()
	p.needWord("set")
	s := &Set{}
	switch {
	case p.word("session", "authorization"), p.word("local", "session", "authorization"):
		s.Name = "session_authorization"
		p.setValue(s)
	case p.word("session", "characteristics", "as", "transaction"), p.word("transaction"):
		s.Name = "transaction_isolation"
		var b Begin
		for p.transactionMode(&b) {
			p.op(",")
		}
		s.Values = []string{b.Isolation}
	default:
		if !(p.isWord("session") && p.ahead(1).kind == tWord) || !p.word("session") {
			s.Local = p.isWord("local") && p.ahead(1).kind == tWord && p.word("local")
		}
		if p.word("time", "zone") {
			s.Name = "timezone"
			p.setValue(s)
			break
		}
		s.Name = p.settingName()
		if !p.word("to") {
			p.needOp("=")
		}
		p.setValue(s)
		for p.op(",") {
			p.setValue(s)
		}
	}
	s.Pos = p.since(start)
	return s
}

// settingName reads a parameter's name; user-defined ones are dotted.
func (p *parser) settingName() string {
	name := p.label().Name
	for p.op(".") {
		name += "." + p.label().Name
	}
	return name
}

// setValue reads one value: a string, a number, or bare words.
func (p *parser) setValue(s *Set) {
	switch t := p.peek(); {
	case p.isOp("-") && p.ahead(1).kind == tNumber:
		p.at++
		s.Values = append(s.Values, "-"+p.number())
	case t.kind == tNumber, t.kind == tString, t.kind == tQuoted:
		p.at++
		v := t.text
		if u := p.peek(); t.kind == tNumber && u.kind == tWord && u.start == t.end {
			v += p.next().text
		}
		s.Values = append(s.Values, v)
	case p.word("default"):
		s.Default = true
	case t.kind == tWord:
		v := p.next().text
		for p.isOp(".") || p.isOp("-") || p.isOp("/") {
			v += p.next().text + p.label().Name
		}
		s.Values = append(s.Values, v)
	case p.isOp("$") || t.kind == tOp && t.text == "@":
		p.fail()
	default:
		p.fail()
	}
}

func (p *parser) reset(start int) *Reset {
	r := &Reset{}
	switch {
	case p.word("session", "authorization"):
		r.Name = "session_authorization"
	case p.word("time", "zone"):
		r.Name = "timezone"
	default:
		r.Name = p.settingName()
	}
	r.Pos = p.since(start)
	return r
}

func (p *parser) analyze() Statement {
	start := p.start()
	p.at++
	a := &Analyze{Compression: p.word("compression"), Verbose: p.word("verbose")}
	if p.isNameAt(0) && !p.isWord("predicate", "comprows") {
		n := p.name()
		a.Table = &n
		if p.isOp("(") {
			a.Columns = p.idents()
		}
	}
	if p.isWord("predicate", "all") {
		o := Option{Name: upper(p.next().text) + " COLUMNS"}
		p.needWord("columns")
		a.Options = append(a.Options, o)
	}
	a.Options = append(a.Options, p.adminOptions(vacuumOptions)...)
	a.Pos = p.since(start)
	return a
}

func (p *parser) vacuum() Statement {
	start := p.start()
	p.at++
	v := &Vacuum{}
	switch {
	case p.word("sort", "only"):
		v.Mode = "sort only"
	case p.word("delete", "only"):
		v.Mode = "delete only"
	case p.isWord("full", "reindex", "recluster"):
		v.Mode = p.next().text
	}
	if p.isNameAt(0) && !p.isWord("boost") {
		n := p.name()
		v.Table = &n
	}
	if p.word("to") {
		o := Option{Name: "TO PERCENT", Value: p.number()}
		p.word("percent")
		v.Options = append(v.Options, o)
	}
	v.Options = append(v.Options, p.adminOptions(vacuumOptions)...)
	v.Pos = p.since(start)
	return v
}

func (p *parser) callStatement() Statement {
	start := p.start()
	p.needWord("call")
	c := &CallStatement{Name: p.name()}
	p.needOp("(")
	if !p.isOp(")") {
		c.Args = p.exprs()
	}
	p.needOp(")")
	c.Pos = p.since(start)
	return c
}

func (p *parser) cursor(t token) Statement {
	start := t.start
	p.at++
	switch t.text {
	case "declare":
		d := &Declare{Name: p.ident()}
		p.needWord("cursor")
		p.oneOf("with", "without")
		p.word("hold")
		p.needWord("for")
		d.Query = p.query()
		d.Pos = p.since(start)
		return d
	case "close":
		id := p.label()
		return &CloseCursor{Name: id, Pos: p.since(start)}
	}
	f := &Fetch{Direction: "next"}
	switch {
	case p.word("next"):
	case p.word("all"):
		f.Direction = "all"
	case p.word("forward"):
		f.Direction = "forward"
		if p.word("all") {
			f.Direction = "all"
		} else if p.peek().kind == tNumber {
			f.Count = p.integer()
		}
	case p.peek().kind == tNumber:
		f.Direction = "forward"
		f.Count = p.integer()
	}
	if !p.word("from") {
		p.word("in")
	}
	f.Cursor = p.ident()
	f.Pos = p.since(start)
	return f
}

func (p *parser) prepared(t token) Statement {
	start := t.start
	p.at++
	switch t.text {
	case "prepare":
		s := &Prepare{Name: p.ident()}
		if p.isOp("(") {
			p.at++
			s.Types = list(p, p.typeName)
			p.needOp(")")
		}
		p.needWord("as")
		at, params := p.start(), p.params
		s.Statement = p.statement()
		p.params = params // they are EXECUTE's
		s.Text = p.src[at:p.prevEnd()]
		s.Pos = p.since(start)
		return s
	case "execute":
		s := &Execute{Name: p.ident()}
		if p.op("(") {
			s.Args = p.exprs()
			p.needOp(")")
		}
		s.Pos = p.since(start)
		return s
	}
	d := &Deallocate{}
	if p.isWord("prepare") && p.ahead(1).kind != tEOF && p.ahead(1).text != ";" {
		p.at++
	}
	if p.word("all") {
		d.All = true
	} else {
		d.Name = p.ident()
	}
	d.Pos = p.since(start)
	return d
}
