package logs

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// condition is a part of a JSON pattern.
type condition func(doc any) bool

// parseJSONPattern reads a pattern like { ($.level = "ERR*") && $.n > 5 }.
func parseJSONPattern(text string) (matcher, error) {
	p := &jsonPattern{text: text[1:]}
	c, err := p.either()
	if err != nil {
		return nil, err
	}
	if !p.take("}") || strings.TrimSpace(p.text) != "" {
		return nil, p.fault("}")
	}
	return func(message string) bool {
		message = strings.TrimSpace(message)
		if !strings.HasPrefix(message, "{") && !strings.HasPrefix(message, "[") {
			return false
		}
		var doc any
		return json.Unmarshal([]byte(message), &doc) == nil && c(doc)
	}, nil
}

// jsonPattern is what remains to be read of a pattern.
type jsonPattern struct {
	text  string
	depth int
}

func (p *jsonPattern) space() { p.text = strings.TrimLeft(p.text, " \t\n") }

func (p *jsonPattern) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.text, token)
	if ok {
		p.text = rest
	}
	return ok
}

func (p *jsonPattern) fault(want string) error {
	p.space()
	if p.text == "" {
		return errPattern("it ends where " + want + " is expected")
	}
	return errPattern(want + " is expected at '" + p.text + "'")
}

func (p *jsonPattern) either() (condition, error) {
	left, err := p.both()
	for err == nil && p.take("||") {
		a := left
		var b condition
		b, err = p.both()
		left = func(doc any) bool { return a(doc) || b(doc) }
	}
	return left, err
}

func (p *jsonPattern) both() (condition, error) {
	left, err := p.one()
	for err == nil && p.take("&&") {
		a := left
		var b condition
		b, err = p.one()
		left = func(doc any) bool { return a(doc) && b(doc) }
	}
	return left, err
}

func (p *jsonPattern) one() (condition, error) {
	if p.take("(") {
		if p.depth++; p.depth > 100 {
			return nil, errPattern("it is nested too deeply")
		}
		defer func() { p.depth-- }()
		c, err := p.either()
		if err == nil && !p.take(")") {
			err = p.fault(")")
		}
		return c, err
	}
	get, err := p.selector()
	if err != nil {
		return nil, err
	}
	return p.test(get)
}

// selector reads $.a.b[0].["c d"] and returns the function that looks it up;
// [*] looks up every element.
func (p *jsonPattern) selector() (func(doc any) []any, error) {
	if !p.take("$") {
		return nil, p.fault("a selector ($.name)")
	}
	var steps []any // a string, an int, or nil for every element
	for {
		switch {
		case strings.HasPrefix(p.text, `.["`), strings.HasPrefix(p.text, `["`):
			name, rest, ok := quoted(strings.TrimPrefix(p.text, ".")[1:])
			if rest, found := strings.CutPrefix(rest, "]"); ok && found {
				steps, p.text = append(steps, name), rest
				continue
			}
			return nil, p.fault("a name")
		case strings.HasPrefix(p.text, "."):
			n := strings.IndexFunc(p.text[1:], func(r rune) bool { return !wordRune(r) && r != '-' }) + 1
			if n == 0 {
				n = len(p.text)
			}
			if n == 1 {
				return nil, p.fault("a name")
			}
			steps, p.text = append(steps, p.text[1:n]), p.text[n:]
		case strings.HasPrefix(p.text, "["):
			inside, rest, ok := strings.Cut(p.text[1:], "]")
			i, err := strconv.Atoi(inside)
			switch {
			case ok && inside == "*":
				steps = append(steps, nil)
			case ok && err == nil && i >= 0:
				steps = append(steps, i)
			default:
				return nil, p.fault("an index")
			}
			p.text = rest
		default:
			return func(doc any) []any { return lookUp(doc, steps) }, nil
		}
	}
}

func lookUp(doc any, steps []any) []any {
	if len(steps) == 0 {
		return []any{doc}
	}
	switch step := steps[0].(type) {
	case string:
		if m, ok := doc.(map[string]any); ok {
			if v, ok := m[step]; ok {
				return lookUp(v, steps[1:])
			}
		}
	case int:
		if l, ok := doc.([]any); ok && step < len(l) {
			return lookUp(l[step], steps[1:])
		}
	default:
		var all []any
		l, _ := doc.([]any)
		for _, v := range l {
			all = append(all, lookUp(v, steps[1:])...)
		}
		return all
	}
	return nil
}

var operators = [...]string{"!=", "<=", ">=", "=", "<", ">"}

// test reads what is asked of the selected values.
func (p *jsonPattern) test(get func(any) []any) (condition, error) {
	if p.word("NOT") {
		if !p.word("EXISTS") {
			return nil, p.fault("EXISTS")
		}
		return func(doc any) bool { return len(get(doc)) == 0 }, nil
	}
	if p.word("IS") {
		for name, value := range map[string]any{"TRUE": true, "FALSE": false, "NULL": nil} {
			if p.word(name) {
				return anyOf(get, func(v any) bool { return v == value }), nil
			}
		}
		return nil, p.fault("TRUE, FALSE or NULL")
	}
	for _, op := range operators {
		if p.take(op) {
			return p.compare(get, op)
		}
	}
	return nil, p.fault("an operator")
}

func (p *jsonPattern) word(w string) bool {
	p.space()
	if len(p.text) < len(w) || !strings.EqualFold(p.text[:len(w)], w) {
		return false
	}
	if rest := p.text[len(w):]; rest == "" || !wordRune(rune(rest[0])) {
		p.text = rest
		return true
	}
	return false
}

func anyOf(get func(any) []any, is func(any) bool) condition {
	return func(doc any) bool {
		for _, v := range get(doc) {
			switch v.(type) {
			case map[string]any, []any:
			default:
				if is(v) {
					return true
				}
			}
		}
		return false
	}
}

// compare reads the value on the right: a number, a text with wildcards, or a
// regular expression.
func (p *jsonPattern) compare(get func(any) []any, op string) (condition, error) {
	p.space()
	switch {
	case strings.HasPrefix(p.text, `"`):
		value, rest, ok := quoted(p.text)
		if !ok {
			return nil, errPattern("a quotation mark is not closed")
		}
		p.text = rest
		return compareText(get, op, value)
	case strings.HasPrefix(p.text, "%"):
		expr, rest, ok := strings.Cut(p.text[1:], "%")
		re, err := regexp.Compile(expr)
		if !ok || err != nil {
			return nil, errPattern("not a regular expression: '" + p.text + "'")
		}
		p.text = rest
		return equality(get, op, func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) })
	}
	end := strings.IndexAny(p.text, " \t\n)}&|")
	if end <= 0 {
		return nil, p.fault("a value")
	}
	value := p.text[:end]
	p.text = p.text[end:]
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return compareNumber(get, op, n), nil
	}
	for _, r := range value {
		if !wordRune(r) && !strings.ContainsRune("*.-+:/", r) {
			return nil, errPattern("Invalid character(s) in term '" + value + "'")
		}
	}
	return compareText(get, op, value)
}

func compareNumber(get func(any) []any, op string, n float64) condition {
	return anyOf(get, func(v any) bool {
		f, ok := v.(float64)
		if s, isText := v.(string); isText {
			var err error
			f, err = strconv.ParseFloat(s, 64)
			ok = err == nil
		}
		switch op {
		case "=":
			return ok && f == n
		case "!=":
			return !ok || f != n
		case "<":
			return ok && f < n
		case "<=":
			return ok && f <= n
		case ">":
			return ok && f > n
		}
		return ok && f >= n
	})
}

func compareText(get func(any) []any, op, value string) (condition, error) {
	parts := strings.Split(value, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	re, err := regexp.Compile("(?s)^" + strings.Join(parts, ".*") + "$")
	if err != nil {
		return nil, errPattern(err.Error())
	}
	return equality(get, op, func(v any) bool {
		switch v := v.(type) {
		case string:
			return re.MatchString(v)
		case float64:
			return re.MatchString(strconv.FormatFloat(v, 'f', -1, 64))
		case bool:
			return re.MatchString(strconv.FormatBool(v))
		}
		return false
	})
}

func equality(get func(any) []any, op string, is func(any) bool) (condition, error) {
	switch op {
	case "=":
		return anyOf(get, is), nil
	case "!=":
		return anyOf(get, func(v any) bool { return !is(v) }), nil
	}
	return nil, errPattern("texts can be compared by = and != only")
}
