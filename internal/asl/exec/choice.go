package exec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// choiceCode is a compiled Choice state.
type choiceCode struct {
	rules    []rule
	fallback string // Default
}

// rule is a compiled choice rule.
type rule struct {
	next     string
	assign   *template
	output   *template // JSONata
	always   *bool     // JSONata: a Condition that is no expression
	when     *expr     // JSONata: one that is
	and, or  []rule
	not      *rule
	variable *expr
	operator string // without Path
	operand  value.Value
	path     *expr // the operand's, of a ...Path operator
}

func (c *compiler) choice(b *syntax.Choice) *choiceCode {
	return &choiceCode{c.rules(b.Choices), b.Default}
}

func (c *compiler) rules(list []syntax.Rule) []rule {
	var out []rule
	for i, r := range list {
		out = append(out, c.rule(r, fmt.Sprintf("Choices[%d]/", i)))
	}
	return out
}

func (c *compiler) rule(r syntax.Rule, at string) rule {
	out := rule{next: r.Next, assign: c.template(r.Assign, at+"Assign"), and: c.rules(r.And), or: c.rules(r.Or), operator: r.Operator, operand: r.Operand}
	if r.Not != nil {
		out.not = new(c.rule(*r.Not, at))
	}
	if c.query {
		out.output = c.template(r.Output, at+"Output")
		if n := r.Condition; n != nil && n.Kind == syntax.Bool {
			out.always = &n.Truth
		} else if n != nil {
			out.when = c.queryExpr(n.Text, at+"Condition")
		}
		return out
	}
	if r.Variable != "" {
		out.variable = c.expr(r.Variable)
	}
	if base, ok := strings.CutSuffix(r.Operator, "Path"); ok {
		text, _ := r.Operand.(string)
		out.operator, out.path = base, c.expr(text)
	}
	return out
}

func (x *Execution) choose(f *frame) error {
	input, err := x.effectiveInput(f)
	if err != nil {
		return err
	}
	sc := x.scope(f, input)
	code := f.state.choice
	for i := range code.rules {
		r := &code.rules[i]
		ok, err := sc.test(r)
		if err != nil {
			return err
		}
		if ok {
			x.finish(f, output{result: f.input, next: r.next, assign: r.assign, output: r.output, ruled: true})
			return nil
		}
	}
	if code.fallback == "" {
		return &stateFault{name: errNoChoice, cause: "Failed to transition out of the state. The state does not point to a next state."}
	}
	x.finish(f, output{result: f.input, next: code.fallback})
	return nil
}

func (s *scope) test(r *rule) (bool, error) {
	switch {
	case r.always != nil:
		return *r.always, nil
	case r.when != nil:
		v, err := s.typed(r.when, "boolean")
		return v == true, err
	case r.and != nil || r.or != nil:
		list, stop := r.and, false
		if r.or != nil {
			list, stop = r.or, true
		}
		for i := range list {
			if ok, err := s.test(&list[i]); err != nil || ok == stop {
				return ok, err
			}
		}
		return !stop, nil
	case r.not != nil:
		ok, err := s.test(r.not)
		return !ok, err
	case r.variable == nil:
		return false, runtimeFault("A choice rule has no Variable.")
	}
	v, err := s.eval(r.variable)
	var missing *jsonpath.NotFound
	if errors.As(err, &missing) {
		if r.operator == "IsPresent" {
			return r.operand == false, nil
		}
		return false, invalidChoicePath(r.variable)
	}
	if err != nil {
		return false, s.fault(err, "Variable", r.variable)
	}
	operand := r.operand
	if r.path != nil {
		operand, err = s.eval(r.path)
		if errors.As(err, &missing) {
			return false, invalidChoicePath(r.path)
		}
		if err != nil {
			return false, s.fault(err, r.operator+"Path", r.path)
		}
	}
	return compare(r.operator, v, operand), nil
}

func invalidChoicePath(e *expr) error {
	return runtimeFault("Invalid path '%s': The choice state's condition path references an invalid value.", e.text)
}

// compare applies a choice operator; values of another type than the
// operator's never match.
func compare(operator string, v, operand value.Value) bool {
	if test, ok := strings.CutPrefix(operator, "Is"); ok {
		return is(test, v) == (operand == true)
	}
	switch syntax.Operators[operator] {
	case syntax.TextOperand:
		a, ok := v.(string)
		b, also := operand.(string)
		return ok && also && order(strings.TrimPrefix(operator, "String"), strings.Compare(a, b))
	case syntax.PatternOperand:
		a, ok := v.(string)
		b, also := operand.(string)
		return ok && also && wildcard(a, b)
	case syntax.NumberOperand:
		a, ok := v.(value.Number)
		b, also := operand.(value.Number)
		return ok && also && order(strings.TrimPrefix(operator, "Numeric"), compareNumbers(a, b))
	case syntax.TruthOperand:
		a, ok := v.(bool)
		b, also := operand.(bool)
		return ok && also && a == b
	case syntax.TimeOperand:
		a, ok := timeOf(v)
		b, also := timeOf(operand)
		return ok && also && order(strings.TrimPrefix(operator, "Timestamp"), a.Compare(b))
	}
	return false
}

func compareNumbers(a, b value.Number) int {
	i, ok := a.Int()
	j, also := b.Int()
	if ok && also {
		return int(min(max(compareInts(i, j), -1), 1))
	}
	switch x, y := a.Float(), b.Float(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareInts(a, b int64) int64 {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func order(relation string, c int) bool {
	switch relation {
	case "Equals":
		return c == 0
	case "LessThan":
		return c < 0
	case "GreaterThan":
		return c > 0
	case "LessThanEquals":
		return c <= 0
	}
	return c >= 0
}

func timeOf(v value.Value) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return parseTimestamp(s)
}

func is(test string, v value.Value) bool {
	switch test {
	case "Null":
		return v == nil
	case "Present":
		return true
	case "Numeric":
		_, ok := v.(value.Number)
		return ok
	case "String":
		_, ok := v.(string)
		return ok
	case "Boolean":
		_, ok := v.(bool)
		return ok
	}
	_, ok := timeOf(v)
	return ok
}

// wildcard matches s with a pattern in which * stands for any text and a
// backslash takes * and \ literally.
func wildcard(s, pattern string) bool {
	type part struct {
		c   byte
		any bool
	}
	var parts []part
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			parts = append(parts, part{c: pattern[i]})
		case pattern[i] == '*':
			parts = append(parts, part{any: true})
		default:
			parts = append(parts, part{c: pattern[i]})
		}
	}
	i, j, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case j < len(parts) && parts[j].any:
			star, mark = j, i
			j++
		case j < len(parts) && parts[j].c == s[i]:
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(parts) && parts[j].any {
		j++
	}
	return j == len(parts)
}
