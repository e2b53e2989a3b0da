package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSteps bounds a path's length.
const MaxSteps = 500

// Parse reads a path. Blanks after it do not count.
func Parse(text string) (*Path, error) {
	p := &parser{text: strings.TrimRight(text, " ")}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.fault("unexpected %q", p.text[p.at:])
	}
	return path, nil
}

type parser struct {
	text   string
	at     int
	depth  int
	filter int // how many filters are open
}

func (p *parser) fault(format string, args ...any) error {
	return fmt.Errorf("cannot parse path %q at offset %d: %s", p.text, p.at, fmt.Sprintf(format, args...))
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) take(s string) bool {
	if strings.HasPrefix(p.text[p.at:], s) {
		p.at += len(s)
		return true
	}
	return false
}

func (p *parser) space() {
	for p.peek() == ' ' || p.peek() == '\t' {
		p.at++
	}
}

// path reads from the root to the end of the last step.
func (p *parser) path() (*Path, error) {
	start := p.at
	path := &Path{}
	switch {
	case p.take("$$"):
		path.Root = Context
	case p.take("$"):
		if name := p.identifier(); name != "" {
			path.Root, path.Variable = Variable, name
		}
	case p.take("@"):
	default:
		return nil, p.fault("a path starts with $")
	}
	if err := p.steps(path); err != nil {
		return nil, err
	}
	path.Text = p.text[start:p.at]
	return path, nil
}

// identifier reads a variable's name.
func (p *parser) identifier() string {
	start := p.at
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if r != '_' && !unicode.IsLetter(r) && (p.at == start || !unicode.IsDigit(r)) {
			break
		}
		p.at += size
	}
	return p.text[start:p.at]
}

func (p *parser) steps(path *Path) error {
	for {
		if len(path.steps) > MaxSteps {
			return p.fault("more than %d steps", MaxSteps)
		}
		switch {
		case p.take(".."):
			path.steps = append(path.steps, step{kind: stepScan})
			if p.peek() == '[' {
				continue
			}
			if err := p.dotted(path); err != nil {
				return err
			}
		case p.take("."):
			if p.peek() == '[' { // $.[0] is $[0]
				continue
			}
			if err := p.dotted(path); err != nil {
				return err
			}
		case p.peek() == '[':
			s, err := p.bracket()
			if err != nil {
				return err
			}
			path.steps = append(path.steps, s)
		default:
			if n := len(path.steps); n > 0 && path.steps[n-1].kind == stepScan {
				return p.fault("a path cannot end with ..")
			}
			return nil
		}
		if path.function != "" {
			return nil
		}
	}
}

// dotted reads what follows a dot: * or a name or a function.
func (p *parser) dotted(path *Path) error {
	if p.take("*") {
		path.steps = append(path.steps, step{kind: stepWild})
		return nil
	}
	start, ends := p.at, ".[](),'\"*? \t\n"
	if p.filter > 0 {
		ends += "=<>!&|@"
	}
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if strings.ContainsRune(ends, r) {
			break
		}
		p.at += size
	}
	name := p.text[start:p.at]
	if name == "" {
		return p.fault("a name is missing after the dot")
	}
	if p.peek() == '(' {
		if !p.take("()") {
			return p.fault("functions of a path take no arguments here")
		}
		if !functions[name] {
			return p.fault("unknown function %s()", name)
		}
		path.function = name
		return nil
	}
	path.steps = append(path.steps, step{kind: stepName, names: []string{name}})
	return nil
}

func (p *parser) bracket() (step, error) {
	p.at++
	p.space()
	var s step
	var err error
	switch c := p.peek(); {
	case c == '*':
		p.at++
		s.kind = stepWild
	case c == '\'' || c == '"':
		s, err = p.names()
	case c == '?':
		p.at++
		s, err = p.filterStep()
	default:
		s, err = p.indexes()
	}
	if err != nil {
		return s, err
	}
	p.space()
	if !p.take("]") {
		return s, p.fault("] is missing")
	}
	return s, nil
}

func (p *parser) names() (step, error) {
	s := step{kind: stepName}
	for {
		p.space()
		n, err := p.quoted()
		if err != nil {
			return s, err
		}
		s.names = append(s.names, n)
		p.space()
		if !p.take(",") {
			return s, nil
		}
	}
}

// quoted reads '...' or "..." with backslash escapes.
func (p *parser) quoted() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.fault("a quoted name is missing")
	}
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == quote:
			p.at++
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == quote || p.text[p.at+1] == '\\'):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return "", p.fault("the quote is not closed")
}

func (p *parser) integer() (*int, error) {
	p.space()
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	for p.peek() >= '0' && p.peek() <= '9' {
		p.at++
	}
	if p.at == start {
		return nil, nil
	}
	n, err := strconv.Atoi(p.text[start:p.at])
	if err != nil {
		return nil, p.fault("%q is not an index", p.text[start:p.at])
	}
	p.space()
	return &n, nil
}

// indexes reads 1 or 0,2 or 1:5.
func (p *parser) indexes() (step, error) {
	s := step{kind: stepIndex}
	first, err := p.integer()
	if err != nil {
		return s, err
	}
	if p.peek() == ':' {
		s.kind, s.slice[0] = stepSlice, first
		for i := 1; i < 3 && p.take(":"); i++ {
			if s.slice[i], err = p.integer(); err != nil {
				return s, err
			}
		}
		if s.slice[2] != nil && *s.slice[2] != 1 {
			return s, p.fault("a slice with a step is not supported")
		}
		return s, nil
	}
	if first == nil {
		return s, p.fault("an index, a name, *, or a filter is missing")
	}
	s.index = append(s.index, *first)
	for p.take(",") {
		n, err := p.integer()
		if err != nil || n == nil {
			return s, p.fault("an index is missing")
		}
		s.index = append(s.index, *n)
	}
	return s, nil
}
