package duck

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A perl is a compiled pattern of the dialect PCRE that Redshift's 'p'
// parameter asks for: RE2, which DuckDB has, knows neither lookaround nor back
// references. Matching backtracks and gives up after a bound of steps.
type perl struct {
	root   node
	groups int
	fold   bool
}

// node is one element of a pattern. match tries it at byte i of the subject
// and calls then with the byte after every way it matches, best first.
type node interface {
	match(m *matcher, i int, then func(int) bool) bool
}

// perlParser reads a pattern.
type perlParser struct {
	text   string
	at     int
	groups int
	depth  int
}

// maxPerlDepth bounds the nesting of groups.
const maxPerlDepth = 200

// compilePerl reads a pattern; fold makes it case-insensitive.
func compilePerl(text string, fold bool) (p *perl, err error) {
	ps := &perlParser{text: text}
	for strings.HasPrefix(ps.text, "(?i)") {
		fold, ps.text = true, ps.text[4:]
	}
	root, err := ps.alternatives()
	if err == nil && ps.at < len(ps.text) {
		err = ps.fault("unmatched )")
	}
	if err != nil {
		return nil, err
	}
	return &perl{root: root, groups: ps.groups, fold: fold}, nil
}

func (p *perlParser) fault(what string) error {
	return fmt.Errorf("2201B:invalid regular expression: %s at offset %d", what, p.at)
}

func (p *perlParser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *perlParser) take(prefix string) bool {
	if strings.HasPrefix(p.text[p.at:], prefix) {
		p.at += len(prefix)
		return true
	}
	return false
}

func (p *perlParser) alternatives() (node, error) {
	if p.depth++; p.depth > maxPerlDepth {
		return nil, p.fault("nesting too deep")
	}
	defer func() { p.depth-- }()
	var ways anyOf
	for {
		s, err := p.sequence()
		if err != nil {
			return nil, err
		}
		ways = append(ways, s)
		if !p.take("|") {
			break
		}
	}
	if len(ways) == 1 {
		return ways[0], nil
	}
	return ways, nil
}

func (p *perlParser) sequence() (node, error) {
	var s inOrder
	for p.at < len(p.text) && p.peek() != '|' && p.peek() != ')' {
		n, err := p.atom()
		if err == nil {
			n, err = p.quantified(n)
		}
		if err != nil {
			return nil, err
		}
		s = append(s, n)
	}
	return s, nil
}

// quantified reads *, +, ?, {n,m} with their lazy and possessive forms.
func (p *perlParser) quantified(n node) (node, error) {
	for {
		low, high := 0, -1
		switch {
		case p.take("*"):
		case p.take("+"):
			low = 1
		case p.take("?"):
			high = 1
		case p.peek() == '{':
			end := strings.IndexByte(p.text[p.at:], '}')
			if end < 0 {
				return n, nil
			}
			a, b, ok := counts(p.text[p.at+1 : p.at+end])
			if !ok {
				return n, nil
			}
			low, high, p.at = a, b, p.at+end+1
		default:
			return n, nil
		}
		r := &repeat{x: n, low: low, high: high}
		switch {
		case p.take("?"):
			r.lazy = true
			n = r
		case p.take("+"):
			n = &atomic{r}
		default:
			n = r
		}
	}
}

// counts reads n, n, and n,m.
func counts(s string) (low, high int, ok bool) {
	a, b, ranged := strings.Cut(s, ",")
	low, err := strconv.Atoi(a)
	if err != nil || low > 1000 {
		return 0, 0, false
	}
	if !ranged {
		return low, low, true
	}
	if b == "" {
		return low, -1, true
	}
	high, err = strconv.Atoi(b)
	return low, high, err == nil && high >= low && high <= 1000
}

func (p *perlParser) atom() (node, error) {
	c, size := utf8.DecodeRuneInString(p.text[p.at:])
	switch c {
	case '(':
		p.at++
		return p.group()
	case '[':
		p.at++
		return p.class()
	case '.':
		p.at++
		return set{test: func(r rune) bool { return r != '\n' }}, nil
	case '^':
		p.at++
		return edge(func(s string, i int) bool { return i == 0 }), nil
	case '$':
		p.at++
		return edge(func(s string, i int) bool { return i == len(s) || i == len(s)-1 && s[i] == '\n' }), nil
	case '*', '+', '?':
		return nil, p.fault("nothing to repeat")
	case '\\':
		p.at++
		return p.escape()
	}
	p.at += size
	return letter(c), nil
}

func (p *perlParser) group() (node, error) {
	capture := 0
	var wrap func(node) node
	switch {
	case p.take("?:"):
	case p.take("?="):
		wrap = func(n node) node { return look{x: n} }
	case p.take("?!"):
		wrap = func(n node) node { return look{x: n, not: true} }
	case p.take("?<="):
		wrap = func(n node) node { return look{x: n, behind: true} }
	case p.take("?<!"):
		wrap = func(n node) node { return look{x: n, behind: true, not: true} }
	case p.take("?>"):
		wrap = func(n node) node { return &atomic{n} }
	case p.peek() == '?':
		return nil, p.fault("this kind of group is not supported")
	default:
		p.groups++
		capture = p.groups
	}
	n, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.fault("missing )")
	}
	if wrap != nil {
		return wrap(n), nil
	}
	if capture > 0 {
		return &group{x: n, n: capture}, nil
	}
	return n, nil
}

// escape reads what follows a backslash outside a class.
func (p *perlParser) escape() (node, error) {
	if p.at >= len(p.text) {
		return nil, p.fault("a backslash at the end")
	}
	c, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	switch c {
	case 'b', 'B':
		return edge(func(s string, i int) bool { return wordEdge(s, i) == (c == 'b') }), nil
	case 'A':
		return edge(func(s string, i int) bool { return i == 0 }), nil
	case 'z', 'Z':
		return edge(func(s string, i int) bool { return i == len(s) }), nil
	}
	if c >= '1' && c <= '9' {
		return back(c - '0'), nil
	}
	if test := shorthand(c); test != nil {
		return set{test: test}, nil
	}
	return letter(control(c)), nil
}

// shorthand is the test behind \d, \w, \s and their opposites.
func shorthand(c rune) func(rune) bool {
	switch c {
	case 'd':
		return func(r rune) bool { return r >= '0' && r <= '9' }
	case 'D':
		return func(r rune) bool { return r < '0' || r > '9' }
	case 'w':
		return isWord
	case 'W':
		return func(r rune) bool { return !isWord(r) }
	case 's':
		return func(r rune) bool { return strings.ContainsRune(" \t\n\r\f\v", r) }
	case 'S':
		return func(r rune) bool { return !strings.ContainsRune(" \t\n\r\f\v", r) }
	}
	return nil
}

func control(c rune) rune {
	switch c {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 'f':
		return '\f'
	case 'v':
		return '\v'
	}
	return c
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func wordEdge(s string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i:])
	return isWord(before) != isWord(after)
}

// named are the POSIX classes inside brackets.
var named = map[string]func(rune) bool{
	"alpha": unicode.IsLetter, "digit": unicode.IsDigit, "upper": unicode.IsUpper, "lower": unicode.IsLower, "space": unicode.IsSpace,
	"punct": func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) },
	"alnum": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
	"blank": func(r rune) bool { return r == ' ' || r == '\t' },
	"word":  isWord, "cntrl": unicode.IsControl, "print": unicode.IsPrint, "graph": unicode.IsGraphic,
	"xdigit": func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) },
}

// class reads a bracket expression after its opening bracket.
func (p *perlParser) class() (node, error) {
	out := set{not: p.take("^")}
	var tests []func(rune) bool
	for first := true; ; first = false {
		if p.at >= len(p.text) {
			return nil, p.fault("missing ]")
		}
		if p.peek() == ']' && !first {
			p.at++
			break
		}
		test, low, err := p.classItem()
		if err != nil {
			return nil, err
		}
		if test == nil {
			high := low
			if p.peek() == '-' && p.at+1 < len(p.text) && p.text[p.at+1] != ']' {
				p.at++
				var end func(rune) bool
				if end, high, err = p.classItem(); err != nil || end != nil || high < low {
					return nil, p.fault("bad range")
				}
			}
			test = func(r rune) bool { return r >= low && r <= high }
		}
		tests = append(tests, test)
	}
	out.test = func(r rune) bool {
		for _, t := range tests {
			if t(r) {
				return true
			}
		}
		return false
	}
	return out, nil
}

// classItem reads one character or class inside brackets.
func (p *perlParser) classItem() (func(rune) bool, rune, error) {
	if p.take("[:") {
		name, _, ok := strings.Cut(p.text[p.at:], ":]")
		if !ok || named[name] == nil {
			return nil, 0, p.fault("unknown character class")
		}
		p.at += len(name) + 2
		return named[name], 0, nil
	}
	c, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	if c == '\\' && p.at < len(p.text) {
		c, size = utf8.DecodeRuneInString(p.text[p.at:])
		p.at += size
		if test := shorthand(c); test != nil {
			return test, 0, nil
		}
		c = control(c)
	}
	return nil, c, nil
}
