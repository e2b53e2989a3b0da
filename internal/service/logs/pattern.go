package logs

import (
	"regexp"
	"strings"

	"stepwell/internal/awserr"
)

// matcher tells whether a message matches a filter pattern.
type matcher func(message string) bool

func everything(string) bool { return true }

// parsePattern reads a filter pattern ("Filter pattern syntax for metric
// filters, subscription filters, filter log events, and Live Tail", CloudWatch
// Logs User Guide): terms, "phrases", %regular expressions%, each with ? for
// any of several or - for none; or a JSON selector in braces.
func parsePattern(pattern string) (matcher, error) {
	text := strings.TrimSpace(pattern)
	switch {
	case text == "":
		return everything, nil
	case strings.HasPrefix(text, "{"):
		return parseJSONPattern(text)
	case strings.HasPrefix(text, "["):
		return nil, awserr.NotImplemented("logs filter patterns of space-delimited fields ([a, b, ...])")
	}
	var required, optional, excluded []matcher
	for text != "" {
		kind := &required
		switch text[0] {
		case '?':
			kind, text = &optional, text[1:]
		case '-':
			kind, text = &excluded, text[1:]
		}
		m, rest, err := parseTerm(text)
		if err != nil {
			return nil, err
		}
		*kind = append(*kind, m)
		text = strings.TrimLeft(rest, " \t\n")
	}
	if len(required) > 0 || len(excluded) > 0 {
		optional = nil // they count only where there is nothing else
	}
	return func(message string) bool {
		for _, m := range required {
			if !m(message) {
				return false
			}
		}
		for _, m := range excluded {
			if m(message) {
				return false
			}
		}
		for _, m := range optional {
			if m(message) {
				return true
			}
		}
		return len(optional) == 0
	}, nil
}

// parseTerm reads one term and returns what follows it.
func parseTerm(text string) (m matcher, rest string, err error) {
	switch {
	case strings.HasPrefix(text, `"`):
		phrase, rest, ok := quoted(text)
		if !ok {
			return nil, "", errPattern("a quotation mark is not closed")
		}
		return contains(phrase), rest, nil
	case strings.HasPrefix(text, "%"):
		expr, rest, ok := strings.Cut(text[1:], "%")
		if !ok {
			return nil, "", errPattern("a regular expression is not closed")
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return nil, "", errPattern(err.Error())
		}
		return re.MatchString, rest, nil
	}
	end := strings.IndexAny(text, " \t\n")
	if end < 0 {
		end = len(text)
	}
	term := text[:end]
	if term == "" {
		return nil, "", errPattern("a term is empty")
	}
	for _, r := range term {
		if !wordRune(r) {
			return nil, "", errPattern("Invalid character(s) in term '" + term + "'")
		}
	}
	return contains(term), text[end:], nil
}

func wordRune(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r >= 0x80
}

func contains(term string) matcher {
	return func(message string) bool { return strings.Contains(message, term) }
}

// quoted reads a quoted text, in which a backslash escapes.
func quoted(text string) (content, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c == '"':
			return b.String(), text[i+1:], true
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
