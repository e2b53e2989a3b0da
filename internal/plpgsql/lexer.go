package plpgsql

import (
	"strings"
	"unicode/utf8"

	"stepwell/internal/sqlerr"
)

type tokenKind uint8

const (
	tEOF tokenKind = iota
	tWord
	tQuoted
	tString
	tNumber
	tParam
	tOp
)

// token is a lexical unit; text is lower case for a word, decoded for a quoted
// name, and as written for all others.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

// lex cuts a body into tokens. It needs to know less than SQL's lexer: where
// words, literals and comments end.
func lex(src string) (toks []token, err error) {
	at := 0
	for {
		if at, err = blank(src, at); err != nil {
			return nil, err
		}
		if at >= len(src) {
			return append(toks, token{tEOF, "", len(src), len(src)}), nil
		}
		t, err := scan(src, at)
		if err != nil {
			return nil, err
		}
		toks = append(toks, t)
		at = t.end
	}
}

// blank passes white space and comments.
func blank(src string, at int) (int, error) {
	for at < len(src) {
		switch {
		case strings.IndexByte(" \t\r\n\f\v", src[at]) >= 0:
			at++
		case strings.HasPrefix(src[at:], "\u00a0"):
			at += 2
		case strings.HasPrefix(src[at:], "--"):
			i := strings.IndexByte(src[at:], '\n')
			if i < 0 {
				return len(src), nil
			}
			at += i + 1
		case strings.HasPrefix(src[at:], "/*"):
			end, depth := at+2, 1
			for depth > 0 {
				switch {
				case end >= len(src):
					return 0, fault(src, at, "unterminated /* comment")
				case strings.HasPrefix(src[end:], "/*"):
					depth++
					end += 2
				case strings.HasPrefix(src[end:], "*/"):
					depth--
					end += 2
				default:
					end++
				}
			}
			at = end
		default:
			return at, nil
		}
	}
	return at, nil
}

func fault(src string, at int, format string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.SyntaxError, format, args...).At(1 + utf8.RuneCountInString(src[:min(at, len(src))]))
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func scan(src string, at int) (token, error) {
	c := src[at]
	switch {
	case c == '\'':
		return quotedText(src, at, at)
	case c == '"':
		return quotedName(src, at)
	case isDigit(c):
		return number(src, at), nil
	case c == '$':
		return dollar(src, at)
	case isLetter(c) && at+1 < len(src) && src[at+1] == '\'' && strings.IndexByte("eEnNxX", c) >= 0:
		return quotedText(src, at, at+1)
	case isLetter(c), c == '#' && at+1 < len(src) && isLetter(src[at+1]):
		end := at + 1
		for end < len(src) && (isLetter(src[end]) || isDigit(src[end]) || src[end] == '$') && !strings.HasPrefix(src[end:], "\u00a0") {
			end++
		}
		return token{tWord, lower(src[at:end]), at, end}, nil
	}
	for _, op := range []string{":=", "<<", ">>", "..", "::", "<=", ">=", "<>", "!=", "||"} {
		if strings.HasPrefix(src[at:], op) {
			return token{tOp, op, at, at + len(op)}, nil
		}
	}
	return token{tOp, src[at : at+1], at, at + 1}, nil
}

// lower folds ASCII letters only, as names fold.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func number(src string, at int) token {
	end := at
	for end < len(src) && isDigit(src[end]) {
		end++
	}
	if end+1 < len(src) && src[end] == '.' && isDigit(src[end+1]) {
		for end++; end < len(src) && isDigit(src[end]); {
			end++
		}
	}
	return token{tNumber, src[at:end], at, end}
}

func quotedText(src string, start, at int) (token, error) {
	for i := at + 1; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case '\'':
			if i+1 < len(src) && src[i+1] == '\'' {
				i++
				continue
			}
			return token{tString, src[start : i+1], start, i + 1}, nil
		}
	}
	return token{}, fault(src, start, "unterminated string")
}

func quotedName(src string, at int) (token, error) {
	for i := at + 1; i < len(src); i++ {
		if src[i] != '"' {
			continue
		}
		if i+1 < len(src) && src[i+1] == '"' {
			i++
			continue
		}
		return token{tQuoted, lower(strings.ReplaceAll(src[at+1:i], `""`, `"`)), at, i + 1}, nil
	}
	return token{}, fault(src, at, "unterminated quoted identifier")
}

// dollar reads $1 or a dollar-quoted string.
func dollar(src string, at int) (token, error) {
	end := at + 1
	for end < len(src) && isDigit(src[end]) {
		end++
	}
	if end > at+1 {
		return token{tParam, src[at+1 : end], at, end}, nil
	}
	for end < len(src) && (isLetter(src[end]) || isDigit(src[end])) {
		end++
	}
	if end >= len(src) || src[end] != '$' {
		return token{}, fault(src, at, "syntax error at or near \"$\"")
	}
	tag := src[at : end+1]
	i := strings.Index(src[end+1:], tag)
	if i < 0 {
		return token{}, fault(src, at, "unterminated dollar-quoted string")
	}
	end += 1 + i + len(tag)
	return token{tString, src[at:end], at, end}, nil
}
