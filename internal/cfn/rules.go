package cfn

import (
	"fmt"
	"slices"
	"strings"
)

// rule is an entry of Rules ("Rules section" of the user guide).
type rule struct {
	name       string
	condition  *Node // nil where the rule always applies
	assertions []assertion
}

type assertion struct {
	assert      *Node
	description string
}

// rule reads an entry of Rules.
func (t *Template) rule(k, v *Node) rule {
	r := rule{name: k.Text}
	if v.Kind != Map {
		t.fail(v, "Template format error: every Rules member must be an object.")
		return r
	}
	for i, m := range v.Keys {
		switch x := v.Items[i]; m.Text {
		case "RuleCondition":
			r.condition = x
		case "Assertions":
			if x.Kind != List {
				t.fail(x, "Template format error: Assertions of rule %s must be a list", k.Text)
				return r
			}
			for _, a := range x.Items {
				if a.Get("Assert") == nil {
					t.fail(a, "Template format error: every assertion of rule %s must have an Assert", k.Text)
					continue
				}
				said := ""
				if d := a.Get("AssertDescription"); d != nil {
					said = d.Text
				}
				r.assertions = append(r.assertions, assertion{a.Get("Assert"), said})
			}
		default:
			t.fail(m, "Invalid template property or properties [Rules/%s/%s]", k.Text, m.Text)
		}
	}
	return r
}

func (t *Template) checkRules() {
	in := block{name: "Rules"}
	for _, r := range t.rules {
		if r.condition != nil {
			t.checkNode(r.condition, in)
		}
		for _, a := range r.assertions {
			t.checkNode(a.assert, in)
		}
	}
}

// Assert is an error where an assertion of the template's rules does not hold.
func (v *Evaluator) Assert() error {
	for _, r := range v.e.rules {
		if r.condition != nil {
			applies, err := v.e.truth(r.condition)
			if err != nil {
				return err
			}
			if !applies {
				continue
			}
		}
		for _, a := range r.assertions {
			holds, err := v.e.truth(a.assert)
			if err != nil {
				return err
			}
			if !holds {
				return fmt.Errorf("Template error: Rule %s failed validation for assertion %s", r.name, a.description)
			}
		}
	}
	return nil
}

const (
	containsShape = "Template error: every Fn::Contains object requires a list of two parameters, (1) a list of strings and (2) a string."
	equalsShape   = "Template error: every Fn::EachMemberEquals object requires a list of two parameters, (1) a list of strings and (2) a string."
	inShape       = "Template error: every Fn::EachMemberIn object requires a list of two parameters, both lists of strings."
)

// ruleFunctions are the functions that only Rules may have.
func ruleFunctions() map[string]function {
	return map[string]function{
		"Fn::Contains":         {ruled: true, shape: isList(2, 2, containsShape), check: inside, eval: (*evaluation).contains},
		"Fn::EachMemberEquals": {ruled: true, shape: isList(2, 2, equalsShape), check: inside, eval: (*evaluation).eachEquals},
		"Fn::EachMemberIn":     {ruled: true, shape: isList(2, 2, inShape), check: inside, eval: (*evaluation).eachIn},
		"Fn::RefAll":           {refused: "Fn::RefAll"},
		"Fn::ValueOf":          {refused: "Fn::ValueOf"},
		"Fn::ValueOfAll":       {refused: "Fn::ValueOfAll"},
	}
}

// texts are the strings of a list, or of a text with commas between them.
func (e *evaluation) texts(n *Node) ([]string, error) {
	x, err := e.value(n)
	if err != nil {
		return nil, err
	}
	items, ok := x.([]any)
	if s, isText := text(x); isText {
		return strings.Split(s, ","), nil
	}
	if !ok {
		return nil, fault(n, "Template error: a list of strings is needed")
	}
	var all []string
	for _, item := range items {
		s, ok := text(item)
		if !ok {
			return nil, fault(n, "Template error: a list of strings is needed")
		}
		all = append(all, s)
	}
	return all, nil
}

func (e *evaluation) contains(_, arg *Node) (any, error) {
	list, err := e.texts(arg.Items[0])
	if err != nil {
		return nil, err
	}
	s, err := e.str(arg.Items[1], containsShape)
	return slices.Contains(list, s), err
}

func (e *evaluation) eachEquals(_, arg *Node) (any, error) {
	list, err := e.texts(arg.Items[0])
	if err != nil {
		return nil, err
	}
	s, err := e.str(arg.Items[1], equalsShape)
	return !slices.ContainsFunc(list, func(x string) bool { return x != s }), err
}

func (e *evaluation) eachIn(_, arg *Node) (any, error) {
	list, err := e.texts(arg.Items[0])
	if err != nil {
		return nil, err
	}
	among, err := e.texts(arg.Items[1])
	return !slices.ContainsFunc(list, func(x string) bool { return !slices.Contains(among, x) }), err
}
