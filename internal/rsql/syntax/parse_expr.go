package syntax

import (
	"slices"
	"strconv"

	"stepwell/internal/sqlerr"
)

// Binding powers, loosest first: PostgreSQL's operator precedence.
const (
	bpOr = iota + 1
	bpAnd
	bpNot
	bpIs
	bpCompare
	bpMatch // LIKE, BETWEEN, IN, OVERLAPS
	bpOther // || ~ & | << and what else is an operator
	bpAdd
	bpMul
	bpPower
	bpZone
	bpCollate
	bpSign
	bpPostfix
)

// infix gives the power of binary operators that are plain tokens.
var infix = map[string]int{
	"=": bpCompare, "<": bpCompare, ">": bpCompare, "<=": bpCompare, ">=": bpCompare, "<>": bpCompare, "!=": bpCompare,
	"||": bpOther, "~": bpOther, "~*": bpOther, "!~": bpOther, "!~*": bpOther, "~~": bpOther, "~~*": bpOther,
	"!~~": bpOther, "!~~*": bpOther, "&": bpOther, "|": bpOther, "#": bpOther, "<<": bpOther, ">>": bpOther,
	"+": bpAdd, "-": bpAdd, "*": bpMul, "/": bpMul, "%": bpMul, "^": bpPower,
}

func (p *parser) expr() Expr { return p.exprAt(bpOr) }

func (p *parser) exprs() []Expr { return list(p, p.expr) }

// exprAt parses an expression whose operators bind at least as tightly as power.
func (p *parser) exprAt(power int) Expr {
	p.enter()
	start := p.start()
	left := p.prefix(power)
	for {
		next := p.infix(left, start, power)
		if next == nil {
			p.depth--
			return left
		}
		left = next
	}
}

// prefix parses prefix operators and what they apply to.
func (p *parser) prefix(power int) Expr {
	start := p.start()
	t := p.peek()
	switch {
	case t.kind == tWord && t.text == "not" && power <= bpNot:
		p.at++
		return &Unary{Op: "not", X: p.exprAt(bpNot), Pos: p.since(start)}
	case t.kind == tWord && t.text == "prior" && p.isNameAt(1):
		p.at++
		x := p.exprAt(bpSign)
		return &Unary{Op: "prior", X: x, Pos: p.since(start)}
	case t.kind == tOp && (t.text == "-" || t.text == "+"):
		p.at++
		x := p.exprAt(bpSign)
		return &Unary{Op: t.text, X: x, Pos: p.since(start)}
	case t.kind == tOp && slices.Contains([]string{"~", "@", "|/", "||/"}, t.text):
		p.at++
		x := p.exprAt(bpAdd)
		return &Unary{Op: t.text, X: x, Pos: p.since(start)}
	}
	return p.postfix(p.primary())
}

// infix extends left by one operator, or returns nil.
func (p *parser) infix(left Expr, start, power int) Expr {
	t := p.peek()
	if t.kind == tOp {
		bp, ok := infix[t.text]
		if !ok || bp < power {
			return nil
		}
		p.at++
		return p.binary(left, t, bp, start)
	}
	if t.kind != tWord {
		return nil
	}
	switch t.text {
	case "and", "or":
		bp := bpAnd
		if t.text == "or" {
			bp = bpOr
		}
		if bp < power {
			return nil
		}
		p.at++
		return p.binary(left, t, bp, start)
	case "is", "isnull", "notnull":
		if bpIs < power {
			return nil
		}
		p.at++
		return p.isTest(left, t.text, start)
	case "not", "like", "ilike", "similar", "between", "in", "overlaps":
		if bpMatch < power {
			return nil
		}
		return p.match(left, start)
	case "at":
		if bpZone < power || !p.isWordAt(1, "time") || !p.isWordAt(2, "zone") {
			return nil
		}
		p.at += 3
		zone := p.exprAt(bpZone + 1)
		return &AtTimeZone{X: left, Zone: zone, Pos: p.since(start)}
	case "operator":
		if bpOther < power || p.ahead(1).text != "(" {
			return nil
		}
		p.at++
		return p.binary(left, p.qualifiedOperator(), bpOther, start)
	case "collate":
		if bpCollate < power || !p.isNameAt(1) {
			return nil
		}
		p.at++
		id := p.ident()
		if p.op(".") {
			id = p.label()
		}
		return &Collate{X: left, Collation: id, Pos: p.since(start)}
	}
	return nil
}

// qualifiedOperator parses (schema.op) after OPERATOR, which psql writes; all
// operators are in pg_catalog.
func (p *parser) qualifiedOperator() token {
	p.needOp("(")
	for p.isNameAt(0) {
		p.ident()
		p.needOp(".")
	}
	op := p.peek()
	if _, known := infix[op.text]; op.kind != tOp || !known {
		p.fail()
	}
	p.at++
	p.needOp(")")
	return op
}

// binary parses the right side of an operator already read. Comparisons do not
// chain; the rest is left-associative.
func (p *parser) binary(left Expr, op token, bp, start int) Expr {
	if bp == bpCompare || bp == bpOther {
		if q := p.quantified(left, op, start); q != nil {
			return q
		}
	}
	right := p.exprAt(bp + 1)
	text := op.text
	if text == "!=" {
		text = "<>"
	}
	return &Binary{Op: text, L: left, R: right, OpAt: span(op.start, op.end), Pos: p.since(start)}
}

// quantified parses ANY, SOME or ALL after an operator.
func (p *parser) quantified(left Expr, op token, start int) Expr {
	if !p.isWord("any", "some", "all") || p.ahead(1).text != "(" {
		return nil
	}
	q := &Quantified{X: left, Op: op.text, All: p.next().text == "all"}
	p.needOp("(")
	if p.isQuery() {
		q.Query = p.query()
	} else {
		q.Array = p.expr()
	}
	p.needOp(")")
	q.Pos = p.since(start)
	return q
}

func (p *parser) isTest(left Expr, word string, start int) Expr {
	if word != "is" {
		return &IsTest{X: left, Not: word == "notnull", What: "null", Pos: p.since(start)}
	}
	not := p.word("not")
	if p.word("distinct") {
		p.needWord("from")
		op := "is distinct from"
		if not {
			op = "is not distinct from"
		}
		right := p.exprAt(bpIs + 1)
		return &Binary{Op: op, L: left, R: right, Pos: p.since(start)}
	}
	what := p.oneOf("null", "true", "false", "unknown")
	if what == "" {
		p.fail()
	}
	return &IsTest{X: left, Not: not, What: what, Pos: p.since(start)}
}

// match parses the operators that are words and take NOT. It returns nil, having
// read nothing, if the word NOT belongs to something else (DEFAULT 0 NOT NULL).
func (p *parser) match(left Expr, start int) Expr {
	if p.isWord("not") && !p.isWordAt(1, "like", "ilike", "similar", "between", "in") {
		return nil
	}
	not := p.word("not")
	switch t := p.next(); t.text {
	case "like", "ilike":
		return p.like(left, t.text, not, start)
	case "similar":
		p.needWord("to")
		return p.like(left, "similar to", not, start)
	case "between":
		p.word("symmetric")
		lo := p.exprAt(bpOther)
		p.needWord("and")
		hi := p.exprAt(bpOther)
		return &Between{X: left, Lo: lo, Hi: hi, Not: not, Pos: p.since(start)}
	case "overlaps":
		right := p.exprAt(bpOther)
		return &Binary{Op: "overlaps", L: left, R: right, OpAt: span(t.start, t.end), Pos: p.since(start)}
	default: // in
		in := &In{X: left, Not: not}
		p.needOp("(")
		if p.isQuery() {
			in.Query = p.query()
		} else {
			in.List = p.exprs()
		}
		p.needOp(")")
		in.Pos = p.since(start)
		return in
	}
}

func (p *parser) like(left Expr, kind string, not bool, start int) Expr {
	l := &Like{X: left, Kind: kind, Not: not, Pattern: p.exprAt(bpOther)}
	if p.word("escape") {
		l.Escape = p.exprAt(bpOther)
	}
	l.Pos = p.since(start)
	return l
}

// postfix parses casts, subscripts and attributes.
func (p *parser) postfix(x Expr) Expr {
	start := x.Range().Start
	for {
		switch {
		case p.op("::"):
			t := p.typeName()
			x = &Cast{X: x, Type: t, Style: CastColons, Pos: p.since(start)}
		case p.isOp("["):
			p.at++
			i := p.expr()
			p.needOp("]")
			x = &Index{X: x, Index: i, Pos: p.since(start)}
		case p.isOp(".") && (p.ahead(1).kind == tWord || p.ahead(1).kind == tQuoted):
			p.at++
			id := p.label()
			x = &Field{X: x, Name: id, Pos: p.since(start)}
		default:
			return x
		}
	}
}

// primary parses an operand.
func (p *parser) primary() Expr {
	t := p.peek()
	switch t.kind {
	case tNumber:
		p.at++
		return &Number{Text: t.text, Pos: span(t.start, t.end)}
	case tString:
		p.at++
		return &String{Value: t.text, Pos: span(t.start, t.end)}
	case tParam:
		p.at++
		n, err := strconv.Atoi(t.text)
		if err != nil || n < 1 || n > 65535 {
			p.refuse(t.start, sqlerr.SyntaxError, "there is no parameter $%s", t.text)
		}
		p.params = max(p.params, n)
		return &Param{Index: n, Pos: span(t.start, t.end)}
	case tNamed:
		p.at++
		if len(p.named) == 0 {
			p.namedAt = charPosition(p.src, t.start)
		}
		return &Param{Index: p.namedParam(t.text), Pos: span(t.start, t.end)}
	case tQuoted:
		return p.nameOrCall()
	case tWord:
		return p.wordExpr(t)
	case tOp:
		switch t.text {
		case "(":
			return p.paren()
		case "*":
			p.at++
			return &Star{Pos: span(t.start, t.end)}
		}
	}
	p.fail()
	return nil
}

func (p *parser) namedParam(name string) int {
	i := slices.Index(p.named, name)
	if i < 0 {
		i = len(p.named)
		p.named = append(p.named, name)
		p.params = len(p.named)
	}
	return i + 1
}

// isQuery says whether a query (perhaps in parentheses of its own) comes next,
// up to a closing parenthesis.
func (p *parser) isQuery() bool { return p.queryAt(p.at) }

func (p *parser) queryAt(i int) bool {
	for {
		t := p.toks[i]
		switch {
		case t.kind == tWord:
			return t.text == "select" || t.text == "with" || t.text == "values" && p.toks[i+1].text == "("
		case t.kind != tOp || t.text != "(":
			return false
		}
		after := p.toks[p.parens[i]+1]
		if after.kind == tOp && after.text != ")" {
			return false
		}
		if after.kind == tWord && !queryTail[after.text] {
			return false
		}
		i++
	}
}

// queryTail are the words that go on after a query in parentheses.
var queryTail = wordSet("union intersect except minus order limit offset")

// matchParens gives, for every opening parenthesis, the index of its partner
// (the last token if it has none).
func matchParens(toks []token) []int32 {
	match := make([]int32, len(toks))
	var open []int32
	for i, t := range toks {
		switch {
		case t.kind != tOp:
		case t.text == "(":
			match[i] = int32(len(toks) - 2)
			open = append(open, int32(i))
		case t.text == ")" && len(open) > 0:
			match[open[len(open)-1]] = int32(i)
			open = open[:len(open)-1]
		}
	}
	return match
}

// paren parses what starts with "(": a query, a row, or an expression.
func (p *parser) paren() Expr {
	start := p.start()
	p.needOp("(")
	if p.isQuery() {
		q := p.query()
		p.needOp(")")
		return &Subquery{Query: q, Pos: p.since(start)}
	}
	if p.op(")") {
		return &Row{Pos: p.since(start)}
	}
	items := p.exprs()
	p.needOp(")")
	if len(items) == 1 {
		return items[0]
	}
	return &Row{Items: items, Pos: p.since(start)}
}

// caseExpr parses CASE.
func (p *parser) caseExpr() Expr {
	start := p.start()
	p.needWord("case")
	c := &Case{}
	if !p.isWord("when") {
		c.Operand = p.expr()
	}
	for p.isWord("when") {
		at := p.start()
		p.at++
		w := When{Cond: p.expr()}
		p.needWord("then")
		w.Result = p.expr()
		w.Pos = p.since(at)
		c.Whens = append(c.Whens, w)
	}
	if len(c.Whens) == 0 {
		p.fail()
	}
	if p.word("else") {
		c.Else = p.expr()
	}
	p.needWord("end")
	c.Pos = p.since(start)
	return c
}
