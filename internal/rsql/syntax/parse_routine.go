package syntax

// createRoutine parses CREATE PROCEDURE and CREATE FUNCTION from that word on.
func (p *parser) createRoutine(start int, replace bool) Statement {
	r := &CreateRoutine{OrReplace: replace, Kind: p.next().text}
	r.Name = p.name()
	r.Args = p.routineArgs()
	for p.routineClause(r) {
	}
	r.Pos = p.since(start)
	return r
}

// routineArgs parses ([mode] [name] type, ...).
func (p *parser) routineArgs() []RoutineArg {
	p.needOp("(")
	if p.op(")") {
		return nil
	}
	args := list(p, func() RoutineArg {
		start := p.start()
		var a RoutineArg
		a.Mode = p.oneOf("in", "out", "inout")
		if p.isArgName() {
			id := p.label()
			a.Name = &id
			if m := p.oneOf("in", "out", "inout"); m != "" {
				a.Mode = m
			}
		}
		a.Type = p.typeName()
		a.Pos = p.since(start)
		return a
	})
	p.needOp(")")
	return args
}

// isArgName says whether the next word names an argument: its type follows.
func (p *parser) isArgName() bool {
	t, u := p.peek(), p.ahead(1)
	if t.kind == tQuoted {
		return true
	}
	if t.kind != tWord || u.kind != tWord && u.kind != tQuoted {
		return false
	}
	switch t.text {
	case "double", "character", "national", "binary", "timestamp", "time", "char", "interval":
		return u.text != "precision" && u.text != "varying" && u.text != "with" && u.text != "without" && !intervalUnits[u.text] &&
			u.text != "character"
	}
	return true
}

func (p *parser) routineClause(r *CreateRoutine) bool {
	start := p.start()
	switch {
	case p.word("returns"):
		t := p.typeName()
		r.Returns = &t
	case p.word("nonatomic"):
		r.NonAtomic = true
	case p.isWord("volatile", "stable", "immutable"):
		r.Volatility = p.next().text
	case p.word("language"):
		r.Language = fold(p.textOrName())
	case p.word("as"):
		t := p.peek()
		r.Body = p.str()
		r.BodyAt = span(t.body, t.body+len(t.text))
	case p.word("security"):
		if r.Security = p.oneOf("definer", "invoker"); r.Security == "" {
			p.fail()
		}
	case p.isWord("set"):
		s := p.set().(*Set)
		r.Options = append(r.Options, Option{Pos: p.since(start), Name: "SET", Value: s.Name, List: s.Values})
	default:
		return false
	}
	return true
}
