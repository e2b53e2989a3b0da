package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"unicode"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
)

// pattern is an event pattern ("Creating Amazon EventBridge event patterns"):
// every field must match, and one alternative of each $or.
type pattern struct {
	fields map[string]field
	or     []*pattern
}

// field is what stands behind a key: tests of its value, one of which must pass,
// or the pattern of a nested object.
type field struct {
	tests  []test
	nested *pattern
}

// test reports whether a leaf of an event passes; present is false where there is
// none. Numbers are json.Number.
type test func(leaf any, present bool) bool

// maxPattern is the length of a pattern in characters.
const maxPattern = 4096

func badPattern(format string, args ...any) *awserr.Error {
	return api.InvalidEventPatternException("Event pattern is not valid. Reason: %s", fmt.Sprintf(format, args...))
}

// parsePattern reads a pattern; the error is InvalidEventPatternException.
func parsePattern(text string) (*pattern, error) {
	tree, err := decode([]byte(text))
	if err != nil {
		return nil, badPattern("Filter is not an object")
	}
	root, ok := tree.(map[string]any)
	if !ok {
		return nil, badPattern("Filter is not an object")
	}
	return readPattern(root)
}

// decode reads JSON with its numbers as they are written: patterns compare numbers
// as text unless they say "numeric".
func decode(text []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("cannot read JSON: more than one value")
	}
	return v, nil
}

func readPattern(tree map[string]any) (*pattern, error) {
	if len(tree) == 0 {
		return nil, badPattern("Empty objects are not allowed")
	}
	p := &pattern{fields: map[string]field{}}
	for key, node := range tree {
		switch node := node.(type) {
		case map[string]any:
			nested, err := readPattern(node)
			if err != nil {
				return nil, err
			}
			p.fields[key] = field{nested: nested}
		case []any:
			if key == "$or" && isOr(node) {
				if err := p.readOr(node); err != nil {
					return nil, err
				}
				continue
			}
			tests, err := readTests(node)
			if err != nil {
				return nil, err
			}
			p.fields[key] = field{tests: tests}
		default:
			return nil, badPattern("\"%s\" must be an object or an array", key)
		}
	}
	return p, nil
}

// isOr tells alternatives from a field that is called $or.
func isOr(list []any) bool {
	for _, x := range list {
		if _, ok := x.(map[string]any); !ok {
			return false
		}
	}
	return len(list) > 0
}

func (p *pattern) readOr(list []any) error {
	if len(list) < 2 {
		return badPattern("There must be have at least 2 Objects in $or relationship.")
	}
	alternatives := &pattern{}
	for _, x := range list {
		one, err := readPattern(x.(map[string]any))
		if err != nil {
			return err
		}
		alternatives.or = append(alternatives.or, one)
	}
	p.or = append(p.or, alternatives)
	return nil
}

func readTests(list []any) ([]test, error) {
	if len(list) == 0 {
		return nil, badPattern("Empty arrays are not allowed")
	}
	var tests []test
	for _, x := range list {
		t, err := readTest(x)
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
	}
	return tests, nil
}

func readTest(x any) (test, error) {
	switch x := x.(type) {
	case map[string]any:
		if len(x) != 1 {
			return nil, badPattern("Only one key allowed in match expression")
		}
		for operator, argument := range x {
			return readOperator(operator, argument)
		}
	case []any:
		return nil, badPattern("Match value must be String, number, true, false, or null")
	}
	return literal(x), nil
}

func literal(want any) test {
	return func(leaf any, present bool) bool { return present && leaf == want }
}

// readOperator reads a comparison operator ("Comparison operators for use in event
// patterns").
func readOperator(operator string, argument any) (test, error) {
	switch operator {
	case "exists":
		want, ok := argument.(bool)
		if !ok {
			return nil, badPattern("exists match pattern must be either true or false.")
		}
		return func(_ any, present bool) bool { return present == want }, nil
	case "anything-but":
		return readAnythingBut(argument)
	case "numeric":
		return readNumeric(argument)
	case "cidr":
		return readCIDR(argument)
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		match, err := readText(operator, argument)
		if err != nil {
			return nil, err
		}
		return func(leaf any, present bool) bool {
			s, ok := leaf.(string)
			return present && ok && match(s)
		}, nil
	}
	return nil, badPattern("Unrecognized match type %s", operator)
}

// readText reads an operator on texts.
func readText(operator string, argument any) (func(string) bool, error) {
	fold := false
	if nested, ok := argument.(map[string]any); ok && (operator == "prefix" || operator == "suffix") {
		if argument, ok = nested["equals-ignore-case"]; !ok || len(nested) != 1 {
			return nil, badPattern("Unsupported %s pattern", operator)
		}
		fold = true
	}
	want, ok := argument.(string)
	if !ok {
		return nil, badPattern("%s match pattern must be a string", operator)
	}
	switch operator {
	case "prefix":
		return func(s string) bool {
			return strings.HasPrefix(s, want) || fold && strings.HasPrefix(folded(s), folded(want))
		}, nil
	case "suffix":
		return func(s string) bool {
			return strings.HasSuffix(s, want) || fold && strings.HasSuffix(folded(s), folded(want))
		}, nil
	case "equals-ignore-case":
		return func(s string) bool { return strings.EqualFold(s, want) }, nil
	}
	return readWildcard(want)
}

func folded(s string) string { return strings.Map(unicode.ToLower, s) }

// readWildcard reads a text in which * stands for any characters; \* and \\ are
// themselves.
func readWildcard(text string) (func(string) bool, error) {
	parts, part := []string{}, strings.Builder{}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			if i++; i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, badPattern("Invalid escape character at pos %d", i-1)
			}
			part.WriteByte(text[i])
		case text[i] == '*':
			if i > 0 && text[i-1] == '*' && part.Len() == 0 {
				return nil, badPattern("Consecutive wildcard characters at pos %d", i-1)
			}
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(text[i])
		}
	}
	last := part.String()
	return func(s string) bool {
		if len(parts) == 0 {
			return s == last
		}
		rest, ok := strings.CutPrefix(s, parts[0])
		for _, p := range parts[1:] {
			if i := strings.Index(rest, p); ok && i >= 0 {
				rest = rest[i+len(p):]
			} else {
				return false
			}
		}
		return ok && strings.HasSuffix(rest, last)
	}, nil
}

// readAnythingBut reads values, or texts of one operator, that a leaf must not be.
func readAnythingBut(argument any) (test, error) {
	nested, ok := argument.(map[string]any)
	if !ok {
		list := asList(argument)
		if len(list) == 0 {
			return nil, badPattern("Empty arrays are not allowed")
		}
		for _, x := range list {
			switch x.(type) {
			case string, json.Number:
			default:
				return nil, badPattern("Inside anything but list, start|null|boolean is not supported.")
			}
		}
		return func(leaf any, present bool) bool {
			for _, x := range list {
				if leaf == x {
					return false
				}
			}
			return present
		}, nil
	}
	if len(nested) != 1 {
		return nil, badPattern("Only one key allowed in match expression")
	}
	var matches []func(string) bool
	for operator, argument := range nested {
		switch operator {
		case "prefix", "suffix", "equals-ignore-case", "wildcard":
		default:
			return nil, badPattern("Unsupported anything-but pattern: %s", operator)
		}
		list := asList(argument)
		if len(list) == 0 {
			return nil, badPattern("Empty arrays are not allowed")
		}
		for _, x := range list {
			m, err := readText(operator, x)
			if err != nil {
				return nil, err
			}
			matches = append(matches, m)
		}
	}
	return func(leaf any, present bool) bool {
		s, ok := leaf.(string)
		for _, m := range matches {
			if ok && m(s) {
				return false
			}
		}
		return present
	}, nil
}

func asList(x any) []any {
	if list, ok := x.([]any); ok {
		return list
	}
	return []any{x}
}

// readNumeric reads comparisons that must all hold: ["<", 10] or [">", 0, "<=", 5].
func readNumeric(argument any) (test, error) {
	list, ok := argument.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, badPattern("Value of numeric must be an array of one or two comparisons.")
	}
	var all []func(*big.Rat) bool
	for i := 0; i < len(list); i += 2 {
		operator, ok := list[i].(string)
		number, isNumber := list[i+1].(json.Number)
		if !ok || !isNumber {
			return nil, badPattern("Value of %v must be numeric", list[i])
		}
		limit, ok := new(big.Rat).SetString(number.String())
		if !ok {
			return nil, badPattern("Value of %s must be numeric", operator)
		}
		holds := map[string]func(int) bool{
			"=": func(c int) bool { return c == 0 }, "<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
			">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
		}[operator]
		if holds == nil {
			return nil, badPattern("Unrecognized numeric range operator: %s", operator)
		}
		all = append(all, func(x *big.Rat) bool { return holds(x.Cmp(limit)) })
	}
	return func(leaf any, present bool) bool {
		number, ok := leaf.(json.Number)
		if !ok || !present || len(number) > 64 {
			return false
		}
		x, ok := new(big.Rat).SetString(number.String())
		for _, holds := range all {
			ok = ok && holds(x)
		}
		return ok
	}, nil
}

func readCIDR(argument any) (test, error) {
	text, _ := argument.(string)
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, badPattern("Malformed CIDR, one '/' required")
	}
	return func(leaf any, _ bool) bool {
		s, _ := leaf.(string)
		a, err := netip.ParseAddr(s)
		return err == nil && network.Contains(a)
	}, nil
}

// matches reports whether the pattern matches an object of an event, nil where
// there is none.
func (p *pattern) matches(object map[string]any) bool {
	for key, f := range p.fields {
		value, present := object[key]
		if f.nested != nil && !f.nested.matchesNested(value) || f.nested == nil && !f.passes(value, present) {
			return false
		}
	}
	for _, alternatives := range p.or {
		ok := false
		for _, one := range alternatives.or {
			ok = ok || one.matches(object)
		}
		if !ok {
			return false
		}
	}
	return true
}

// matchesNested asks an object, or the objects of an array: one of them must match
// as a whole.
func (p *pattern) matchesNested(value any) bool {
	if list, ok := value.([]any); ok {
		for _, x := range list {
			if object, ok := x.(map[string]any); ok && p.matches(object) {
				return true
			}
		}
		return p.matches(nil)
	}
	object, _ := value.(map[string]any)
	return p.matches(object)
}

// passes asks a leaf, or the leaves of an array: one of them must pass.
func (f *field) passes(value any, present bool) bool {
	for _, t := range f.tests {
		list, isList := value.([]any)
		if _, isObject := value.(map[string]any); isObject || !present || isList && len(list) == 0 {
			if t(nil, false) {
				return true
			}
			continue
		}
		if !isList && t(value, true) {
			return true
		}
		for _, x := range flat(list) {
			if t(x, true) {
				return true
			}
		}
	}
	return false
}

// flat are the leaves of nested arrays.
func flat(list []any) (leaves []any) {
	for _, x := range list {
		switch x := x.(type) {
		case []any:
			leaves = append(leaves, flat(x)...)
		case map[string]any:
		default:
			leaves = append(leaves, x)
		}
	}
	return leaves
}
