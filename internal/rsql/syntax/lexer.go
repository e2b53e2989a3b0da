package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"stepwell/internal/diag"
	"stepwell/internal/sqlerr"
)

// tokenKind classifies a token.
type tokenKind uint8

const (
	tEOF    tokenKind = iota
	tWord             // an unquoted identifier or keyword; text is lower case
	tQuoted           // a quoted identifier
	tString           // text is decoded
	tNumber
	tParam // $n; text is the digits
	tNamed // :name
	tOp    // operators and punctuation
)

// token is one lexical unit.
type token struct {
	kind       tokenKind
	text       string
	start, end int
	// dollar says that a string was dollar quoted: its content starts at body.
	body int
}

// operators are those of more than one character, longest first.
var operators = []string{
	"!~~*", "~~*", "!~~", "!~*", "||/",
	"!~", "~*", "~~", "<=", ">=", "<>", "!=", "||", "|/", "<<", ">>", "::", ":=", "=>",
}

// lexer cuts a script into tokens.
type lexer struct {
	src  string
	at   int
	toks []token
}

// lex returns the tokens of src, ended by one of kind tEOF.
func lex(src string) (toks []token, err error) {
	l := &lexer{src: src, toks: make([]token, 0, len(src)/4+2)}
	for {
		if err := l.skipBlank(); err != nil {
			return nil, err
		}
		if l.at >= len(src) {
			l.toks = append(l.toks, token{kind: tEOF, start: len(src), end: len(src)})
			return l.toks, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

// skipBlank passes white space and comments; block comments nest.
func (l *lexer) skipBlank() error {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			l.at++
		case strings.HasPrefix(l.src[l.at:], "\u00a0"), strings.HasPrefix(l.src[l.at:], "\ufeff"):
			_, n := utf8.DecodeRuneInString(l.src[l.at:])
			l.at += n
		case strings.HasPrefix(l.src[l.at:], "--"):
			if i := strings.IndexByte(l.src[l.at:], '\n'); i >= 0 {
				l.at += i + 1
			} else {
				l.at = len(l.src)
			}
		case strings.HasPrefix(l.src[l.at:], "/*"):
			if err := l.skipBlock(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) skipBlock() error {
	start, depth := l.at, 0
	for l.at < len(l.src) {
		switch {
		case strings.HasPrefix(l.src[l.at:], "/*"):
			depth++
			l.at += 2
		case strings.HasPrefix(l.src[l.at:], "*/"):
			depth--
			l.at += 2
			if depth == 0 {
				return nil
			}
		default:
			l.at++
		}
	}
	return l.fault(start, "unterminated /* comment")
}

// fault is a lexical error at a byte offset, worded as PostgreSQL does.
func (l *lexer) fault(at int, what string) error {
	rest := l.src[at:]
	if len(rest) > 200 {
		rest = strings.ToValidUTF8(rest[:200], "")
	}
	return sqlerr.New(sqlerr.SyntaxError, "%s at or near \"%s\"", what, rest).At(charPosition(l.src, at))
}

// charPosition is the 1-based character of a byte offset.
func charPosition(src string, at int) int {
	return 1 + utf8.RuneCountInString(src[:min(at, len(src))])
}

func (l *lexer) add(kind tokenKind, text string, start int) {
	l.toks = append(l.toks, token{kind: kind, text: text, start: start, end: l.at})
}

func (l *lexer) next() error {
	start, c := l.at, l.src[l.at]
	switch {
	case c == '\'':
		return l.str(start, true)
	case c == '"':
		return l.quoted(start)
	case c >= '0' && c <= '9', c == '.' && l.digitAt(l.at+1):
		l.number(start)
		return nil
	case c == '$':
		return l.dollar(start)
	case (c == 'e' || c == 'E' || c == 'n' || c == 'N') && l.byteAt(l.at+1) == '\'':
		l.at++
		return l.str(start, true)
	case (c == 'x' || c == 'X') && l.byteAt(l.at+1) == '\'':
		l.at++
		return l.str(start, false)
	case (c == 'u' || c == 'U') && strings.HasPrefix(l.src[l.at+1:], "&'"):
		l.at += 2
		return l.unicode(start)
	case isLetter(c), c == '#' && isLetter(l.byteAt(l.at+1)) && !strings.HasPrefix(l.src[l.at+1:], "\u00a0"):
		l.at++
		for l.at < len(l.src) && (isLetter(l.src[l.at]) || isDigit(l.src[l.at]) || l.src[l.at] == '$') {
			if strings.HasPrefix(l.src[l.at:], "\u00a0") {
				break
			}
			l.at++
		}
		l.add(tWord, fold(l.src[start:l.at]), start)
		return nil
	case c == ':' && isLetter(l.byteAt(l.at+1)):
		l.at++
		for l.at < len(l.src) && (isLetter(l.src[l.at]) || isDigit(l.src[l.at])) {
			l.at++
		}
		l.add(tNamed, l.src[start+1:l.at], start)
		return nil
	}
	return l.operator(start)
}

func (l *lexer) operator(start int) error {
	for _, op := range operators {
		if strings.HasPrefix(l.src[l.at:], op) {
			l.at += len(op)
			l.add(tOp, op, start)
			return nil
		}
	}
	if strings.IndexByte("+-*/<>=~!@#%^&|()[]{},;.:?", l.src[l.at]) < 0 {
		_, n := utf8.DecodeRuneInString(l.src[l.at:])
		return sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"%s\"",
			strings.ToValidUTF8(l.src[l.at:l.at+n], "?")).At(charPosition(l.src, start))
	}
	l.at++
	l.add(tOp, l.src[start:l.at], start)
	return nil
}

func (l *lexer) byteAt(i int) byte {
	if i < len(l.src) {
		return l.src[i]
	}
	return 0
}

func (l *lexer) digitAt(i int) bool { return isDigit(l.byteAt(i)) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isLetter says whether a byte may start an identifier; all of UTF-8's
// multi-byte characters may.
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// fold lowers ASCII letters only, as Redshift folds names.
func fold(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if b[j] >= 'A' && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func (l *lexer) number(start int) {
	for l.digitAt(l.at) {
		l.at++
	}
	if l.byteAt(l.at) == '.' && l.byteAt(l.at+1) != '.' {
		l.at++
		for l.digitAt(l.at) {
			l.at++
		}
	}
	if c := l.byteAt(l.at); c == 'e' || c == 'E' {
		i := l.at + 1
		if b := l.byteAt(i); b == '+' || b == '-' {
			i++
		}
		if l.digitAt(i) {
			for l.at = i; l.digitAt(l.at); {
				l.at++
			}
		}
	}
	l.add(tNumber, l.src[start:l.at], start)
}

// str reads a quoted string that starts at l.at; literals parted by a line
// break only are one.
func (l *lexer) str(start int, escapes bool) error {
	var b strings.Builder
	for {
		l.at++
		if err := l.strPart(start, escapes, &b); err != nil {
			return err
		}
		i := l.at
		for i < len(l.src) && strings.IndexByte(" \t\r\n", l.src[i]) >= 0 {
			i++
		}
		if l.byteAt(i) != '\'' || !strings.Contains(l.src[l.at:i], "\n") {
			break
		}
		l.at = i
	}
	l.add(tString, b.String(), start)
	l.toks[len(l.toks)-1].body = strings.IndexByte(l.src[start:], '\'') + start + 1
	return nil
}

func (l *lexer) strPart(start int, escapes bool, b *strings.Builder) error {
	for l.at < len(l.src) {
		c := l.src[l.at]
		switch {
		case c == '\'' && l.byteAt(l.at+1) == '\'':
			b.WriteByte('\'')
			l.at += 2
		case c == '\'':
			l.at++
			return nil
		case c == '\\' && escapes && l.at+1 < len(l.src):
			l.at++
			l.escape(b)
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	return l.fault(start, "unterminated quoted string")
}

// escape decodes what follows a backslash.
func (l *lexer) escape(b *strings.Builder) {
	c := l.src[l.at]
	l.at++
	switch c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 'b':
		b.WriteByte('\b')
	case 'f':
		b.WriteByte('\f')
	case '0', '1', '2', '3', '4', '5', '6', '7':
		n := int(c - '0')
		for i := 0; i < 2 && l.byteAt(l.at) >= '0' && l.byteAt(l.at) <= '7'; i++ {
			n = n*8 + int(l.src[l.at]-'0')
			l.at++
		}
		b.WriteByte(byte(n))
	default:
		b.WriteByte(c)
	}
}

// unicode reads U&'...'.
func (l *lexer) unicode(start int) error {
	l.at++
	var b strings.Builder
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.HasPrefix(rest, "''"):
			b.WriteByte('\'')
			l.at += 2
		case rest[0] == '\'':
			l.at++
			l.add(tString, b.String(), start)
			return nil
		case strings.HasPrefix(rest, `\\`):
			b.WriteByte('\\')
			l.at += 2
		case strings.HasPrefix(rest, `\+`) && len(rest) >= 8 && isHex(rest[2:8]):
			l.codePoint(rest[2:8], &b)
			l.at += 8
		case rest[0] == '\\' && len(rest) >= 5 && isHex(rest[1:5]):
			l.codePoint(rest[1:5], &b)
			l.at += 5
		case rest[0] == '\\':
			return l.fault(l.at, "invalid Unicode escape value")
		default:
			b.WriteByte(rest[0])
			l.at++
		}
	}
	return l.fault(start, "unterminated quoted string")
}

func isHex(s string) bool {
	_, err := strconv.ParseUint(s, 16, 32)
	return err == nil
}

func (l *lexer) codePoint(hex string, b *strings.Builder) {
	n, _ := strconv.ParseUint(hex, 16, 32)
	b.WriteRune(rune(n))
}

// quoted reads a quoted identifier.
func (l *lexer) quoted(start int) error {
	var b strings.Builder
	for l.at++; l.at < len(l.src); l.at++ {
		if l.src[l.at] != '"' {
			b.WriteByte(l.src[l.at])
			continue
		}
		if l.byteAt(l.at+1) == '"' {
			b.WriteByte('"')
			l.at++
			continue
		}
		l.at++
		if b.Len() == 0 {
			return l.fault(start, "zero-length delimited identifier")
		}
		l.add(tQuoted, b.String(), start)
		return nil
	}
	return l.fault(start, "unterminated quoted identifier")
}

// dollar reads $1 or a dollar-quoted string.
func (l *lexer) dollar(start int) error {
	if l.digitAt(l.at + 1) {
		for l.at++; l.digitAt(l.at); {
			l.at++
		}
		l.add(tParam, l.src[start+1:l.at], start)
		return nil
	}
	i := l.at + 1
	for i < len(l.src) && (isLetter(l.src[i]) || isDigit(l.src[i])) {
		i++
	}
	if l.byteAt(i) != '$' {
		return sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \"$\"").At(charPosition(l.src, start))
	}
	tag := l.src[start : i+1]
	end := strings.Index(l.src[i+1:], tag)
	if end < 0 {
		return l.fault(start, "unterminated dollar-quoted string")
	}
	l.at = i + 1 + end + len(tag)
	l.add(tString, l.src[i+1:i+1+end], start)
	l.toks[len(l.toks)-1].body = i + 1
	return nil
}

// span makes a node's position.
func span(start, end int) Pos { return Pos{diag.Span{Start: start, End: end}} }
