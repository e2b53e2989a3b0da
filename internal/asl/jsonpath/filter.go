package jsonpath

import (
	"regexp"
	"strings"

	"stepwell/internal/asl/value"
)

// expr is a filter expression: a connective, a negation, or a comparison.
type expr struct {
	op          string // && || ! exists, or a comparison operator
	left, right *expr
	a, b        operand
}

type operand struct {
	path    *Path
	current bool // the path starts with @
	literal value.Value
	regex   *regexp.Regexp
}

const maxFilterDepth = 100

func (p *parser) filterStep() (step, error) {
	p.space()
	if !p.take("(") {
		return step{}, p.fault("( is missing after ?")
	}
	p.filter++
	e, err := p.or()
	p.filter--
	if err != nil {
		return step{}, err
	}
	p.space()
	if !p.take(")") {
		return step{}, p.fault(") is missing")
	}
	return step{kind: stepFilter, filter: e}, nil
}

func (p *parser) or() (*expr, error) {
	return p.connect("||", func() (*expr, error) { return p.connect("&&", p.unary) })
}

func (p *parser) connect(op string, operand func() (*expr, error)) (*expr, error) {
	left, err := operand()
	for err == nil {
		p.space()
		if !p.take(op) {
			return left, nil
		}
		var right *expr
		right, err = operand()
		left = &expr{op: op, left: left, right: right}
	}
	return nil, err
}

func (p *parser) unary() (*expr, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, p.fault("nested too deeply")
	}
	defer func() { p.depth-- }()
	p.space()
	if p.take("!") {
		e, err := p.unary()
		return &expr{op: "!", left: e}, err
	}
	if p.take("(") {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(")") {
			return nil, p.fault(") is missing")
		}
		return e, nil
	}
	return p.comparison()
}

var operators = []string{"==", "!=", "<=", ">=", "=~", "<", ">", "in ", "nin ", "subsetof ", "anyof ", "noneof ",
	"contains ", "size ", "empty "}

func (p *parser) comparison() (*expr, error) {
	a, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.space()
	for _, op := range operators {
		if p.take(op) {
			p.space()
			b, err := p.operand()
			return &expr{op: strings.TrimSpace(op), a: a, b: b}, err
		}
	}
	if a.path == nil {
		return nil, p.fault("an operator is missing")
	}
	return &expr{op: "exists", a: a}, nil
}

func (p *parser) operand() (operand, error) {
	switch c := p.peek(); {
	case c == '@' || c == '$':
		path, err := p.path()
		return operand{path: path, current: c == '@'}, err
	case c == '\'' || c == '"':
		s, err := p.quoted()
		return operand{literal: s}, err
	case c == '/':
		return p.regex()
	}
	return p.literal()
}

func (p *parser) regex() (operand, error) {
	end := p.at + 1
	for end < len(p.text) && p.text[end] != '/' {
		if p.text[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.text) {
		return operand{}, p.fault("the regular expression is not closed")
	}
	pattern := p.text[p.at+1 : end]
	p.at = end + 1
	if p.take("i") {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile("^(?:" + pattern + ")$")
	if err != nil {
		return operand{}, p.fault("%v", err)
	}
	return operand{regex: re}, nil
}

// literal reads a number, true, false, null, or a JSON array.
func (p *parser) literal() (operand, error) {
	start := p.at
	if p.peek() == '[' {
		for depth := 0; p.at < len(p.text); p.at++ {
			if p.text[p.at] == '[' {
				depth++
			} else if p.text[p.at] == ']' {
				if depth--; depth == 0 {
					p.at++
					break
				}
			}
		}
	} else {
		for p.at < len(p.text) && !strings.ContainsRune(" )&|]=<>!,", rune(p.text[p.at])) {
			p.at++
		}
	}
	text := p.text[start:p.at]
	v, err := value.Parse([]byte(text))
	if err != nil && strings.HasPrefix(text, "[") {
		v, err = value.Parse([]byte(strings.ReplaceAll(text, "'", `"`)))
	}
	if err != nil && word.MatchString(text) {
		v, err = text, nil
	}
	if err != nil {
		return operand{}, p.fault("%q is not a value", text)
	}
	return operand{literal: v}, nil
}

// word is text without quotes, as in [?(@.lang==es)], which definitions that
// run on the service have.
var word = regexp.MustCompile(`^[\pL_][\pL\d_-]*$`)

// missing marks an operand path that selects nothing.
type missing struct{}

func (o operand) eval(e *evaluator, current value.Value) value.Value {
	if o.path == nil {
		return o.literal
	}
	doc := e.root
	if o.current {
		doc = current
	}
	v, err := o.path.eval(doc, e)
	if err != nil {
		return missing{}
	}
	return v
}

func (e *expr) truth(in *evaluator, current value.Value) bool {
	switch e.op {
	case "&&":
		return e.left.truth(in, current) && e.right.truth(in, current)
	case "||":
		return e.left.truth(in, current) || e.right.truth(in, current)
	case "!":
		return !e.left.truth(in, current)
	}
	a := e.a.eval(in, current)
	if e.op == "exists" {
		_, absent := a.(missing)
		return !absent
	}
	return compare(e.op, a, e.b.eval(in, current), e.b.regex)
}

func compare(op string, a, b value.Value, re *regexp.Regexp) bool {
	switch op {
	case "==":
		return same(a, b)
	case "!=":
		return !same(a, b)
	case "=~":
		s, ok := a.(string)
		return ok && re != nil && re.MatchString(s)
	case "in":
		return isIn(a, b)
	case "nin":
		return !isIn(a, b)
	case "contains":
		if s, ok := a.(string); ok {
			t, ok := b.(string)
			return ok && strings.Contains(s, t)
		}
		return isIn(b, a)
	case "size", "empty":
		n := size(a)
		if op == "empty" {
			return n >= 0 && (n == 0) == (b == true)
		}
		want, ok := b.(value.Number)
		return ok && n >= 0 && float64(n) == want.Float()
	case "subsetof", "anyof", "noneof":
		return sets(op, a, b)
	}
	return ordered(op, a, b)
}

func same(a, b value.Value) bool {
	_, x := a.(missing)
	_, y := b.(missing)
	if x || y {
		return x && y
	}
	return value.Equal(a, b)
}

func isIn(v, list value.Value) bool {
	items, _ := list.([]value.Value)
	for _, i := range items {
		if same(v, i) {
			return true
		}
	}
	return false
}

func size(v value.Value) int {
	switch v := v.(type) {
	case string:
		return len([]rune(v))
	case []value.Value:
		return len(v)
	case *value.Object:
		return v.Len()
	}
	return -1
}

func sets(op string, a, b value.Value) bool {
	items, ok := a.([]value.Value)
	if !ok {
		return false
	}
	in := 0
	for _, i := range items {
		if isIn(i, b) {
			in++
		}
	}
	switch op {
	case "subsetof":
		return in == len(items)
	case "anyof":
		return in > 0
	}
	return in == 0
}

func ordered(op string, a, b value.Value) bool {
	order := 0
	switch x := a.(type) {
	case value.Number:
		y, ok := b.(value.Number)
		if !ok {
			return false
		}
		fx, fy := x.Float(), y.Float()
		if fx < fy {
			order = -1
		} else if fx > fy {
			order = 1
		}
	case string:
		y, ok := b.(string)
		if !ok {
			return false
		}
		order = strings.Compare(x, y)
	default:
		return false
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
