package jsonata

import "strings"

// maxNesting bounds how deep an expression nests.
const maxNesting = 1000

// parser is a top down operator precedence parser.
type parser struct {
	lexer
	tok   token
	depth int
}

// power is how strongly an operator binds to what stands before it; 0: it does not.
func power(t token) int {
	if t.kind != tokOperator {
		return 0
	}
	switch t.text {
	case "[", "(", "@", "#":
		return 80
	case ".":
		return 75
	case "{":
		return 70
	case "*", "/", "%":
		return 60
	case "+", "-", "&":
		return 50
	case "=", "<", ">", "!=", "<=", ">=", "~>", "in", "^":
		return 40
	case "and":
		return 30
	case "or":
		return 25
	case "?":
		return 20
	case ":=":
		return 10
	}
	return 0
}

// parse reads a whole expression.
func parse(src string) (n syntaxNode, err *Error) {
	defer func() {
		if e := recover(); e != nil {
			fail, ok := e.(*Error)
			if !ok {
				panic(e)
			}
			err = fail
		}
	}()
	p := &parser{lexer: lexer{src: src}}
	p.advance("", false)
	n = p.expression(0)
	if p.tok.kind != tokEnd {
		p.fail("S0201", p.tok.end, p.tok.text)
	}
	return n, nil
}

// is tells whether the current token is an operator.
func (p *parser) is(op string) bool { return p.tok.kind == tokOperator && p.tok.text == op }

// advance goes on to the next token; the current one must be want unless that is empty.
func (p *parser) advance(want string, infix bool) {
	if want != "" && !p.is(want) {
		e := &Error{Code: "S0202", Position: units(p.src[:p.tok.end]), Token: p.tok.text, hasToken: true, value: want}
		if p.tok.kind == tokEnd {
			e.Code = "S0203"
		}
		panic(e)
	}
	p.tok = p.next(infix)
	if p.tok.kind == tokOperator && (p.tok.text == "!" || p.tok.text == "~") {
		p.fail("S0204", p.tok.end, p.tok.text)
	}
}

func (p *parser) expression(min int) syntaxNode {
	if p.depth++; p.depth > maxNesting {
		panic(&Error{Code: "U1001", detail: "The expression is nested too deeply"})
	}
	t := p.tok
	p.advance("", true)
	left := p.prefix(t)
	links := 0
	for min < power(p.tok) {
		if links++; links > 10*maxNesting {
			panic(&Error{Code: "U1001", detail: "The expression is too long"})
		}
		t = p.tok
		p.advance("", false)
		left = p.infix(t, left)
	}
	p.depth--
	return left
}

// prefix parses what begins with a token.
func (p *parser) prefix(t token) syntaxNode {
	switch t.kind {
	case tokEnd:
		return &endSyntax{t.span}
	case tokName:
		return &nameSyntax{span: t.span, name: t.text}
	case tokVariable:
		return &varSyntax{span: t.span, name: t.text}
	case tokString:
		return &litSyntax{span: t.span, val: t.text}
	case tokNumber:
		return &litSyntax{span: t.span, val: t.num}
	case tokValue:
		var v any
		if t.text != "null" {
			v = t.text == "true"
		}
		return &litSyntax{span: t.span, val: v}
	case tokRegex:
		return &regexSyntax{span: t.span, source: t.text, flags: t.flags}
	}
	switch t.text {
	case "and", "or", "in":
		return &nameSyntax{span: t.span, name: t.text}
	case "-":
		return &negateSyntax{span: t.span, of: p.expression(70)}
	case "*", "**", "%":
		return &signSyntax{span: t.span, op: t.text}
	case "(":
		return p.block(t)
	case "[":
		return p.array(t)
	case "{":
		return p.object(t, nil)
	case "|":
		return p.transform(t)
	}
	p.fail("S0211", t.end, t.text)
	return nil
}

func (p *parser) block(t token) syntaxNode {
	n := &blockSyntax{span: t.span}
	for !p.is(")") {
		n.items = append(n.items, p.expression(0))
		if !p.is(";") {
			break
		}
		p.advance(";", false)
	}
	p.advance(")", true)
	return n
}

func (p *parser) array(t token) syntaxNode {
	n := &arraySyntax{span: t.span}
	for !p.is("]") {
		item := p.expression(0)
		if p.is("..") {
			r := &binarySyntax{span: p.tok.span, op: "..", lhs: item}
			p.advance("..", false)
			r.rhs = p.expression(0)
			item = r
		}
		n.items = append(n.items, item)
		if !p.is(",") {
			break
		}
		p.advance(",", false)
		if p.is("]") { // a value must follow
			p.expression(0)
		}
	}
	p.advance("]", true)
	return n
}

func (p *parser) object(t token, of syntaxNode) syntaxNode {
	n := &objectSyntax{span: t.span, of: of}
	for !p.is("}") || len(n.pairs) > 0 {
		key := p.expression(0)
		p.advance(":", false)
		n.pairs = append(n.pairs, [2]syntaxNode{key, p.expression(0)})
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance("}", true)
	return n
}

func (p *parser) transform(t token) syntaxNode {
	n := &transformSyntax{span: t.span, pattern: p.expression(0)}
	p.advance("|", false)
	n.update = p.expression(0)
	if p.is(",") {
		p.advance(",", false)
		n.remove = p.expression(0)
	}
	p.advance("|", false)
	return n
}

// infix parses what goes on behind left with an operator.
func (p *parser) infix(t token, left syntaxNode) syntaxNode {
	switch t.text {
	case "(":
		return p.call(t, left)
	case "[":
		if p.is("]") {
			keep(left)
			p.advance("]", false)
			return left
		}
		n := &binarySyntax{span: t.span, op: "[", lhs: left, rhs: p.expression(0)}
		p.advance("]", true)
		return n
	case "{":
		return p.object(t, left)
	case "^":
		return p.order(t, left)
	case "?":
		n := &condSyntax{span: t.span, test: left, yes: p.expression(0)}
		if p.is(":") {
			p.advance(":", false)
			n.no = p.expression(0)
		}
		return n
	case ":=":
		if _, ok := left.(*varSyntax); !ok {
			p.fail("S0212", left.where().end, p.src[left.where().start:left.where().end])
		}
		return &binarySyntax{span: t.span, op: t.text, lhs: left, rhs: p.expression(9)}
	case "@", "#":
		n := &binarySyntax{span: t.span, op: t.text, lhs: left, rhs: p.expression(80)}
		if _, ok := n.rhs.(*varSyntax); !ok {
			p.fail("S0214", n.rhs.where().end, t.text)
		}
		return n
	}
	return &binarySyntax{span: t.span, op: t.text, lhs: left, rhs: p.expression(power(t))}
}

func (p *parser) order(t token, left syntaxNode) syntaxNode {
	n := &sortSyntax{span: t.span, of: left}
	p.advance("(", false)
	for {
		down := p.is(">")
		if down || p.is("<") {
			p.advance("", false)
		}
		n.down = append(n.down, down)
		n.terms = append(n.terms, p.expression(0))
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance(")", false)
	return n
}

func (p *parser) call(t token, left syntaxNode) syntaxNode {
	n := &callSyntax{span: t.span, proc: left}
	for !p.is(")") || len(n.args) > 0 {
		if p.is("?") {
			n.partial = true
			n.args = append(n.args, &holeSyntax{p.tok.span})
			p.advance("?", false)
		} else {
			n.args = append(n.args, p.expression(0))
		}
		if !p.is(",") {
			break
		}
		p.advance(",", false)
	}
	p.advance(")", true)
	if name, ok := left.(*nameSyntax); ok && (name.name == "function" || name.name == "λ") {
		return p.lambda(n)
	}
	return n
}

func (p *parser) lambda(call *callSyntax) syntaxNode {
	n := &lambdaSyntax{span: call.span}
	for i, arg := range call.args {
		v, ok := arg.(*varSyntax)
		if !ok {
			w := arg.where()
			panic(&Error{Code: "S0208", Position: units(p.src[:w.end]), Token: p.src[w.start:w.end], hasToken: true, value: float64(i + 1)})
		}
		n.params = append(n.params, v.name)
	}
	if p.is("<") {
		n.sig = p.signature()
	}
	p.advance("{", false)
	n.body = p.expression(0)
	p.advance("}", false)
	return n
}

// signature reads <...> behind the parameters of a lambda.
func (p *parser) signature() *signature {
	start, depth := p.tok.end, 1
	var b strings.Builder
	b.WriteByte('<')
	for depth > 0 && !p.is("{") && p.tok.kind != tokEnd {
		p.advance("", false)
		switch {
		case p.is(">"):
			depth--
		case p.is("<"):
			depth++
		}
		b.WriteString(p.tok.text)
	}
	p.advance(">", false)
	sig, err := parseSignature(b.String())
	if err != nil {
		err.Position = units(p.src[:start]) + err.Position
		panic(err)
	}
	return sig
}
