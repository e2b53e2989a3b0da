package graph

import "unicode/utf8"

// Longest texts, in characters.
const (
	nameLimit   = 48
	detailLimit = 52
	labelLimit  = 40
)

// shorten cuts a text.
func shorten(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// textWidth is about how wide a text is in a common sans-serif font, a little
// more rather than less.
func textWidth(text string, size float64, bold bool) float64 {
	w := 0.0
	for _, c := range text {
		switch {
		case c == 'i' || c == 'j' || c == 'l' || c == 'I' || c == '.' || c == ',' || c == ':' || c == ';' || c == '\'' || c == '|' || c == '!':
			w += 0.31
		case c == 't' || c == 'f' || c == 'r' || c == ' ' || c == '(' || c == ')' || c == '[' || c == ']' || c == '/' || c == '-':
			w += 0.40
		case c == 'm' || c == 'w' || c == 'M' || c == 'W' || c == '@' || c == '%':
			w += 0.92
		case c > 0x2e80:
			w += 1.05
		case 'A' <= c && c <= 'Z':
			w += 0.72
		default:
			w += 0.60
		}
	}
	if bold {
		w *= 1.08
	}
	return w * size
}
