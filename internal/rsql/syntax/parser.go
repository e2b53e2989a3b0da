package syntax

import (
	"stepwell/internal/sqlerr"
)

// parser reads tokens by recursive descent. A fault is thrown as *sqlerr.Error
// and caught in guard; nothing else panics on purpose.
type parser struct {
	src    string
	toks   []token
	at     int
	parens []int32 // see matchParens
	depth  int
	named  []string // names of :name parameters in the order of their numbers
	params int
	// namedAt is the position of the first :name, in characters from 1.
	namedAt int
}

// maxDepth bounds nesting, so that no input exhausts the stack.
const maxDepth = 1000

// Parsed is one statement of a script.
type Parsed struct {
	Statement Statement
	// Start and End are the byte range of the statement's text, without the semicolon.
	Start, End int
	// Params is the number of parameters: the highest $n, or the :names.
	Params int
	// Names are the names of :name parameters, in the order of their numbers.
	Names []string
	// NamedAt is the position of the first :name, in characters from 1.
	NamedAt int
}

// Parse parses a script. Empty statements are left out. An error is a
// *sqlerr.Error with its position in the script.
func Parse(src string) (list []Parsed, err error) {
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, toks: toks, parens: matchParens(toks)}
	err = p.guard(func() {
		for {
			for p.op(";") {
			}
			if p.peek().kind == tEOF {
				return
			}
			start := p.peek().start
			p.named, p.params, p.namedAt = nil, 0, 0
			statement := p.statement()
			if k := p.peek(); k.kind != tEOF && !(k.kind == tOp && k.text == ";") {
				p.fail()
			}
			list = append(list, Parsed{statement, start, p.prevEnd(), p.params, p.named, p.namedAt})
		}
	})
	return list, err
}

// ParseExpr parses one expression, as stands in a column default.
func ParseExpr(src string) (e Expr, err error) {
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{src: src, toks: toks, parens: matchParens(toks)}
	err = p.guard(func() {
		e = p.expr()
		if p.peek().kind != tEOF {
			p.fail()
		}
	})
	return e, err
}

// guard runs f and turns a thrown fault into an error.
func (p *parser) guard(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fault, ok := r.(*sqlerr.Error)
			if !ok {
				panic(r)
			}
			err = fault
		}
	}()
	f()
	return nil
}

// fail throws a syntax error at the next token.
func (p *parser) fail() { p.failAt(p.at) }

func (p *parser) failAt(i int) {
	t := p.toks[i]
	if t.kind == tEOF {
		panic(sqlerr.New(sqlerr.SyntaxError, "syntax error at end of input").At(charPosition(p.src, t.start)))
	}
	panic(sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"", p.src[t.start:t.end]).
		At(charPosition(p.src, t.start)))
}

// refuse throws a fault with a text of its own, at a byte offset.
func (p *parser) refuse(at int, code, format string, args ...any) {
	panic(sqlerr.New(code, format, args...).At(charPosition(p.src, at)))
}

// enter counts nesting; leave it with p.depth--.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.refuse(p.peek().start, sqlerr.ProgramLimitExceeded, "stack depth limit exceeded")
	}
}

func (p *parser) peek() token { return p.toks[p.at] }

// ahead looks n tokens past the next one.
func (p *parser) ahead(n int) token {
	return p.toks[min(p.at+n, len(p.toks)-1)]
}

func (p *parser) next() token {
	t := p.toks[p.at]
	if t.kind != tEOF {
		p.at++
	}
	return t
}

func (p *parser) start() int { return p.toks[p.at].start }

func (p *parser) prevEnd() int {
	if p.at == 0 {
		return 0
	}
	return p.toks[p.at-1].end
}

// since is the position from start to the last token read.
func (p *parser) since(start int) Pos { return span(start, max(start, p.prevEnd())) }

func (p *parser) isOp(text string) bool {
	t := p.toks[p.at]
	return t.kind == tOp && t.text == text
}

// op reads an operator or punctuation if it comes next.
func (p *parser) op(text string) bool {
	if p.isOp(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) needOp(text string) {
	if !p.op(text) {
		p.fail()
	}
}

func (p *parser) isWord(words ...string) bool { return p.isWordAt(0, words...) }

func (p *parser) isWordAt(n int, words ...string) bool {
	t := p.ahead(n)
	if t.kind != tWord {
		return false
	}
	for _, w := range words {
		if t.text == w {
			return true
		}
	}
	return false
}

// word reads a sequence of words if all of it comes next.
func (p *parser) word(words ...string) bool {
	for i, w := range words {
		if t := p.ahead(i); t.kind != tWord || t.text != w {
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

// oneOf reads one of the words and returns it, or "".
func (p *parser) oneOf(words ...string) string {
	if p.isWord(words...) {
		return p.next().text
	}
	return ""
}

// isName says whether a name stands n tokens ahead.
func (p *parser) isNameAt(n int) bool {
	t := p.ahead(n)
	return t.kind == tQuoted || t.kind == tWord && !reserved[t.text]
}

func ident(t token) Ident {
	return Ident{span(t.start, t.end), t.text, t.kind == tQuoted}
}

// ident reads a name that is not reserved.
func (p *parser) ident() Ident {
	if !p.isNameAt(0) {
		p.fail()
	}
	return ident(p.next())
}

// label reads any word as a name: after AS and after a dot.
func (p *parser) label() Ident {
	if k := p.peek().kind; k != tWord && k != tQuoted {
		p.fail()
	}
	return ident(p.next())
}

func (p *parser) identRef() *Ident {
	id := p.ident()
	return &id
}

// name reads a dotted name.
func (p *parser) name() Name {
	start := p.start()
	parts := []Ident{p.ident()}
	for p.isOp(".") {
		p.at++
		parts = append(parts, p.label())
	}
	if len(parts) > 4 {
		p.refuse(start, sqlerr.SyntaxError, "improper qualified name (too many dotted names): %s", p.src[start:p.prevEnd()])
	}
	return Name{p.since(start), parts}
}

// names reads a comma-separated list of dotted names.
func (p *parser) names() []Name { return list(p, p.name) }

// idents reads a parenthesised list of names.
func (p *parser) idents() []Ident {
	p.needOp("(")
	ids := list(p, p.label)
	p.needOp(")")
	return ids
}

// list reads items parted by commas.
func list[T any](p *parser, item func() T) []T {
	items := []T{item()}
	for p.op(",") {
		items = append(items, item())
	}
	return items
}

// str reads a string literal.
func (p *parser) str() string {
	if p.peek().kind != tString {
		p.fail()
	}
	return p.next().text
}

// number reads an unsigned number's text.
func (p *parser) number() string {
	if p.peek().kind != tNumber {
		p.fail()
	}
	return p.next().text
}

// ifExists and ifNotExists read those words.
func (p *parser) ifExists() bool    { return p.word("if", "exists") }
func (p *parser) ifNotExists() bool { return p.word("if", "not", "exists") }

// cascade reads CASCADE or RESTRICT.
func (p *parser) cascade() bool { return p.oneOf("cascade", "restrict") == "cascade" }

// skip passes the rest of the statement, balanced in parentheses.
func (p *parser) skip() {
	for depth := 0; p.peek().kind != tEOF; p.at++ {
		switch {
		case p.isOp("("):
			depth++
		case p.isOp(")"):
			depth--
		case p.isOp(";") && depth <= 0:
			return
		}
	}
}
