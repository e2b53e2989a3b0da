package plpgsql

import (
	"slices"
	"strings"

	"stepwell/internal/rsql/syntax"
)

// statements reads statements up to one of the words, which stays.
func (p *parser) statements(ends ...string) []Stmt {
	list := []Stmt{}
	for !p.isWord(ends...) {
		if p.peek().kind == tEOF {
			p.fail()
		}
		list = append(list, p.statement())
	}
	return list
}

func (p *parser) statement() Stmt {
	if p.depth++; p.depth > maxDepth {
		panic(p.fault("stack depth limit exceeded"))
	}
	defer func() { p.depth-- }()
	label := p.label()
	switch {
	case p.isWord("declare"), p.isWord("begin") && !(p.ahead(1).kind == tOp && p.ahead(1).text == ";") && !p.isWordAt(1, "transaction", "work"):
		b := p.block(label)
		p.needOp(";")
		return b
	case p.isWord("loop", "while", "for"):
		return p.loop(label)
	case label != "":
		p.fail()
	}
	if s := p.assignment(); s != nil {
		return s
	}
	where := p.here()
	if p.peek().kind != tWord {
		p.fail()
	}
	if parse := byWord(p.peek().text); parse != nil {
		return parse(p, where)
	}
	return p.sqlStatement(where)
}

// byWord is the parser of a statement that begins with a word of the language,
// nil for a statement of SQL.
func byWord(word string) func(*parser, at) Stmt {
	switch word {
	case "if":
		return (*parser).ifStatement
	case "case":
		return (*parser).caseStatement
	case "exit", "continue":
		return (*parser).exit
	case "return":
		return (*parser).returns
	case "raise":
		return (*parser).raise
	case "execute":
		return (*parser).execute
	case "get":
		return (*parser).diagnostics
	case "open":
		return (*parser).openCursor
	case "fetch":
		return (*parser).fetch
	case "close":
		return (*parser).closeCursor
	case "null":
		return (*parser).null
	case "call":
		return (*parser).call
	case "commit", "rollback", "start", "begin":
		return (*parser).transact
	}
	return nil
}

// assignment reads target := value, if it is one.
func (p *parser) assignment() Stmt {
	n := 0
	for {
		if k := p.ahead(n).kind; k != tWord && k != tQuoted {
			return nil
		}
		if n++; p.ahead(n).kind == tOp && p.ahead(n).text == "." {
			n++
			continue
		}
		break
	}
	if t := p.ahead(n); t.kind != tOp || t.text != ":=" && t.text != "=" {
		return nil
	}
	s := &Assign{at: p.here(), Target: p.target()}
	p.at++
	s.Value = p.exprUntil(";")
	return s
}

func (p *parser) ifStatement(where at) Stmt {
	p.needWord("if")
	s := &If{at: where}
	for {
		cond := p.exprUntil("then")
		s.Arms = append(s.Arms, Arm{cond, p.statements("elsif", "elseif", "else", "end")})
		if !p.word("elsif") && !p.word("elseif") {
			break
		}
	}
	if p.word("else") {
		s.Else, s.HasElse = p.statements("end"), true
	}
	p.needWord("end", "if")
	p.needOp(";")
	return s
}

// caseStatement reads both forms of CASE. The simple form asks whether its
// operand is IN the values of an arm.
func (p *parser) caseStatement(where at) Stmt {
	p.needWord("case")
	s := &If{at: where, Case: true}
	operand := ""
	if !p.isWord("when") {
		operand, _ = p.until("when")
	}
	for p.word("when") {
		text, offset := p.until("then")
		cond := (*SQL)(nil)
		if operand == "" {
			cond = p.expr(text, offset)
		} else {
			cond = p.sql("SELECT ("+operand+") IN (", text, text+")", offset)
		}
		p.needWord("then")
		s.Arms = append(s.Arms, Arm{cond, p.statements("when", "else", "end")})
	}
	if len(s.Arms) == 0 {
		p.fail()
	}
	if p.word("else") {
		s.Else, s.HasElse = p.statements("end"), true
	}
	p.needWord("end", "case")
	p.needOp(";")
	return s
}

func (p *parser) loop(label string) Stmt {
	where := p.here()
	switch {
	case p.word("loop"):
		s := &Loop{at: where, Label: label}
		s.Body = p.loopBody(label)
		return s
	case p.word("while"):
		s := &Loop{at: where, Label: label, While: p.exprUntil("loop")}
		s.Body = p.loopBody(label)
		return s
	}
	p.needWord("for")
	return p.forLoop(label, where)
}

// loopBody reads up to END LOOP, the word LOOP already read.
func (p *parser) loopBody(label string) []Stmt {
	p.loops = append(p.loops, label, "loop ")
	body := p.statements("end")
	p.loops = p.loops[:len(p.loops)-2]
	p.needWord("end", "loop")
	p.endLabel(label)
	p.needOp(";")
	return body
}

func (p *parser) forLoop(label string, where at) Stmt {
	start := p.at
	name := p.name()
	for p.op(".") || p.op(",") {
		p.name()
	}
	p.needWord("in")
	if p.word("execute") {
		p.at, start = start, p.at
		s := &ForQuery{at: where, Label: label, Targets: p.targets()}
		p.at = start
		s.Text = p.exprUntil("loop")
		s.Body = p.loopBody(label)
		return s
	}
	reverse := p.isWord("reverse")
	if !reverse && !p.hasRange() {
		from := p.at
		p.at = start
		s := &ForQuery{at: where, Label: label, Targets: p.targets()}
		p.at = from
		text, offset := p.until("loop")
		s.Query = p.sql("", text, text, offset)
		p.at++
		s.Body = p.loopBody(label)
		return s
	}
	p.word("reverse")
	s := &ForRange{at: where, Label: label, Reverse: reverse}
	s.Lo = p.exprUntil("..")
	s.Hi = p.exprUntil("loop")
	p.open(label)
	s.Var = p.declare(name, &Variable{Name: name, Type: syntax.TypeName{Name: "integer"}})
	s.Body = p.loopBody(label)
	p.shut()
	return s
}

// hasRange says whether .. stands before the next LOOP.
func (p *parser) hasRange() bool {
	depth := 0
	for i := p.at; i < len(p.toks); i++ {
		switch t := p.toks[i]; {
		case t.kind == tOp && t.text == "(":
			depth++
		case t.kind == tOp && t.text == ")":
			depth--
		case t.kind == tOp && t.text == ".." && depth == 0:
			return true
		case t.kind == tWord && t.text == "loop" || t.kind == tOp && t.text == ";":
			return false
		}
	}
	return false
}

func (p *parser) exit(where at) Stmt {
	s := &Exit{at: where, Continue: p.peek().text == "continue"}
	p.at++
	if !p.isOp(";") && !p.isWord("when") {
		if s.Label = p.name(); !slices.Contains(p.loops, s.Label) {
			panic(p.fault("label \"%s\" does not exist", s.Label))
		}
	} else if !slices.Contains(p.loops, "loop ") {
		p.at--
		panic(p.fault("%s cannot be used outside a loop", strings.ToUpper(p.src[p.peek().start:p.peek().end])))
	}
	if p.word("when") {
		s.When = p.exprUntil(";")
		return s
	}
	p.needOp(";")
	return s
}

func (p *parser) returns(where at) Stmt {
	p.needWord("return")
	if !p.isOp(";") {
		panic(p.fault("RETURN cannot have a parameter in a procedure at or near \"%s\"", p.near(p.peek().start)))
	}
	p.at++
	return &Return{where}
}

func (p *parser) null(where at) Stmt {
	p.needWord("null")
	p.needOp(";")
	return &Null{where}
}

// levels are those of RAISE.
var levels = []string{"debug", "log", "info", "notice", "warning", "exception"}

func (p *parser) raise(where at) Stmt {
	p.needWord("raise")
	s := &Raise{at: where}
	if p.op(";") {
		if p.handlers == 0 {
			panic(p.fault("RAISE without parameters cannot be used outside an exception handler"))
		}
		return s
	}
	if !p.isWord(levels...) {
		p.fail()
	}
	s.Level = strings.ToUpper(p.next().text)
	t := p.peek()
	if t.kind != tString {
		p.fail()
	}
	s.Format = p.literal(t)
	p.at++
	for p.op(",") {
		text, offset := p.until(",", ";")
		s.Args = append(s.Args, p.expr(text, offset))
	}
	p.needOp(";")
	if n := strings.Count(strings.ReplaceAll(s.Format, "%%", ""), "%"); n > len(s.Args) {
		panic(fault(p.src, t.start, "too few parameters specified for RAISE"))
	} else if n < len(s.Args) {
		panic(fault(p.src, t.start, "too many parameters specified for RAISE"))
	}
	return s
}

// literal decodes a string token as SQL does.
func (p *parser) literal(t token) string {
	e, err := syntax.ParseExpr(t.text)
	if err != nil {
		p.throwAt(err, t.start, 0)
	}
	s, ok := e.(*syntax.String)
	if !ok {
		p.fail()
	}
	return s.Value
}

func (p *parser) execute(where at) Stmt {
	p.needWord("execute")
	s := &Execute{at: where}
	text, offset := p.until(";", "into")
	s.Text = p.expr(text, offset)
	if p.word("into") {
		s.Into = p.targets()
	}
	p.needOp(";")
	return s
}

func (p *parser) diagnostics(where at) Stmt {
	p.needWord("get", "diagnostics")
	s := &Diagnostics{at: where, Target: p.target()}
	if !p.op(":=") {
		p.needOp("=")
	}
	p.needWord("row_count")
	p.needOp(";")
	return s
}

func (p *parser) cursorName() *Variable {
	t := p.peek()
	v := p.variable(p.name())
	if v == nil || v.Kind != Cursor {
		panic(fault(p.src, t.start, "cursor variable \"%s\" must be of type cursor or refcursor", t.text))
	}
	return v
}

func (p *parser) openCursor(where at) Stmt {
	p.needWord("open")
	s := &Open{at: where, Cursor: p.cursorName()}
	switch {
	case s.Cursor.Query != nil:
		if p.op("(") {
			for {
				text, offset := p.until(",", ")")
				s.Args = append(s.Args, p.expr(text, offset))
				if !p.op(",") {
					break
				}
			}
			p.needOp(")")
		}
		if len(s.Args) != len(s.Cursor.Params) {
			panic(p.fault("wrong number of arguments for cursor \"%s\"", s.Cursor.Name))
		}
		p.needOp(";")
	case p.word("for", "execute"):
		s.Text = p.exprUntil(";")
	default:
		p.needWord("for")
		text, offset := p.until(";")
		s.Query = p.sql("", text, text, offset)
		p.at++
	}
	return s
}

func (p *parser) fetch(where at) Stmt {
	p.needWord("fetch")
	if p.isWord("next") && p.isWordAt(1, "from", "in") {
		p.at++
	}
	if p.isWord("from", "in") && !(p.ahead(1).kind == tWord && p.ahead(1).text == "into") {
		p.at++
	}
	s := &Fetch{at: where, Cursor: p.cursorName()}
	p.needWord("into")
	s.Into = p.targets()
	p.needOp(";")
	return s
}

func (p *parser) closeCursor(where at) Stmt {
	p.needWord("close")
	s := &Close{at: where, Cursor: p.cursorName()}
	p.needOp(";")
	return s
}

func (p *parser) transact(where at) Stmt {
	word := p.next().text
	switch {
	case word == "start":
		p.needWord("transaction")
		word = "begin"
	default:
		if !p.word("work") {
			p.word("transaction")
		}
	}
	p.needOp(";")
	return &Transact{where, word}
}

func (p *parser) call(where at) Stmt {
	text, offset := p.until(";")
	s := &Call{at: where, SQL: p.sql("", text, text, offset)}
	p.at++
	c, ok := s.SQL.Tree.(*syntax.CallStatement)
	if !ok {
		panic(fault(p.src, offset, "syntax error at or near \"CALL\""))
	}
	for _, a := range c.Args {
		var out *Ref
		for i, n := range s.SQL.nodes {
			if a == syntax.Expr(n) {
				out = &s.SQL.Refs[i]
			}
		}
		s.Outs = append(s.Outs, out)
	}
	return s
}

// sqlStatement reads a statement of SQL. The targets of a query's INTO are cut
// out; everything else stays where it was.
func (p *parser) sqlStatement(where at) Stmt {
	from := p.at
	text, offset := p.until(";")
	end := p.at
	s := &Exec{at: where}
	source := text
	if first := p.toks[from].text; first == "select" || first == "with" {
		if into := p.findInto(from, end); into >= 0 {
			p.at = into + 1
			s.Into = p.targets()
			a, b := p.toks[into].start-offset, p.toks[p.at-1].end-offset
			source = text[:a] + strings.Repeat(" ", b-a) + text[b:]
			p.at = end
		}
	}
	s.SQL = p.sql("", text, source, offset)
	p.at = end + 1
	return s
}

// findInto is the index of the INTO of a query between two tokens, or -1.
func (p *parser) findInto(from, end int) int {
	depth := 0
	for i := from; i < end; i++ {
		t := p.toks[i]
		switch {
		case t.kind == tOp && t.text == "(":
			depth++
		case t.kind == tOp && t.text == ")":
			depth--
		case t.kind == tWord && t.text == "into" && depth == 0 && p.toks[i-1].text != "insert" && !p.intoTable(i+1):
			return i
		}
	}
	return -1
}

// intoTable says that what follows an INTO is a new table's name: SELECT INTO
// [TEMP] TABLE t, SELECT INTO #t.
func (p *parser) intoTable(i int) bool {
	switch t, next := p.toks[i], p.toks[i+1]; t.text {
	case "table", "temp", "temporary":
		return next.kind == tWord && next.text != "from"
	default:
		return strings.HasPrefix(t.text, "#")
	}
}
