package jsonata

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

type tokenKind int

const (
	tokEnd tokenKind = iota
	tokName
	tokVariable
	tokOperator
	tokString
	tokNumber
	tokValue // true, false, null
	tokRegex
)

type token struct {
	span
	kind  tokenKind
	text  string // name, operator, text of a string, source of a regex or number
	flags string // of a regex
	num   float64
}

// lexer reads one token at a time; the parser says where a / divides.
type lexer struct {
	src string
	at  int
}

// operators that consist of one character; ! and ~ are none but end a name.
const oneCharOperators = `.[]{}(),@#;:?+-*/%|=<>^&!~`

const blanks = " \t\n\r\v"

func (l *lexer) fail(code string, pos int, token string) {
	panic(&Error{Code: code, Position: units(l.src[:min(pos, len(l.src))]), Token: token, hasToken: token != ""})
}

func (l *lexer) space() {
	for l.at < len(l.src) {
		if strings.IndexByte(blanks, l.src[l.at]) >= 0 {
			l.at++
			continue
		}
		if !strings.HasPrefix(l.src[l.at:], "/*") {
			return
		}
		end := strings.Index(l.src[l.at+2:], "*/")
		if end < 0 {
			l.fail("S0106", l.at, "")
		}
		l.at += end + 4
	}
}

// next reads a token. infix: an operator may stand here, so / is no regex.
func (l *lexer) next(infix bool) token {
	l.space()
	start := l.at
	if start >= len(l.src) {
		return token{span: span{start, start}, kind: tokEnd, text: "(end)"}
	}
	t := l.scan(infix)
	t.span = span{start, l.at}
	return t
}

func (l *lexer) scan(infix bool) token {
	c := l.src[l.at]
	switch {
	case c == '/' && !infix:
		return l.regex()
	case c == '"' || c == '\'':
		return l.str(c)
	case c >= '0' && c <= '9':
		return l.number()
	case c == '`':
		end := strings.IndexByte(l.src[l.at+1:], '`')
		if end < 0 {
			l.fail("S0105", len(l.src), "")
		}
		name := l.src[l.at+1 : l.at+1+end]
		l.at += end + 2
		return token{kind: tokName, text: name}
	}
	for _, op := range [...]string{"..", ":=", "!=", ">=", "<=", "**", "~>"} {
		if strings.HasPrefix(l.src[l.at:], op) {
			l.at += 2
			return token{kind: tokOperator, text: op}
		}
	}
	if strings.IndexByte(oneCharOperators, c) >= 0 {
		l.at++
		return token{kind: tokOperator, text: string(c)}
	}
	return l.word()
}

func (l *lexer) word() token {
	end := strings.IndexAny(l.src[l.at:], blanks+oneCharOperators)
	if end < 0 {
		end = len(l.src) - l.at
	}
	name := l.src[l.at : l.at+end]
	l.at += end
	switch name {
	case "or", "in", "and":
		return token{kind: tokOperator, text: name}
	case "true", "false", "null":
		return token{kind: tokValue, text: name}
	}
	if name[0] == '$' {
		return token{kind: tokVariable, text: name[1:]}
	}
	return token{kind: tokName, text: name}
}

// number reads a JSON number without sign.
func (l *lexer) number() token {
	s, i := l.src[l.at:], 0
	digits := func() (n int) {
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n++
		}
		return n
	}
	if s[0] == '0' {
		i = 1
	} else {
		digits()
	}
	if i+1 < len(s) && s[i] == '.' && s[i+1] >= '0' && s[i+1] <= '9' {
		i++
		digits()
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		back := i
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if digits() == 0 {
			i = back
		}
	}
	f, err := strconv.ParseFloat(s[:i], 64)
	if err != nil {
		l.fail("S0102", l.at, s[:i])
	}
	l.at += i
	return token{kind: tokNumber, text: s[:i], num: f}
}

func (l *lexer) str(quote byte) token {
	var b strings.Builder
	for l.at++; l.at < len(l.src); {
		switch c := l.src[l.at]; c {
		case quote:
			l.at++
			return token{kind: tokString, text: b.String()}
		case '\\':
			l.escape(&b)
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	l.fail("S0101", len(l.src), "")
	return token{}
}

func (l *lexer) escape(b *strings.Builder) {
	l.at++
	if l.at >= len(l.src) {
		l.fail("S0103", l.at, "")
	}
	c := l.src[l.at]
	if c == 'u' {
		r := l.hex(l.at)
		l.at += 5
		if utf16.IsSurrogate(r) && strings.HasPrefix(l.src[l.at:], `\u`) {
			if pair := utf16.DecodeRune(r, l.hex(l.at+1)); pair != utf8.RuneError {
				b.WriteRune(pair)
				l.at += 6
				return
			}
		}
		writeRune(b, r)
		return
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		_, size := utf8.DecodeRuneInString(l.src[l.at:])
		l.fail("S0103", l.at, l.src[l.at:l.at+size])
	}
	b.WriteByte("\"\\/\b\f\n\r\t"[i])
	l.at++
}

// writeRune writes a character, a lone surrogate in three bytes as other
// characters of its range, so that it stays what it is.
func writeRune(b *strings.Builder, r rune) {
	if utf16.IsSurrogate(r) {
		b.Write([]byte{0xe0 | byte(r>>12), 0x80 | byte(r>>6)&0x3f, 0x80 | byte(r)&0x3f})
		return
	}
	b.WriteRune(r)
}

// hex reads the four digits behind the u at an offset.
func (l *lexer) hex(at int) rune {
	if at+5 <= len(l.src) {
		if n, err := strconv.ParseUint(l.src[at+1:at+5], 16, 32); err == nil {
			return rune(n)
		}
	}
	l.fail("S0104", at, "")
	return 0
}

// regex reads /source/flags. A slash within brackets does not end it.
func (l *lexer) regex() token {
	start, depth := l.at+1, 0
	for i := start; i < len(l.src); i++ {
		switch c := l.src[i]; c {
		case '\\':
			i++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '/':
			if depth != 0 {
				continue
			}
			if i == start {
				l.fail("S0301", i, "")
			}
			end := i
			for i++; i < len(l.src) && (l.src[i] == 'i' || l.src[i] == 'm'); i++ {
			}
			l.at = i
			return token{kind: tokRegex, text: l.src[start:end], flags: l.src[end+1 : i]}
		}
	}
	l.fail("S0302", len(l.src), "")
	return token{}
}
