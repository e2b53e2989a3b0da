package sns

import (
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
)

// filter is a filter policy ("Amazon SNS subscription filter policies"): every
// key must match, an array of rules matches when one of them does.
type filter struct {
	fields map[string]filterField
	or     []filter // alternatives of $or
}

// filterField is what stands behind a key: rules for its value, or the policy
// of a nested object.
type filterField struct {
	rules  []rule
	nested *filter
}

// rule reports whether a value matches; present is false where there is none.
// Values are those of encoding/json.
type rule func(value any, present bool) bool

const maxFilterKeys = 5

// parseFilter reads a filter policy; body says that it applies to the message
// body, where keys may nest.
func parseFilter(policy string, body bool) (*filter, error) {
	var tree map[string]any
	if err := json.Unmarshal([]byte(policy), &tree); err != nil {
		return nil, badFilter("failed to parse JSON.")
	}
	keys := 0
	f, err := readFilter(tree, body, &keys)
	if err != nil {
		return nil, err
	}
	if keys > maxFilterKeys {
		return nil, badFilter("Filter policy can not have more than %d keys", maxFilterKeys)
	}
	return f, nil
}

func badFilter(format string, args ...any) *awserr.Error {
	return api.InvalidParameterException("Invalid parameter: FilterPolicy: "+format, args...)
}

func readFilter(tree map[string]any, body bool, keys *int) (*filter, error) {
	f := &filter{fields: map[string]filterField{}}
	for key, node := range tree {
		switch node := node.(type) {
		case []any:
			if key == "$or" && alternatives(node) {
				for _, alternative := range node {
					sub, err := readFilter(alternative.(map[string]any), body, keys)
					if err != nil {
						return nil, err
					}
					f.or = append(f.or, *sub)
				}
				continue
			}
			*keys++
			rules, err := readRules(node)
			if err != nil {
				return nil, err
			}
			f.fields[key] = filterField{rules: rules}
		case map[string]any:
			if !body {
				return nil, badFilter("Filter policy scope MessageAttributes does not support nested filter policy")
			}
			if len(node) == 0 {
				return nil, badFilter("Empty objects are not allowed")
			}
			nested, err := readFilter(node, body, keys)
			if err != nil {
				return nil, err
			}
			f.fields[key] = filterField{nested: nested}
		default:
			return nil, badFilter("\"%s\" must be an object or an array", key)
		}
	}
	return f, nil
}

// alternatives reports whether the value of $or is a list of two or more objects.
func alternatives(list []any) bool {
	return len(list) > 1 && !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
}

func readRules(list []any) ([]rule, error) {
	if len(list) == 0 {
		return nil, badFilter("Empty arrays are not allowed")
	}
	var rules []rule
	for _, item := range list {
		operator, ok := item.(map[string]any)
		if !ok {
			if _, isList := item.([]any); isList {
				return nil, badFilter("Match value must be String, number, true, false, or null")
			}
			rules = append(rules, equal(item))
			continue
		}
		if len(operator) != 1 {
			return nil, badFilter("Only one key allowed in match expression")
		}
		for name, operand := range operator {
			r, err := readOperator(name, operand)
			if err != nil {
				return nil, err
			}
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func readOperator(name string, operand any) (rule, error) {
	switch name {
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, badFilter("exists match pattern must be either true or false.")
		}
		return func(_ any, present bool) bool { return present == want }, nil
	case "prefix", "suffix", "equals-ignore-case":
		arg, ok := operand.(string)
		if !ok {
			return nil, badFilter("%s match pattern must be a string", name)
		}
		return onString(textMatch(name, arg)), nil
	case "cidr":
		arg, _ := operand.(string)
		network, err := netip.ParsePrefix(arg)
		if err != nil {
			return nil, badFilter("Malformed CIDR, one '/' required")
		}
		return onString(func(v string) bool {
			address, err := netip.ParseAddr(v)
			return err == nil && network.Contains(address)
		}), nil
	case "numeric":
		return readNumeric(operand)
	case "anything-but":
		return readAnythingBut(operand)
	}
	return nil, badFilter("Unrecognized match type %s", name)
}

func textMatch(name, arg string) func(string) bool {
	switch name {
	case "prefix":
		return func(v string) bool { return strings.HasPrefix(v, arg) }
	case "suffix":
		return func(v string) bool { return strings.HasSuffix(v, arg) }
	}
	return func(v string) bool { return strings.EqualFold(v, arg) }
}

func onString(f func(string) bool) rule {
	return func(value any, present bool) bool {
		v, ok := value.(string)
		return present && ok && f(v)
	}
}

func equal(want any) rule {
	return func(value any, present bool) bool { return present && value == want }
}

func readNumeric(operand any) (rule, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, badFilter("Invalid member in numeric match: ]")
	}
	var tests []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		bound, ok := list[i+1].(float64)
		if !ok || math.Abs(bound) > 1e9 {
			return nil, badFilter("Value of %s must be numeric", op)
		}
		test := comparison(op, bound)
		if test == nil {
			return nil, badFilter("Unrecognized numeric range operator: %s", op)
		}
		tests = append(tests, test)
	}
	return func(value any, present bool) bool {
		v, ok := value.(float64)
		return present && ok && !slices.ContainsFunc(tests, func(test func(float64) bool) bool { return !test(v) })
	}, nil
}

func comparison(op string, bound float64) func(float64) bool {
	switch op {
	case "=":
		return func(v float64) bool { return v == bound }
	case "<":
		return func(v float64) bool { return v < bound }
	case "<=":
		return func(v float64) bool { return v <= bound }
	case ">":
		return func(v float64) bool { return v > bound }
	case ">=":
		return func(v float64) bool { return v >= bound }
	}
	return nil
}

// readAnythingBut reads a value, a list of values, or one of the text operators
// with a string or a list of strings.
func readAnythingBut(operand any) (rule, error) {
	var unwanted []rule
	switch operand := operand.(type) {
	case string, float64:
		unwanted = append(unwanted, equal(operand))
	case []any:
		for _, v := range operand {
			switch v.(type) {
			case string, float64:
				unwanted = append(unwanted, equal(v))
			default:
				return nil, badFilter("Inside anything but list, number|start|null|boolean is not supported.")
			}
		}
	case map[string]any:
		for name, arg := range operand {
			list, ok := arg.([]any)
			if !ok {
				list = []any{arg}
			}
			for _, v := range list {
				if name != "prefix" && name != "suffix" && name != "equals-ignore-case" {
					return nil, badFilter("Unsupported anything-but pattern: %s", name)
				}
				r, err := readOperator(name, v)
				if err != nil {
					return nil, err
				}
				unwanted = append(unwanted, r)
			}
		}
	}
	if len(unwanted) == 0 {
		return nil, badFilter("Value of anything-but must be an array or single string/number value.")
	}
	return func(value any, present bool) bool {
		return present && !slices.ContainsFunc(unwanted, func(r rule) bool { return r(value, true) })
	}, nil
}

// matches applies the filter to an object: message attributes by name, or the
// body of a message. Array values match by any of their elements.
func (f *filter) matches(object map[string]any) bool {
	for key, field := range f.fields {
		value, present := object[key]
		if field.nested != nil {
			if !anyObject(value, field.nested) {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(field.rules, func(r rule) bool { return anyElement(value, present, r) }) {
			return false
		}
	}
	return len(f.or) == 0 || slices.ContainsFunc(f.or, func(alternative filter) bool { return alternative.matches(object) })
}

func anyElement(value any, present bool, r rule) bool {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return r(value, present)
	}
	return slices.ContainsFunc(list, func(v any) bool { return anyElement(v, true, r) })
}

func anyObject(value any, f *filter) bool {
	switch value := value.(type) {
	case map[string]any:
		return f.matches(value)
	case []any:
		return slices.ContainsFunc(value, func(v any) bool { return anyObject(v, f) })
	}
	return f.matches(nil) // rules of absence may match
}
