package jsonata

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"stepwell/internal/asl/value"
)

// matcher is a regular expression, which is a function of a text.
type matcher struct {
	re     *regexp.Regexp
	source string
	empty  bool // matches the empty text
	pos    int
}

// match is one match in a text; offsets are bytes.
type match struct {
	m      *matcher
	text   string
	bounds []int
	all    [][]int // all matches of the text, once the second one is asked for
	i      int     // which of them this is
	from   int     // where the search for the first one began
}

// find is the first match from an offset on.
func (m *matcher) find(r *run, text string, from int) (*match, error) {
	if err := r.work(1 + (len(text)-from)/16); err != nil {
		return nil, err
	}
	bounds := m.re.FindStringSubmatchIndex(text[from:])
	if bounds == nil {
		return nil, nil
	}
	for i := range bounds {
		if bounds[i] >= 0 {
			bounds[i] += from
		}
	}
	return &match{m: m, text: text, bounds: bounds, from: from}, nil
}

func (t *match) start() int { return t.bounds[0] }
func (t *match) end() int   { return t.bounds[1] }

func (t *match) group(i int) (string, bool) {
	if 2*i+1 >= len(t.bounds) || t.bounds[2*i] < 0 {
		return "", false
	}
	return t.text[t.bounds[2*i]:t.bounds[2*i+1]], true
}

func (t *match) groups() []any {
	out := make([]any, 0, len(t.bounds)/2-1)
	for i := 1; 2*i < len(t.bounds); i++ {
		if s, ok := t.group(i); ok {
			out = append(out, s)
		} else {
			out = append(out, undef{})
		}
	}
	return out
}

// next is the match behind this one. A match of nothing is an error there.
func (t *match) next(r *run) (*match, error) {
	if t.end() >= len(t.text) {
		return nil, nil
	}
	if t.from > 0 || t.m.empty {
		// Go skips a match of nothing behind a match, which must be seen here.
		next, err := t.m.find(r, t.text, t.end())
		if err == nil && next != nil && next.start() == next.end() {
			return nil, &Error{Code: "D1004", Position: t.m.pos, value: t.m.source}
		}
		return next, err
	}
	all := t.all
	if all == nil {
		if err := r.work(len(t.text) / 16); err != nil {
			return nil, err
		}
		all = t.m.re.FindAllStringSubmatchIndex(t.text, -1)
		if err := r.alloc(len(all), 48); err != nil {
			return nil, err
		}
	}
	if t.i+1 >= len(all) {
		return nil, nil
	}
	return &match{m: t.m, text: t.text, bounds: all[t.i+1], all: all, i: t.i + 1}, nil
}

func (m *matcher) arity() int { return 2 }

// call makes a matcher a function: of a text, and where to begin.
func (m *matcher) call(r *run, args []any, _ any) (any, error) {
	text, ok := argument(args, 0).(string)
	if !ok {
		return undef{}, nil
	}
	from, at := 0, num(args, 1)
	for ; at > 0 && from < len(text); at-- {
		from += runeSize(text[from:])
	}
	t, err := m.find(r, text, from)
	if err != nil || t == nil {
		return undef{}, err
	}
	return t.object(), nil
}

// object is the match as a matcher function gives it.
func (t *match) object() *value.Object {
	whole, _ := t.group(0)
	start := units(t.text[:t.start()])
	return value.NewObject(
		value.Member{Name: "match", Value: whole},
		value.Member{Name: "start", Value: float64(start)},
		value.Member{Name: "end", Value: float64(start + units(whole))},
		value.Member{Name: "groups", Value: t.groups()},
		value.Member{Name: "next", Value: &nextMatch{t}})
}

// nextMatch is the function next of a match.
type nextMatch struct{ of *match }

func (n *nextMatch) arity() int { return 0 }

func (n *nextMatch) call(r *run, _ []any, _ any) (any, error) {
	t, err := n.of.next(r)
	if err != nil || t == nil {
		return undef{}, err
	}
	return t.object(), nil
}

// compileRegex maps JavaScript's syntax to Go's.
func compileRegex(source, flags string) (*matcher, *Error) {
	t := &regexSyntaxMap{src: source}
	if err := t.run(); err != nil {
		return nil, err
	}
	prefix := ""
	for _, flag := range [...]string{"i", "m"} {
		if strings.Contains(flags, flag) {
			prefix += "(?" + flag + ")"
		}
	}
	re, err := regexp.Compile(prefix + t.out.String())
	if err != nil {
		return nil, &Error{Code: "S0303", detail: strings.TrimPrefix(err.Error(), "error parsing regexp: ")}
	}
	return &matcher{re: re, source: source, empty: re.MatchString("")}, nil
}

// regexSyntaxMap rewrites a pattern piece by piece.
type regexSyntaxMap struct {
	src string
	at  int
	out strings.Builder
}

func unsupported(what string) *Error { return &Error{Code: "S0303", detail: what} }

const (
	jsSpace = `\t\n\v\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	jsDot   = `[^\n\r\x{2028}\x{2029}]`
)

func (t *regexSyntaxMap) run() *Error {
	for t.at < len(t.src) {
		rest := t.src[t.at:]
		var err *Error
		switch c := rest[0]; c {
		case '\\':
			err = t.escape(false)
		case '[':
			err = t.class()
		case '(':
			err = t.open(rest)
		case '.':
			t.out.WriteString(jsDot)
			t.at++
		case '{':
			if !isRepeat(rest) { // stands for itself
				t.out.WriteByte('\\')
			}
			t.out.WriteByte(c)
			t.at++
		default:
			t.out.WriteByte(c)
			t.at++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *regexSyntaxMap) open(rest string) *Error {
	for _, form := range []struct{ begin, name string }{
		{"(?=", "lookahead (?=...)"}, {"(?!", "negative lookahead (?!...)"},
		{"(?<=", "lookbehind (?<=...)"}, {"(?<!", "negative lookbehind (?<!...)"},
	} {
		if strings.HasPrefix(rest, form.begin) {
			return unsupported(form.name)
		}
	}
	for _, begin := range []string{"(?:", "(?<", "("} {
		if strings.HasPrefix(rest, begin) {
			if begin == "(" && strings.HasPrefix(rest, "(?") {
				return unsupported("group " + rest[:min(len(rest), 3)])
			}
			t.out.WriteString(begin)
			t.at += len(begin)
			break
		}
	}
	return nil
}

// isRepeat tells whether {n}, {n,} or {n,m} begins here.
func isRepeat(s string) bool {
	end := strings.IndexByte(s, '}')
	if end < 2 {
		return false
	}
	from, to, _ := strings.Cut(s[1:end], ",")
	for _, n := range []string{from, to} {
		if strings.Trim(n, "0123456789") != "" {
			return false
		}
	}
	return from != ""
}

// escape maps what begins with a backslash.
func (t *regexSyntaxMap) escape(inClass bool) *Error {
	if t.at+1 >= len(t.src) {
		return unsupported("\\ at the end of the pattern")
	}
	rest := t.src[t.at+1:]
	c := rest[0]
	t.at += 2
	switch {
	case strings.IndexByte("dDwWtnrfv", c) >= 0, strings.IndexByte("bB", c) >= 0 && !inClass:
		t.out.WriteString(`\` + string(c))
	case c == 'b':
		t.out.WriteString(`\x08`)
	case c == 's' && inClass:
		t.out.WriteString(jsSpace)
	case c == 's':
		t.out.WriteString("[" + jsSpace + "]")
	case c == 'S' && inClass:
		return unsupported("\\S within brackets")
	case c == 'S':
		t.out.WriteString("[^" + jsSpace + "]")
	case c == '0':
		t.out.WriteString(`\x00`)
	case c >= '1' && c <= '9':
		return unsupported("backreference \\" + string(c))
	case c == 'k':
		return unsupported("backreference \\k")
	case c == 'p', c == 'P':
		t.out.WriteByte(c) // without the flag u they are letters
	case c == 'x' && t.hex(rest[1:], 2), c == 'u' && t.hex(rest[1:], 4):
	case c == 'c' && len(rest) > 1:
		t.out.WriteString(`\x` + strconv.FormatInt(int64(rest[1]&31)+0x100, 16)[1:])
		t.at++
	default:
		r, size := utf8.DecodeRuneInString(rest)
		t.at += size - 1
		t.out.WriteString(regexp.QuoteMeta(string(r)))
		if r == '-' && inClass {
			s := t.out.String()
			t.out.Reset()
			t.out.WriteString(s[:len(s)-1] + `\-`)
		}
	}
	return nil
}

// hex maps \xHH and \uHHHH.
func (t *regexSyntaxMap) hex(digits string, n int) bool {
	if len(digits) < n {
		return false
	}
	if _, err := strconv.ParseUint(digits[:n], 16, 32); err != nil {
		return false
	}
	t.out.WriteString(`\x{` + digits[:n] + `}`)
	t.at += n
	return true
}

// class maps [...].
func (t *regexSyntaxMap) class() *Error {
	rest := t.src[t.at:]
	switch {
	case strings.HasPrefix(rest, "[^]"):
		t.out.WriteString(`[\x{0}-\x{10ffff}]`)
		t.at += 3
		return nil
	case strings.HasPrefix(rest, "[]"):
		t.out.WriteString(`[^\x{0}-\x{10ffff}]`)
		t.at += 2
		return nil
	}
	t.out.WriteByte('[')
	t.at++
	if strings.HasPrefix(rest, "[^") {
		t.out.WriteByte('^')
		t.at++
	}
	for t.at < len(t.src) {
		switch c := t.src[t.at]; c {
		case ']':
			t.out.WriteByte(c)
			t.at++
			return nil
		case '\\':
			if err := t.escape(true); err != nil {
				return err
			}
		case '[', '&', '~':
			t.out.WriteString(`\` + string(c))
			t.at++
		default:
			t.out.WriteByte(c)
			t.at++
		}
	}
	return unsupported("missing closing ]")
}
