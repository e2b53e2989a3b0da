package syntax

// Policy is CREATE or (Alter) ALTER of a row-level security policy or, with
// Masking, of a dynamic data masking policy.
type Policy struct {
	Pos
	Masking     bool
	Alter       bool
	IfNotExists bool
	Name        Name
	// Columns are those of WITH, under whose names the expressions speak.
	Columns []PolicyColumn
	// Alias is the name a row-level security policy gives the relation.
	Alias *Ident
	// Using is the predicate, or the masking expressions.
	Using []Expr
}

// PolicyColumn is one column of a policy's WITH clause.
type PolicyColumn struct {
	Pos
	Name Ident
	Type TypeName
}

// AttachPolicy is ATTACH or (Detach) DETACH of a policy.
type AttachPolicy struct {
	Pos
	Masking bool
	Detach  bool
	Policy  Name
	Tables  []Name
	// Columns are those a masking policy gives new values, Using those it reads;
	// without Using they are the same.
	Columns  []Ident
	Using    []Ident
	To       []Grantee
	Priority string // the number as written, empty for none
}

func (*Policy) statement()       {}
func (*AttachPolicy) statement() {}

// policy parses what follows CREATE or ALTER: RLS POLICY or MASKING POLICY.
func (p *parser) policy(start int, alter bool) Statement {
	s := &Policy{Alter: alter, Masking: p.oneOf("rls", "masking") == "masking"}
	p.needWord("policy")
	s.IfNotExists = p.ifNotExists()
	s.Name = p.name()
	s.IfNotExists = p.ifNotExists() || s.IfNotExists
	if !alter && (s.Masking || p.isWord("with")) {
		p.needWord("with")
		p.needOp("(")
		s.Columns = list(p, func() PolicyColumn {
			at := p.start()
			c := PolicyColumn{Name: p.label()}
			c.Type = p.typeName()
			c.Pos = p.since(at)
			return c
		})
		p.needOp(")")
		if !s.Masking && (p.word("as") || !p.isWord("using")) {
			s.Alias = new(p.label())
		}
	}
	p.needWord("using")
	p.needOp("(")
	s.Using = p.exprs()
	p.needOp(")")
	if !s.Masking && len(s.Using) > 1 {
		p.fail()
	}
	s.Pos = p.since(start)
	return s
}

// attach parses ATTACH and DETACH of a policy.
func (p *parser) attach() Statement {
	start := p.start()
	if !p.isWordAt(1, "rls", "masking") {
		return p.unsupported()
	}
	s := &AttachPolicy{Detach: p.next().text == "detach", Masking: p.next().text == "masking"}
	p.needWord("policy")
	s.Policy = p.name()
	p.needWord("on")
	p.word("table")
	s.Tables = []Name{p.name()}
	if s.Masking {
		if p.policyPath() {
			return p.unsupportedTail(start, "MASKING POLICY on a path of a SUPER column")
		}
		s.Columns = p.idents()
		if p.word("using") {
			if p.policyPath() {
				return p.unsupportedTail(start, "MASKING POLICY on a path of a SUPER column")
			}
			s.Using = p.idents()
		}
	} else {
		for p.op(",") {
			s.Tables = append(s.Tables, p.name())
		}
	}
	if s.Detach {
		p.needWord("from")
	} else {
		p.needWord("to")
	}
	if s.To = []Grantee{p.grantee()}; !s.Masking {
		for p.op(",") {
			s.To = append(s.To, p.grantee())
		}
	}
	if s.Masking && !s.Detach && p.word("priority") {
		s.Priority = p.number()
	}
	s.Pos = p.since(start)
	return s
}

// policyPath says whether the column list that follows has a path into a SUPER
// value in it.
func (p *parser) policyPath() bool {
	for n := 0; ; n++ {
		switch t := p.ahead(n); {
		case t.kind == tEOF, t.text == ")":
			return false
		case t.text == ".", t.text == "[":
			return true
		}
	}
}
