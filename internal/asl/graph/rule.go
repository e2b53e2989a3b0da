package graph

import (
	"strings"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// signs are choice operators as people write them.
var signs = map[string]string{
	"Equals": "==", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "<=", "GreaterThanEquals": ">=", "Matches": "matches",
}

var tests = map[string]string{
	"IsNull": "null", "IsPresent": "present", "IsNumeric": "a number", "IsString": "a string", "IsBoolean": "a boolean", "IsTimestamp": "a timestamp",
}

// condition is a choice rule as people write one: $.count > 3 and not $.done.
func condition(r *syntax.Rule) string {
	switch {
	case r.Condition != nil:
		if r.Condition.Kind == syntax.String {
			return plain(r.Condition.Text)
		}
		return string(value.Text(r.Condition.Value()))
	case len(r.And) > 0:
		return joined(r.And, " and ")
	case len(r.Or) > 0:
		return joined(r.Or, " or ")
	case r.Not != nil:
		if truth, ok := r.Not.Operand.(bool); ok && tests[r.Not.Operator] != "" {
			flipped := *r.Not
			flipped.Operand = !truth
			return condition(&flipped)
		}
		return "not " + bracketed(r.Not)
	}
	if what, ok := tests[r.Operator]; ok {
		is := " is "
		if r.Operand == false {
			is = " is not "
		}
		return r.Variable + is + what
	}
	name, path := strings.CutSuffix(r.Operator, "Path")
	for _, kind := range []string{"String", "Numeric", "Boolean", "Timestamp"} {
		sign, ok := signs[strings.TrimPrefix(name, kind)]
		if !ok || !strings.HasPrefix(name, kind) {
			continue
		}
		if text, isText := r.Operand.(string); isText && path {
			return r.Variable + " " + sign + " " + text
		}
		return r.Variable + " " + sign + " " + string(value.Text(r.Operand))
	}
	return r.Variable + " " + r.Operator
}

func joined(rules []syntax.Rule, word string) string {
	texts := make([]string, len(rules))
	for i := range rules {
		texts[i] = bracketed(&rules[i])
	}
	return strings.Join(texts, word)
}

func bracketed(r *syntax.Rule) string {
	if len(r.And) > 1 || len(r.Or) > 1 {
		return "(" + condition(r) + ")"
	}
	return condition(r)
}
