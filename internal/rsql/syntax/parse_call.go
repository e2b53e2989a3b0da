package syntax

import "strings"

// wordExpr parses an operand that starts with an unquoted word.
func (p *parser) wordExpr(t token) Expr {
	p1 := p.ahead(1)
	call := p1.kind == tOp && p1.text == "("
	switch t.text {
	case "null":
		p.at++
		return &Null{Pos: span(t.start, t.end)}
	case "true", "false":
		p.at++
		return &Bool{Value: t.text == "true", Pos: span(t.start, t.end)}
	case "default":
		p.at++
		return &Default{Pos: span(t.start, t.end)}
	case "case":
		return p.caseExpr()
	case "exists":
		if call {
			p.at += 2
			q := p.query()
			p.needOp(")")
			return &Exists{Query: q, Pos: p.since(t.start)}
		}
	case "interval":
		if p1.kind == tString {
			return p.interval()
		}
	case "array":
		if p1.kind == tOp && p1.text == "[" {
			return p.array()
		}
	case "approximate":
		if p1.kind == tWord && p.ahead(2).text == "(" {
			p.at++
			c := p.nameOrCall().(*Call)
			c.Approximate = true
			c.Pos = p.since(t.start)
			return c
		}
	}
	if call {
		if e := p.special(t); e != nil {
			return e
		}
		if reserved[t.text] && !callable[t.text] && !bareFuncs[t.text] {
			p.fail()
		}
		return p.nameOrCall()
	}
	if bareFuncs[t.text] && !(p1.kind == tOp && p1.text == ".") {
		p.at++
		n := Name{span(t.start, t.end), []Ident{ident(t)}}
		return &Call{Name: n, Bare: true, Pos: n.Pos}
	}
	if typeWords[t.text] {
		if e := p.typedString(); e != nil {
			return e
		}
	}
	return p.nameOrCall()
}

// special parses the functions whose arguments have a syntax of their own, at
// their name with "(" behind it; nil if t is not one.
func (p *parser) special(t token) Expr {
	switch t.text {
	case "cast", "try_cast":
		p.at += 2
		c := &Cast{X: p.expr(), Style: CastFunc}
		if t.text == "try_cast" {
			c.Style = CastTry
		}
		p.needWord("as")
		c.Type = p.typeName()
		p.needOp(")")
		c.Pos = p.since(t.start)
		return c
	case "convert":
		if !p.isTypeAt(2) {
			return nil
		}
		p.at += 2
		c := &Cast{Type: p.typeName(), Style: CastConvert}
		p.needOp(",")
		c.X = p.expr()
		p.needOp(")")
		c.Pos = p.since(t.start)
		return c
	case "extract":
		return p.extract(t)
	case "trim":
		return p.trim(t)
	case "substring":
		return p.substring(t)
	case "object_transform":
		return p.objectTransform(t)
	case "position":
		p.at += 2
		x := p.exprAt(bpOther)
		if p.op(",") {
			y := p.expr()
			p.needOp(")")
			return p.plainCall(t, x, y)
		}
		p.needWord("in")
		y := p.expr()
		p.needOp(")")
		return &Position{Part: x, Whole: y, Pos: p.since(t.start)}
	case "row":
		p.at += 2
		items := p.exprs()
		p.needOp(")")
		return &Row{Items: items, Pos: p.since(t.start)}
	}
	return nil
}

// plainCall builds the call of a function that was written with a syntax of its own.
func (p *parser) plainCall(t token, args ...Expr) Expr {
	return &Call{Name: Name{span(t.start, t.end), []Ident{ident(t)}}, Args: args, Pos: p.since(t.start)}
}

func (p *parser) extract(t token) Expr {
	p.at += 2
	f := p.next()
	if f.kind != tWord && f.kind != tString && f.kind != tQuoted {
		p.failAt(p.at - 1)
	}
	e := &Extract{Field: strings.ToLower(f.text)}
	p.needWord("from")
	e.X = p.expr()
	p.needOp(")")
	e.Pos = p.since(t.start)
	return e
}

func (p *parser) trim(t token) Expr {
	p.at += 2
	tr := &Trim{Side: p.oneOf("both", "leading", "trailing")}
	if !p.word("from") {
		tr.X = p.expr()
		if p.op(",") {
			y := p.expr()
			p.needOp(")")
			return p.plainCall(t, tr.X, y)
		}
		if p.word("from") {
			tr.Chars = tr.X
			tr.X = p.expr()
		}
	} else {
		tr.X = p.expr()
	}
	p.needOp(")")
	tr.Pos = p.since(t.start)
	return tr
}

// substring parses SUBSTRING(x FROM a [FOR b]) and the plain form, both as a call.
func (p *parser) substring(t token) Expr {
	p.at += 2
	args := []Expr{p.expr()}
	if p.word("from") {
		args = append(args, p.expr())
		if p.word("for") {
			args = append(args, p.expr())
		}
	} else {
		for p.op(",") {
			args = append(args, p.expr())
		}
	}
	p.needOp(")")
	return p.plainCall(t, args...)
}

// objectTransform parses OBJECT_TRANSFORM(x [KEEP path, ...] [SET path, value, ...]).
func (p *parser) objectTransform(t token) Expr {
	p.at += 2
	args, paths := []Expr{p.expr()}, &ObjectPaths{}
	if p.word("keep") {
		paths.Keep = list(p, p.str)
	}
	if p.word("set") {
		list(p, func() struct{} {
			paths.Set = append(paths.Set, p.str())
			p.needOp(",")
			args = append(args, p.expr())
			return struct{}{}
		})
	}
	p.needOp(")")
	c := p.plainCall(t, args...).(*Call)
	c.Transform = paths
	return c
}

func (p *parser) interval() Expr {
	start := p.start()
	p.needWord("interval")
	iv := &Interval{Value: p.str()}
	iv.Fields = p.intervalFields()
	iv.Pos = p.since(start)
	return iv
}

var intervalUnits = wordSet("year years month months day days hour hours minute minutes second seconds week weeks")

func (p *parser) intervalFields() string {
	if t := p.peek(); t.kind != tWord || !intervalUnits[t.text] {
		return ""
	}
	fields := p.next().text
	if p.isOp("(") {
		fields += p.precision(fields)
	}
	if p.word("to") {
		last := p.label().Name
		fields += " to " + last
		if p.isOp("(") {
			fields += p.precision(last)
		}
	}
	return fields
}

// precision reads the digits of SECOND(n); other fields have none that count.
func (p *parser) precision(field string) string {
	p.needOp("(")
	digits := p.number()
	p.needOp(")")
	if field != "second" {
		return ""
	}
	return "(" + digits + ")"
}

func (p *parser) array() Expr {
	start := p.start()
	p.at += 2
	a := &Array{}
	if !p.isOp("]") {
		a.Items = p.exprs()
	}
	p.needOp("]")
	a.Pos = p.since(start)
	return a
}

// typedString parses DATE '...'; nil, with nothing read, if no string follows.
func (p *parser) typedString() Expr {
	start, at := p.start(), p.at
	n := 1
	if p.isWordAt(n, "with", "without") && p.isWordAt(n+1, "time") && p.isWordAt(n+2, "zone") {
		n += 3
	}
	if p.isWordAt(n, "precision", "varying") {
		n++
	}
	if p.ahead(n).kind != tString {
		if p.ahead(n).text != "(" || p.ahead(n+2).text != ")" || p.ahead(n+3).kind != tString {
			return nil
		}
	}
	t := p.typeName()
	if p.peek().kind != tString {
		p.at = at
		return nil
	}
	v := p.str()
	return &TypedString{Type: t, Value: v, Pos: p.since(start)}
}

// nameOrCall parses a dotted name, with its arguments if "(" follows.
func (p *parser) nameOrCall() Expr {
	start := p.start()
	t := p.next()
	if t.kind != tWord && t.kind != tQuoted {
		p.at--
		p.fail()
	}
	parts := []Ident{ident(t)}
	for p.isOp(".") {
		if s := p.ahead(1); s.kind == tOp && s.text == "*" {
			p.at += 2
			return &Star{Qualifier: parts, Pos: p.since(start)}
		}
		p.at++
		parts = append(parts, p.label())
	}
	if p.isOp("(") {
		if p.ahead(1).text == "+" && p.ahead(2).text == ")" {
			ref := &ColumnRef{Parts: parts, Pos: p.since(start)}
			p.at += 3
			return &OuterMark{Column: ref, Pos: p.since(start)}
		}
		return p.call(Name{p.since(start), parts}, start)
	}
	if t.kind == tWord && reserved[t.text] && len(parts) == 1 {
		p.at--
		p.fail()
	}
	return &ColumnRef{Parts: parts, Pos: p.since(start)}
}

// call parses the arguments and everything that may follow them.
func (p *parser) call(name Name, start int) *Call {
	c := &Call{Name: name}
	p.needOp("(")
	if p.isOp("*") && p.ahead(1).text == ")" {
		p.at++
		c.Star = true
	} else if !p.isOp(")") {
		switch p.oneOf("distinct", "all") {
		case "distinct":
			c.Distinct = true
		case "all":
			c.All = true
		}
		if p.isQuery() {
			at := p.start()
			q := p.query().bare()
			c.Args = []Expr{&Subquery{Query: q, Pos: p.since(at)}}
			for p.op(",") {
				c.Args = append(c.Args, p.expr())
			}
		} else {
			c.Args = p.exprs()
		}
		p.nullTreatment(c)
		if p.word("order", "by") {
			c.OrderBy = p.orderItems()
		}
	}
	p.needOp(")")
	p.afterCall(c)
	c.Pos = p.since(start)
	return c
}

func (p *parser) afterCall(c *Call) {
	if p.word("within", "group") {
		p.needOp("(")
		p.needWord("order", "by")
		c.WithinGroup = p.orderItems()
		p.needOp(")")
	}
	if p.isWord("filter") && p.ahead(1).text == "(" {
		p.at += 2
		p.needWord("where")
		c.Filter = p.expr()
		p.needOp(")")
	}
	p.nullTreatment(c)
	if p.word("over") {
		c.Over = p.over()
	}
}

func (p *parser) nullTreatment(c *Call) {
	switch {
	case p.word("ignore", "nulls"):
		c.Nulls = NullsIgnore
	case p.word("respect", "nulls"):
		c.Nulls = NullsRespect
	}
}

// over parses what follows OVER.
func (p *parser) over() *Window {
	start := p.start()
	if !p.isOp("(") {
		id := p.ident()
		return &Window{Ref: &id, Pos: p.since(start)}
	}
	return p.window()
}

// window parses a parenthesised window specification.
func (p *parser) window() *Window {
	start := p.start()
	w := &Window{}
	p.needOp("(")
	if p.isNameAt(0) && !p.isWord("partition", "rows", "range", "groups") {
		w.Base = p.identRef()
	}
	if p.word("partition", "by") {
		w.Partition = p.exprs()
	}
	if p.word("order", "by") {
		w.OrderBy = p.orderItems()
	}
	if p.isWord("rows", "range", "groups") {
		w.Frame = p.frame()
	}
	p.needOp(")")
	w.Pos = p.since(start)
	return w
}

func (p *parser) frame() *Frame {
	start := p.start()
	f := &Frame{Unit: p.next().text}
	if p.word("between") {
		f.Start = p.bound()
		p.needWord("and")
		end := p.bound()
		f.End = &end
	} else {
		f.Start = p.bound()
	}
	if p.word("exclude") {
		switch {
		case p.word("current", "row"):
			f.Exclude = "current row"
		case p.word("no", "others"):
			f.Exclude = "no others"
		default:
			if f.Exclude = p.oneOf("group", "ties"); f.Exclude == "" {
				p.fail()
			}
		}
	}
	f.Pos = p.since(start)
	return f
}

func (p *parser) bound() Bound {
	start := p.start()
	var b Bound
	switch {
	case p.word("unbounded"):
		b.Kind = "unbounded " + p.direction()
	case p.word("current", "row"):
		b.Kind = "current row"
	default:
		b.Offset = p.exprAt(bpOther)
		b.Kind = p.direction()
	}
	b.Pos = p.since(start)
	return b
}

func (p *parser) direction() string {
	d := p.oneOf("preceding", "following")
	if d == "" {
		p.fail()
	}
	return d
}
