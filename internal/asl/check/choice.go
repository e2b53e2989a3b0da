package check

import (
	"maps"
	"slices"
	"strings"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
	"stepwell/internal/diag"
)

func (c *checker) choice(s *syntax.State, b *syntax.Choice, at string) {
	if !c.required(at, s.Node, "Choices") {
		return
	}
	if len(b.Choices) == 0 {
		c.schema(at+"/Choices", s.Node.Get("Choices"), "Value cannot be empty")
	}
	for i, r := range b.Choices {
		place := indexed(at+"/Choices", i)
		c.required(place, r.Node, "Next")
		c.template(r.Assign.Node, place+"/Assign")
		c.variables(r.Assign.Node, place+"/Assign", false)
		c.rule(r, place, true)
	}
}

func (c *checker) rule(r syntax.Rule, at string, top bool) {
	if !top && r.Next != "" {
		c.schema(at+"/Next", r.Node.Get("Next"), "Field is not supported")
	}
	known := []string{"Comment", "Next", "Assign", "Variable", "And", "Or", "Not"}
	for _, m := range r.Node.Members {
		if !isOperator(m.Name) && !contains(known, m.Name) {
			c.add(syntax.SchemaFailed, at+"/"+m.Name, m.NameSpan, nearestOperator(m.Name), "Field is not supported")
		}
	}
	for name, rules := range map[string][]syntax.Rule{"And": r.And, "Or": r.Or} {
		if n := r.Node.Get(name); n != nil && len(rules) == 0 {
			c.schema(at+"/"+name, n, "Value cannot be empty")
		}
	}
	for i, inner := range r.And {
		c.rule(inner, indexed(at+"/And", i), false)
	}
	for i, inner := range r.Or {
		c.rule(inner, indexed(at+"/Or", i), false)
	}
	if r.Not != nil {
		c.rule(*r.Not, at+"/Not", false)
	}
	if r.Node.Get("And") != nil || r.Node.Get("Or") != nil || r.Node.Get("Not") != nil {
		c.oneOf(r.Node, at, true, "And", "Or", "Not", "Variable")
		return
	}
	if !c.required(at, r.Node, "Variable") {
		return
	}
	if !validPath(r.Variable) {
		c.schema(at+"/Variable", r.Node.Get("Variable"), "Value is not a valid JSONPath")
	}
	c.operator(r, at)
}

func isOperator(name string) bool {
	if syntax.Operators[name] != 0 {
		return true
	}
	base, ok := strings.CutSuffix(name, "Path")
	kind := syntax.Operators[base]
	return ok && kind != 0 && kind != syntax.TestOperand && kind != syntax.PatternOperand
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

func nearestOperator(name string) string {
	return diag.Nearest(name, slices.Sorted(maps.Keys(syntax.Operators)))
}

// operator checks that a test has one operator and that its operand fits.
func (c *checker) operator(r syntax.Rule, at string) {
	count := 0
	for _, m := range r.Node.Members {
		if isOperator(m.Name) {
			count++
		}
	}
	if count != 1 {
		c.schema(at, r.Node, "Exactly one comparison operator is required")
		return
	}
	n := r.Node.Get(r.Operator)
	place := at + "/" + r.Operator
	text, isText := r.Operand.(string)
	_, isNumber := r.Operand.(value.Number)
	_, isTruth := r.Operand.(bool)
	if strings.HasSuffix(r.Operator, "Path") {
		if !isText || !validPath(text) {
			c.schema(place, n, "Value is not a valid JSONPath")
		}
		return
	}
	switch syntax.Operators[r.Operator] {
	case syntax.TextOperand, syntax.PatternOperand:
		if !isText {
			c.schema(place, n, "Expected value of type String")
		}
	case syntax.NumberOperand:
		if !isNumber {
			c.schema(place, n, "Expected value of type Number")
		}
	case syntax.TruthOperand, syntax.TestOperand:
		if !isTruth {
			c.schema(place, n, "Expected value of type Boolean")
		}
	case syntax.TimeOperand:
		if !isText || !validTimestamp(text) {
			c.schema(place, n, "String does not match RFC3339 timestamp")
		}
	}
}
