package plpgsql

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// parser reads a body by recursive descent. A fault is thrown as
// *sqlerr.Error, its position counted in the body, and caught in Parse.
type parser struct {
	src   string
	toks  []token
	at    int
	proc  *Procedure
	scope *scope
	depth int
	loops []string // labels of the loops and blocks around, "" for none
	// first is where line 1 begins: after a line break right behind the quote.
	first    int
	handlers int
}

// scope is one level of names.
type scope struct {
	outer *scope
	label string
	vars  map[string]*Variable
}

// maxDepth bounds the nesting of blocks.
const maxDepth = 200

// Parse parses and checks the body of a procedure. Errors are *sqlerr.Error;
// their Position counts characters of the body and their Context names the line.
func Parse(name string, args []Argument, body string) (proc *Procedure, err error) {
	p := &parser{src: body, proc: &Procedure{Name: name}}
	if p.first = 0; strings.HasPrefix(body, "\n") {
		p.first = 1
	} else if strings.HasPrefix(body, "\r\n") {
		p.first = 2
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*sqlerr.Error)
			if !ok {
				panic(r)
			}
			proc, err = nil, p.located(e)
		}
	}()
	if p.toks, err = lex(body); err != nil {
		return nil, p.located(sqlerr.From(err))
	}
	p.scope = &scope{label: lower(name), vars: map[string]*Variable{}}
	for _, a := range args {
		v := p.declare(lower(a.Name), &Variable{Name: a.Name, Mode: a.Mode, Type: a.Type})
		if a.Type.Name == "refcursor" {
			v.Kind = Cursor
		}
		p.proc.Args = append(p.proc.Args, v)
	}
	p.proc.found = p.declare("found", &Variable{Name: "found", Type: syntax.TypeName{Name: "boolean"}})
	label := p.label()
	if !p.isWord("declare", "begin") {
		p.fail()
	}
	p.proc.Body = p.block(label)
	p.op(";")
	if p.peek().kind != tEOF {
		p.fail()
	}
	return p.proc, nil
}

// located adds the line of compilation to an error.
func (p *parser) located(e *sqlerr.Error) *sqlerr.Error {
	c := *e
	line := 1
	if e.Position > 0 {
		rest := p.src
		for range e.Position - 1 {
			_, n := utf8.DecodeRuneInString(rest)
			rest = rest[n:]
		}
		line = p.lineAt(len(p.src) - len(rest))
	}
	c.Context = "compile of PL/pgSQL function \"" + p.proc.Name + "\" near line " + strconv.Itoa(line)
	return &c
}

// lineAt is the line of a byte offset.
func (p *parser) lineAt(offset int) int {
	if offset <= p.first {
		return 1
	}
	return 1 + strings.Count(p.src[p.first:offset], "\n")
}

func (p *parser) here() at { return at{p.lineAt(p.peek().start)} }

func (p *parser) declare(name string, v *Variable) *Variable {
	v.slot = p.proc.slots
	p.proc.slots++
	if name != "" {
		if p.scope.vars[name] != nil {
			panic(p.fault("conflicting declarations: \"%s\"", name))
		}
		p.scope.vars[name] = v
	}
	return v
}

func (p *parser) open(label string) {
	p.scope = &scope{outer: p.scope, label: label, vars: map[string]*Variable{}}
}
func (p *parser) shut() { p.scope = p.scope.outer }

func (p *parser) peek() token { return p.toks[p.at] }

func (p *parser) ahead(n int) token { return p.toks[min(p.at+n, len(p.toks)-1)] }

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tEOF {
		p.at++
	}
	return t
}

func (p *parser) fault(format string, args ...any) *sqlerr.Error {
	return fault(p.src, p.peek().start, format, args...)
}

// near is the text at a byte offset, for an error.
func (p *parser) near(offset int) string {
	for _, t := range p.toks {
		if t.start >= offset && t.kind != tEOF {
			return p.src[t.start:t.end]
		}
	}
	return ""
}

func (p *parser) fail() {
	t := p.peek()
	if t.kind == tEOF {
		panic(p.fault("syntax error at end of input"))
	}
	panic(p.fault("syntax error at or near \"%s\"", p.src[t.start:t.end]))
}

func (p *parser) isOp(op string) bool { t := p.peek(); return t.kind == tOp && t.text == op }

func (p *parser) op(op string) bool {
	if p.isOp(op) {
		p.at++
		return true
	}
	return false
}

func (p *parser) needOp(op string) {
	if !p.op(op) {
		p.fail()
	}
}

func (p *parser) isWord(words ...string) bool { return p.isWordAt(0, words...) }

func (p *parser) isWordAt(n int, words ...string) bool {
	t := p.ahead(n)
	for _, w := range words {
		if t.kind == tWord && t.text == w {
			return true
		}
	}
	return false
}

func (p *parser) word(words ...string) bool {
	for i, w := range words {
		if !p.isWordAt(i, w) {
			return false
		}
	}
	p.at += len(words)
	return true
}

func (p *parser) needWord(words ...string) {
	for _, w := range words {
		if !p.word(w) {
			p.fail()
		}
	}
}

func (p *parser) name() string {
	if k := p.peek().kind; k != tWord && k != tQuoted {
		p.fail()
	}
	return p.next().text
}

// label reads <<name>>.
func (p *parser) label() string {
	if !p.op("<<") {
		return ""
	}
	name := p.name()
	p.needOp(">>")
	return name
}

// until gives the text up to one of the words (or operators) outside
// parentheses and CASE, and stands before it.
func (p *parser) until(ends ...string) (string, int) {
	start, depth, cases := p.peek().start, 0, 0
	end := start
	for {
		t := p.peek()
		if t.kind == tEOF {
			p.fail()
		}
		if depth == 0 && cases == 0 && (t.kind == tWord || t.kind == tOp) {
			for _, e := range ends {
				if t.text == e {
					return p.src[start:end], start
				}
			}
			if t.kind == tOp && t.text == ";" {
				p.fail()
			}
		}
		switch {
		case t.kind == tOp && (t.text == "(" || t.text == "["):
			depth++
		case t.kind == tOp && (t.text == ")" || t.text == "]"):
			if depth--; depth < 0 {
				p.fail()
			}
		case t.kind == tWord && t.text == "case":
			cases++
		case t.kind == tWord && t.text == "end" && cases > 0:
			cases--
		}
		end = t.end
		p.at++
	}
}

// exprUntil reads an expression up to one of the words, and the word.
func (p *parser) exprUntil(ends ...string) *SQL {
	text, offset := p.until(ends...)
	e := p.expr(text, offset)
	p.at++
	return e
}

func (p *parser) parseType(text string, offset int) syntax.TypeName {
	if strings.TrimSpace(text) == "" {
		panic(fault(p.src, offset, "missing data type declaration at or near \"%s\"", p.near(offset)))
	}
	const prefix = "CAST(NULL AS "
	e, err := syntax.ParseExpr(prefix + text + ")")
	if err != nil {
		p.throwAt(err, offset, len(prefix))
	}
	c, ok := e.(*syntax.Cast)
	if !ok {
		panic(fault(p.src, offset, "syntax error at or near \"%s\"", p.near(offset)))
	}
	return c.Type
}
