package plpgsql

import (
	"strconv"
	"strings"

	"stepwell/internal/rsql/syntax"
)

// block parses [DECLARE ...] BEGIN ... END, the label already read.
func (p *parser) block(label string) *Block {
	if p.depth++; p.depth > maxDepth {
		panic(p.fault("stack depth limit exceeded"))
	}
	b := &Block{at: p.here(), Label: label}
	p.open(label)
	if p.word("declare") {
		for !p.isWord("begin") {
			if p.word("declare") {
				continue
			}
			p.declaration(b)
		}
	}
	b.lineNo = p.lineAt(p.peek().start)
	p.needWord("begin")
	p.loops = append(p.loops, label)
	b.Body = p.statements("end", "exception")
	if p.word("exception") {
		b.Handler = p.handler()
	}
	p.loops = p.loops[:len(p.loops)-1]
	p.needWord("end")
	p.endLabel(label)
	p.shut()
	p.depth--
	return b
}

// endLabel reads a label repeated after END.
func (p *parser) endLabel(label string) {
	if k := p.peek().kind; k == tWord || k == tQuoted {
		if p.peek().text != label {
			p.fail()
		}
		p.at++
	}
}

func (p *parser) handler() *Handler {
	h := &Handler{}
	if h.Continue = p.word("continue_handler"); !h.Continue {
		p.word("exit_handler")
	}
	p.needWord("when")
	if !p.isWord("others") {
		panic(p.fault("unrecognized exception condition \"%s\"", p.peek().text))
	}
	p.needWord("others", "then")
	p.open("")
	text := syntax.TypeName{Name: "varchar", Args: []string{"max"}}
	h.SQLState = p.declare("sqlstate", &Variable{Name: "sqlstate", Type: text})
	h.SQLErrM = p.declare("sqlerrm", &Variable{Name: "sqlerrm", Type: text})
	p.handlers++
	h.Body = p.statements("end", "when")
	p.handlers--
	p.shut()
	return h
}

// declaration parses one line of DECLARE.
func (p *parser) declaration(b *Block) {
	if p.isWord("end", "begin") || p.peek().kind == tEOF {
		p.fail()
	}
	name := p.name()
	if p.word("alias") {
		p.alias(name)
		return
	}
	v := &Variable{Name: name}
	v.Constant = p.word("constant")
	switch {
	case p.isWord("cursor") || p.isWord("no", "scroll") && p.isWordAt(1, "scroll", "cursor"):
		p.boundCursor(v)
	default:
		p.variableType(v)
	}
	if p.word("not", "null") {
		v.NotNull = true
	}
	if p.op(":=") || p.op("=") || p.word("default") {
		v.Default = p.exprUntil(";")
	} else {
		p.needOp(";")
	}
	if v.NotNull && v.Default == nil {
		panic(p.fault("variable \"%s\" must have a default value, since it's declared NOT NULL", name))
	}
	p.declare(name, v)
	b.Vars = append(b.Vars, v)
}

// alias parses name ALIAS FOR $n or another argument.
func (p *parser) alias(name string) {
	p.needWord("for")
	t := p.next()
	switch t.kind {
	case tParam:
		n, err := strconv.Atoi(t.text)
		if err != nil || n < 1 || n > len(p.proc.Args) {
			panic(fault(p.src, t.start, "there is no parameter $%s", t.text))
		}
		p.scope.vars[name] = p.proc.Args[n-1]
	case tWord, tQuoted:
		v := p.variable(t.text)
		if v == nil {
			panic(fault(p.src, t.start, "variable \"%s\" does not exist", t.text))
		}
		p.scope.vars[name] = v
	default:
		p.at--
		p.fail()
	}
	p.needOp(";")
}

// variable finds a variable by its plain name, of any kind.
func (p *parser) variable(name string) *Variable {
	for sc := p.scope; sc != nil; sc = sc.outer {
		if v := sc.vars[name]; v != nil {
			return v
		}
	}
	return nil
}

func (p *parser) boundCursor(v *Variable) {
	v.Kind = Cursor
	p.word("no")
	p.word("scroll")
	p.needWord("cursor")
	p.open("")
	if p.op("(") {
		for {
			arg := p.name()
			t := p.cursorArgType()
			v.Params = append(v.Params, p.declare(arg, &Variable{Name: arg, Type: t}))
			if !p.op(",") {
				break
			}
		}
		p.needOp(")")
	}
	if !p.word("for") {
		p.needWord("is")
	}
	text, offset := p.until(";")
	v.Query = p.sql("", text, text, offset)
	p.shut()
}

// cursorArgType reads a type up to the comma or parenthesis that ends it.
func (p *parser) cursorArgType() syntax.TypeName {
	start, depth := p.at, 0
	for ; p.peek().kind != tEOF; p.at++ {
		if p.isOp("(") {
			depth++
		}
		if depth == 0 && (p.isOp(",") || p.isOp(")")) {
			break
		}
		if p.isOp(")") {
			depth--
		}
	}
	if p.at == start {
		p.fail()
	}
	from := p.toks[start].start
	return p.parseType(p.src[from:p.toks[p.at-1].end], from)
}

// variableType reads a type: RECORD, refcursor, name%ROWTYPE, name%TYPE or a
// type of SQL.
func (p *parser) variableType(v *Variable) {
	switch {
	case p.word("record"):
		v.Kind = Record
		return
	case p.word("refcursor"):
		v.Kind = Cursor
		return
	}
	start := p.at
	var path []string
	for k := p.peek().kind; k == tWord || k == tQuoted; k = p.peek().kind {
		path = append(path, p.name())
		if !p.op(".") {
			break
		}
	}
	if p.op("%") && len(path) > 0 {
		switch {
		case p.word("rowtype"):
			v.Kind, v.Like = Row, path
			return
		case p.word("type"):
			if v.LikeVar = p.variable(path[0]); v.LikeVar == nil || len(path) > 1 {
				v.LikeVar, v.Like = nil, path
				if len(path) < 2 {
					panic(p.fault("variable \"%s\" does not exist", path[0]))
				}
			}
			return
		}
		p.fail()
	}
	p.at = start
	from := p.peek().start
	depth := 0
	for ; p.peek().kind != tEOF; p.at++ {
		if depth == 0 && (p.isOp(";") || p.isOp(":=") || p.isOp("=") || p.isWord("default", "not")) {
			break
		}
		if p.isOp("(") {
			depth++
		}
		if p.isOp(")") {
			depth--
		}
	}
	if p.at == start {
		panic(p.fault("missing data type declaration at or near \"%s\"", p.near(from)))
	}
	v.Type = p.parseType(p.src[from:p.toks[p.at-1].end], from)
}

// target reads an assignable name: a variable or record.field.
func (p *parser) target() Ref {
	t := p.peek()
	parts := []syntax.Ident{{Name: p.name()}}
	for p.op(".") {
		parts = append(parts, syntax.Ident{Name: p.name()})
	}
	ref, ok := p.lookup(parts)
	if !ok && len(parts) == 1 {
		if v := p.variable(parts[0].Name); v != nil { // a whole record
			ref, ok = Ref{Var: v}, true
		}
	}
	if !ok {
		panic(fault(p.src, t.start, "\"%s\" is not a known variable", names(parts)))
	}
	if ref.Var.Constant {
		panic(fault(p.src, t.start, "\"%s\" is declared CONSTANT", ref.Var.Name))
	}
	return ref
}

func names(parts []syntax.Ident) string {
	out := make([]string, len(parts))
	for i, id := range parts {
		out[i] = id.Name
	}
	return strings.Join(out, ".")
}

// targets reads a list of targets.
func (p *parser) targets() []Ref {
	list := []Ref{p.target()}
	for p.op(",") {
		list = append(list, p.target())
	}
	return list
}
