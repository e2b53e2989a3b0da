package jsonata

import (
	"math"
	"strings"

	"stepwell/internal/asl/value"
)

func fnString(r *run, a []any) (any, error) {
	pretty, _ := argument(a, 1).(bool)
	return r.stringOf(a[0], pretty)
}

// str is an argument that the signature makes a string, or empty.
func str(a []any, i int) string {
	s, _ := argument(a, i).(string)
	return s
}

func num(a []any, i int) float64 {
	f, _ := number(argument(a, i))
	return f
}

func fnLength(_ *run, a []any) (any, error) { return float64(countRunes(str(a, 0))), nil }

func fnLowercase(_ *run, a []any) (any, error) { return strings.ToLower(str(a, 0)), nil }

func fnUppercase(_ *run, a []any) (any, error) {
	return strings.ReplaceAll(strings.ToUpper(str(a, 0)), "ß", "SS"), nil
}

// slice is Array.prototype.slice of the characters of a string.
func slice(s string, from, to float64) string {
	chars := runes(s)
	index := func(f float64) int {
		if f != f {
			return 0
		}
		if f = math.Trunc(f); f < 0 {
			f = math.Max(0, f+float64(len(chars)))
		}
		return int(math.Min(f, float64(len(chars))))
	}
	i, j := index(from), index(to)
	if i >= j {
		return ""
	}
	return strings.Join(chars[i:j], "")
}

func fnSubstring(r *run, a []any) (any, error) {
	s, start := str(a, 0), num(a, 1)
	n := float64(countRunes(s))
	if err := r.alloc(int(n), 16); err != nil {
		return nil, err
	}
	if n+start < 0 {
		start = 0
	}
	if isUndef(argument(a, 2)) {
		return slice(s, start, n), nil
	}
	length := num(a, 2)
	if length <= 0 {
		return "", nil
	}
	if start >= 0 {
		return slice(s, start, start+length), nil
	}
	return slice(s, start, n+start+length), nil
}

func fnSubstringBefore(_ *run, a []any) (any, error) {
	if isUndef(argument(a, 1)) {
		return a[0], nil
	}
	before, _, _ := strings.Cut(str(a, 0), str(a, 1))
	return before, nil
}

func fnSubstringAfter(_ *run, a []any) (any, error) {
	if _, after, ok := strings.Cut(str(a, 0), str(a, 1)); ok && !isUndef(argument(a, 1)) {
		return after, nil
	}
	return a[0], nil
}

func fnTrim(_ *run, a []any) (any, error) {
	s := str(a, 0)
	var b strings.Builder
	blank := false
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			blank = true
			continue
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

func fnPad(r *run, a []any) (any, error) {
	s, width, fill := str(a, 0), num(a, 1), str(a, 2)
	if fill == "" {
		fill = " "
	}
	missing := math.Trunc(math.Abs(width)) - float64(countRunes(s))
	if !(missing > 0) {
		return s, nil
	}
	if missing > math.MaxInt32 {
		missing = math.MaxInt32
	}
	n := int(missing)
	if err := r.alloc(n, len(fill)); err != nil {
		return nil, err
	}
	chars := runes(fill)
	padding := strings.Repeat(fill, n/len(chars)) + strings.Join(chars[:n%len(chars)], "")
	if width > 0 {
		return s + padding, nil
	}
	return padding + s, nil
}

func fnJoin(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	sep, size := str(a, 1), 0
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i], _ = item.(string)
		size += len(texts[i]) + len(sep)
	}
	if err := r.text(size + 16*len(list)); err != nil {
		return nil, err
	}
	return strings.Join(texts, sep), nil
}

func fnBoolean(_ *run, a []any) (any, error) { return truth(a[0]) }

func fnNot(_ *run, a []any) (any, error) {
	ok, err := truth(a[0])
	return !ok, err
}

func fnExists(_ *run, a []any) (any, error) { return !isUndef(a[0]), nil }

func fnType(_ *run, a []any) (any, error) {
	switch kind(a[0]) {
	case 'l':
		return "null", nil
	case 'n':
		_, _, err := numeric(a[0])
		return "number", err
	case 's':
		return "string", nil
	case 'b':
		return "boolean", nil
	case 'a':
		return "array", nil
	case 'f':
		return "function", nil
	}
	return "object", nil
}

func fnError(_ *run, a []any) (any, error) {
	return nil, &Error{Code: "D3137", detail: orText(str(a, 0), "$error() function evaluated")}
}

func fnAssert(_ *run, a []any) (any, error) {
	if ok, _ := argument(a, 0).(bool); ok {
		return undef{}, nil
	}
	return nil, &Error{Code: "D3141", detail: orText(str(a, 1), "$assert() statement failed")}
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func fnParse(r *run, a []any) (any, error) {
	s := str(a, 0)
	if err := r.text(8 * len(s)); err != nil {
		return nil, err
	}
	v, err := value.Parse([]byte(s))
	if err != nil {
		return nil, &Error{Code: "D3137", detail: "The argument of the parse function must be a JSON text. " + err.Error()}
	}
	if v == value.Number("-0") { // there is no negative zero among JSON texts that are written (ECMA-262, JSON.stringify)
		return value.Int(0), nil
	}
	return v, nil
}
