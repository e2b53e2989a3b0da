package syntax

import "strings"

// typeStart are the words a type can start with, for CONVERT(type, x).
func (p *parser) isTypeAt(n int) bool {
	t := p.ahead(n)
	if t.kind != tWord || !(typeWords[t.text] || t.text == "interval" || t.text == "national" || t.text == "varbinary" || t.text == "binary" || t.text == "geography") {
		return false
	}
	for {
		n++
		switch s := p.ahead(n); {
		case s.kind == tOp && s.text == ",":
			return true
		case s.kind == tWord, s.kind == tNumber, s.kind == tOp && (s.text == "(" || s.text == ")"):
			if s.kind == tOp && s.text == "(" && p.ahead(n+1).kind != tNumber && p.ahead(n+1).text != "max" {
				return false
			}
		default:
			return false
		}
	}
}

// typeName parses a type: words, modifiers, time zone clause.
func (p *parser) typeName() TypeName {
	start := p.start()
	t := p.peek()
	if t.kind != tWord && t.kind != tQuoted {
		p.fail()
	}
	p.at++
	n := TypeName{Name: t.text}
	switch t.text {
	case "double":
		if p.word("precision") {
			n.Name = "double precision"
		}
	case "national":
		n.Name = "national " + p.label().Name
		if p.word("varying") {
			n.Name += " varying"
		}
	case "character", "char", "binary", "nchar":
		if p.word("varying") {
			n.Name = map[string]string{"char": "character", "character": "character", "binary": "binary", "nchar": "national character"}[t.text] + " varying"
		}
	case "interval":
		if f := p.intervalFields(); f != "" {
			n.Name = intervalType(f)
		}
	case "struct", "array", "map":
		if p.isOp("<") {
			n.Nested = p.nested(start)
			n.Pos = p.since(start)
			return n
		}
	}
	for p.isOp(".") { // pg_catalog.varchar
		p.at++
		n.Name = p.label().Name
	}
	if p.isOp("(") {
		n.Args = p.typeArgs()
	}
	if strings.HasPrefix(n.Name, "time") {
		if p.isWord("with", "without") && p.isWordAt(1, "time") && p.isWordAt(2, "zone") {
			n.Name += " " + p.next().text + " time zone"
			p.at += 2
		}
	}
	for p.isOp("[") && p.ahead(1).text == "]" {
		p.at += 2
		n.Name += "[]"
	}
	n.Pos = p.since(start)
	return n
}

// intervalType names the interval type of a field list.
func intervalType(fields string) string {
	if strings.HasPrefix(fields, "year") || strings.HasPrefix(fields, "month") {
		return "interval year to month"
	}
	return "interval day to second"
}

func (p *parser) typeArgs() []string {
	p.needOp("(")
	args := list(p, func() string {
		t := p.next()
		if t.kind != tNumber && t.kind != tWord {
			p.failAt(p.at - 1)
		}
		return t.text
	})
	p.needOp(")")
	return args
}

// nested passes the angle brackets of an external table's type and gives the
// type's text from start, in lower case, without blanks.
func (p *parser) nested(start int) string {
	depth := 0
	for {
		t := p.next()
		switch {
		case t.kind == tEOF:
			p.fail()
		case t.text == "<":
			depth++
		case t.text == ">":
			depth--
		case t.text == "<>":
		case t.text == ">>":
			depth -= 2
		case t.kind == tOp && (t.text == ";"):
			p.failAt(p.at - 1)
		}
		if depth <= 0 {
			return squeeze(p.src[start:p.prevEnd()])
		}
	}
}

func squeeze(s string) string {
	return strings.ToLower(strings.Join(strings.Fields(s), ""))
}
