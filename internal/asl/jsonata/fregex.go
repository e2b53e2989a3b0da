package jsonata

import (
	"math"
	"strconv"
	"strings"

	"stepwell/internal/asl/value"
)

// found is a match of a regular expression or of a matcher function of the user.
type found struct {
	text       string
	start, end int // bytes
	groups     []any
	object     *value.Object
	index      float64 // start in UTF-16 code units
	next       func() (*found, error)
}

// search finds the first match of a matcher.
func search(r *run, f function, text string) (*found, error) {
	if m, ok := f.(*matcher); ok {
		t, err := m.find(r, text, 0)
		return native(r, t, err)
	}
	return custom(r, f, []any{text}, text)
}

func native(r *run, t *match, err error) (*found, error) {
	if t == nil || err != nil {
		return nil, err
	}
	whole, _ := t.group(0)
	return &found{text: whole, start: t.start(), end: t.end(), groups: t.groups(), index: -1, next: func() (*found, error) {
		next, err := t.next(r)
		return native(r, next, err)
	}}, nil
}

// custom calls a matcher function of the user: it gives {match, start, end, groups, next}.
func custom(r *run, f function, args []any, text string) (*found, error) {
	v, err := r.apply(f, args, nil)
	if err != nil || !truthy(v) {
		return nil, err
	}
	o, ok := v.(*value.Object)
	if !ok {
		return nil, fault("T1010")
	}
	get := func(name string) any {
		if v, ok := o.Get(name); ok {
			return v
		}
		return undef{}
	}
	start, okStart := number(get("start"))
	end, okEnd := number(get("end"))
	groups, okGroups := items(get("groups"))
	next, okNext := get("next").(function)
	if !okStart && !okEnd && !okGroups && !okNext {
		return nil, fault("T1010")
	}
	out := &found{object: o, index: start, groups: groups}
	out.text, _ = get("match").(string)
	out.start, out.end = offset(text, start), offset(text, end)
	out.next = func() (*found, error) {
		if !okNext {
			return nil, fault("T1010")
		}
		return custom(r, next, nil, text)
	}
	return out, nil
}

// offset is the byte at which a UTF-16 code unit stands.
func offset(text string, unit float64) int {
	at := 0
	for unit >= 1 && at < len(text) {
		n := runeSize(text[at:])
		unit--
		if n == 4 {
			unit--
		}
		at += n
	}
	return at
}

// limit is an argument that says how many at most.
func limit(a []any, i int, code string) (float64, error) {
	v := argument(a, i)
	if isUndef(v) {
		return math.Inf(1), nil
	}
	f, _ := number(v)
	if f < 0 {
		return 0, &Error{Code: code, value: v, index: i + 1}
	}
	return f, nil
}

func fnContains(r *run, a []any) (any, error) {
	if s, ok := a[1].(string); ok {
		return strings.Contains(str(a, 0), s), nil
	}
	f, ok := a[1].(function)
	if !ok {
		return nil, &Error{Code: "T0410", value: argument(a, 1), index: 2}
	}
	m, err := search(r, f, str(a, 0))
	return m != nil, err
}

func fnMatch(r *run, a []any) (any, error) {
	text := str(a, 0)
	most, err := limit(a, 2, "D3040")
	if err != nil {
		return nil, err
	}
	out := sequence()
	if most <= 0 {
		return out, nil
	}
	m, err := search(r, a[1].(function), text)
	at, index := 0, 0
	for n := 0.0; err == nil && m != nil && n < most; n++ {
		if m.index < 0 {
			index += units(text[at:m.start])
			at = m.start
			m.index = float64(index)
		}
		groups := m.groups
		if groups == nil {
			groups = []any{}
		}
		out.items = append(out.items, value.NewObject(value.Member{Name: "match", Value: m.text},
			value.Member{Name: "index", Value: m.index}, value.Member{Name: "groups", Value: groups}))
		if err := r.alloc(1, 256); err != nil {
			return nil, err
		}
		m, err = m.next()
	}
	return out, err
}

func fnSplit(r *run, a []any) (any, error) {
	text := str(a, 0)
	most, err := limit(a, 2, "D3020")
	if err != nil {
		return nil, err
	}
	out := []any{}
	if most <= 0 {
		return out, nil
	}
	if sep, ok := a[1].(string); ok {
		return splitText(r, text, sep, math.Floor(most))
	}
	f, ok := a[1].(function)
	if !ok {
		return nil, &Error{Code: "T0410", value: argument(a, 1), index: 2}
	}
	m, err := search(r, f, text)
	start, n := 0, 0.0
	for ; err == nil && m != nil && n < most; n++ {
		out = append(out, text[min(start, m.start):max(start, m.start)])
		start = m.end
		if err := r.grow(2); err != nil {
			return nil, err
		}
		m, err = m.next()
	}
	if err != nil {
		return nil, err
	}
	if n < most {
		out = append(out, text[start:])
	}
	return out, nil
}

func splitText(r *run, text, sep string, most float64) (any, error) {
	n := len(text) + 1
	if sep != "" {
		n = strings.Count(text, sep) + 1
	}
	if err := r.alloc(n, 32); err != nil {
		return nil, err
	}
	var parts []string
	if sep == "" {
		parts = runes(text)
	} else {
		parts = strings.Split(text, sep)
	}
	out := make([]any, 0, len(parts))
	for i, part := range parts {
		if float64(i) >= most {
			break
		}
		out = append(out, part)
	}
	return out, nil
}

func fnReplace(r *run, a []any) (any, error) {
	text := str(a, 0)
	pattern, isText := a[1].(string)
	if isText && pattern == "" {
		return nil, &Error{Code: "D3010", value: pattern, index: 2}
	}
	most, err := limit(a, 3, "D3011")
	if err != nil || most <= 0 {
		return text, err
	}
	if isText {
		with, ok := argument(a, 2).(string)
		if !ok {
			return nil, &Error{Code: "D3012", value: argument(a, 2)}
		}
		n := -1
		if most < math.MaxInt32 {
			n = int(math.Ceil(most))
		}
		if err := r.text(len(text) + strings.Count(text, pattern)*len(with)); err != nil {
			return nil, err
		}
		return strings.Replace(text, pattern, with, n), nil
	}
	f, ok := a[1].(function)
	if !ok {
		return nil, &Error{Code: "T0410", value: argument(a, 1), index: 2}
	}
	return replaceMatches(r, text, f, argument(a, 2), most)
}

func replaceMatches(r *run, text string, f function, with any, most float64) (any, error) {
	m, err := search(r, f, text)
	var b strings.Builder
	start := 0
	for n := 0.0; err == nil && m != nil && n < most; n++ {
		b.WriteString(text[min(start, m.start):max(start, m.start)])
		s, fail := replacement(r, m, text, with)
		if fail != nil {
			return nil, fail
		}
		if err := r.text(len(s) + 16); err != nil {
			return nil, err
		}
		b.WriteString(s)
		start = min(m.start+len(m.text), len(text))
		m, err = m.next()
	}
	if err != nil {
		return nil, err
	}
	b.WriteString(text[start:])
	return b.String(), r.text(b.Len())
}

// replacement is what a match is replaced with: a template, or what a function says.
func replacement(r *run, m *found, text string, with any) (string, error) {
	if template, ok := with.(string); ok {
		return m.fill(template), nil
	}
	f, ok := with.(function)
	if !ok {
		return "", &Error{Code: "D3012", value: with}
	}
	o := m.object
	if o == nil {
		start := units(text[:m.start])
		o = value.NewObject(value.Member{Name: "match", Value: m.text}, value.Member{Name: "start", Value: float64(start)},
			value.Member{Name: "end", Value: float64(start + units(m.text))}, value.Member{Name: "groups", Value: m.groups})
	}
	v, err := r.apply(f, []any{o}, nil)
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", &Error{Code: "D3012", value: v}
	}
	return s, nil
}

// fill puts the match into a template: $0 the match, $1... its groups, $$ a dollar.
func (m *found) fill(template string) string {
	digits := 1 // as many as the number of groups has
	for n := len(m.groups); n >= 10; n /= 10 {
		digits++
	}
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(template, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		template = after
		switch {
		case strings.HasPrefix(template, "$"):
			b.WriteByte('$')
			template = template[1:]
		case strings.HasPrefix(template, "0"):
			b.WriteString(m.text)
			template = template[1:]
		default:
			n := 0
			for n < digits && n < len(template) && template[n] >= '0' && template[n] <= '9' {
				n++
			}
			i, err := strconv.Atoi(template[:n])
			if err == nil && n > 1 && i > len(m.groups) {
				n--
				i, err = strconv.Atoi(template[:n])
			}
			if err != nil {
				b.WriteByte('$')
				continue
			}
			if i >= 1 && i <= len(m.groups) {
				s, _ := m.groups[i-1].(string)
				b.WriteString(s)
			}
			template = template[n:]
		}
	}
}
