package cfn

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// function is an intrinsic function ("Intrinsic function reference").
type function struct {
	conditional bool   // may stand in Conditions and Rules only
	ruled       bool   // may stand in Rules only
	refused     string // the feature, where it is not implemented
	// shape says in CloudFormation's words what is wrong with the form of the argument.
	shape func(arg *Node) string
	check func(t *Template, n, arg *Node, in block)
	eval  func(e *evaluation, n, arg *Node) (any, error)
}

func (t *Template) functionNames() []string { return slices.Sorted(maps.Keys(t.functions)) }

// isList makes a shape: a list of from to to items.
func isList(from, to int, text string) func(*Node) string {
	return func(arg *Node) string {
		if arg.Kind == List && len(arg.Items) >= from && len(arg.Items) <= to {
			return ""
		}
		return text
	}
}

func isString(text string) func(*Node) string {
	return func(arg *Node) string {
		if arg.Kind == String && arg.Text != "" {
			return ""
		}
		return text
	}
}

func anyShape(*Node) string { return "" }

// inside checks the argument as an expression of its own.
func inside(t *Template, _, arg *Node, in block) {
	if arg.Kind == List {
		for _, item := range arg.Items {
			t.checkNode(item, in)
		}
		return
	}
	t.checkNode(arg, in)
}

const (
	joinShape   = "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
	subShape    = "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"
	getAttShape = "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
	selectShape = "Template error: every Fn::Select object requires two non-null parameters, one is integer index and the other one is the list of objects to be selected from."
	findShape   = "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
	splitShape  = "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split."
	ifShape     = "Template error: Fn::If requires a list argument with three parameters, the first of which is the name of a condition"
)

func getAttForm(arg *Node) string {
	switch {
	case arg.Kind == String && strings.Contains(strings.Trim(arg.Text, "."), "."):
		return ""
	case arg.Kind == List && len(arg.Items) == 2 && arg.Items[0].Kind == String && arg.Items[0].Text != "":
		return ""
	}
	return getAttShape
}

func subForm(arg *Node) string {
	if arg.Kind == String || arg.Kind == List && len(arg.Items) == 2 && arg.Items[0].Kind == String && arg.Items[1].Kind == Map {
		return ""
	}
	return subShape
}

func ifForm(arg *Node) string {
	if arg.Kind == List && len(arg.Items) == 3 && arg.Items[0].Kind == String {
		return ""
	}
	return ifShape
}

func findForm(arg *Node) string {
	if arg.Kind == List && (len(arg.Items) == 3 || len(arg.Items) == 4 && arg.Items[3].Get("DefaultValue") != nil) {
		return ""
	}
	return findShape
}

// functionTable lists the functions by name.
func functionTable() map[string]function {
	all := ruleFunctions()
	maps.Copy(all, map[string]function{
		"Ref": {
			shape: isString("Template error: every Ref object must have a single String value."),
			check: func(t *Template, n, arg *Node, in block) { t.checkRef(arg, arg.Text, in) },
			eval:  func(e *evaluation, n, arg *Node) (any, error) { return e.ref(n, arg.Text) },
		},
		"Condition": {
			conditional: true,
			shape:       isString("Template error: every Condition object must have a single String value."),
			check:       func(t *Template, n, arg *Node, _ block) { t.checkCondition(arg, arg.Text) },
			eval:        func(e *evaluation, n, arg *Node) (any, error) { return e.condition(arg.Text) },
		},
		"Fn::And":    {conditional: true, shape: isList(2, 10, "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."), check: inside, eval: (*evaluation).and},
		"Fn::Or":     {conditional: true, shape: isList(2, 10, "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters."), check: inside, eval: (*evaluation).or},
		"Fn::Not":    {conditional: true, shape: isList(1, 1, "Template error: every Fn::Not object requires one boolean parameter."), check: inside, eval: (*evaluation).not},
		"Fn::Equals": {conditional: true, shape: isList(2, 2, "Template error: every Fn::Equals object requires a list of 2 string parameters."), check: inside, eval: (*evaluation).equals},
		"Fn::If": {
			shape: ifForm,
			check: func(t *Template, n, arg *Node, in block) {
				t.checkCondition(arg.Items[0], arg.Items[0].Text)
				t.checkNode(arg.Items[1], in)
				t.checkNode(arg.Items[2], in)
			},
			eval: (*evaluation).choose,
		},
		"Fn::Base64":    {shape: anyShape, check: inside, eval: (*evaluation).base64},
		"Fn::Cidr":      {shape: isList(2, 3, "Template error: every Fn::Cidr object requires two or three parameters, the ipBlock, the count and the cidrBits"), check: inside, eval: (*evaluation).cidr},
		"Fn::FindInMap": {shape: findForm, check: func(t *Template, n, arg *Node, in block) { t.checkFindInMap(n, arg, in) }, eval: (*evaluation).findInMap},
		"Fn::GetAtt": {
			shape: getAttForm,
			check: func(t *Template, n, arg *Node, in block) {
				resource, _ := attribute(arg)
				t.checkGetAtt(n, resource, in)
			},
			eval: (*evaluation).getAtt,
		},
		"Fn::GetAZs":       {shape: anyShape, check: inside, eval: (*evaluation).zones},
		"Fn::ImportValue":  {shape: anyShape, check: inside, eval: (*evaluation).importValue},
		"Fn::Join":         {shape: isList(2, 2, joinShape), check: inside, eval: (*evaluation).join},
		"Fn::Length":       {shape: anyShape, check: inside, eval: (*evaluation).length},
		"Fn::Select":       {shape: isList(2, 2, selectShape), check: inside, eval: (*evaluation).pick},
		"Fn::Split":        {shape: isList(2, 2, splitShape), check: inside, eval: (*evaluation).split},
		"Fn::Sub":          {shape: subForm, check: func(t *Template, n, arg *Node, in block) { t.checkSub(n, arg, in) }, eval: (*evaluation).sub},
		"Fn::ToJsonString": {shape: anyShape, check: inside, eval: (*evaluation).toJSON},
		"Fn::Transform":    {refused: "Fn::Transform (macros)"},
	})
	return all
}

// attribute takes the argument of Fn::GetAtt apart.
func attribute(arg *Node) (resource, name string) {
	if arg.Kind == List {
		return arg.Items[0].Text, arg.Items[1].Text
	}
	resource, name, _ = strings.Cut(arg.Text, ".")
	return resource, name
}

// part is a piece of the text of Fn::Sub: text, or the name of a variable.
type part struct{ text, name string }

var subName = regexp.MustCompile(`^[A-Za-z0-9_.:]+$`)

// subParts takes the text of Fn::Sub apart; ${!Literal} stands for ${Literal}.
func subParts(text string) (parts []part, ok bool) {
	for {
		before, rest, found := strings.Cut(text, "${")
		if before != "" {
			parts = append(parts, part{text: before})
		}
		if !found {
			return parts, true
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, false
		}
		if literal, is := strings.CutPrefix(name, "!"); is {
			parts = append(parts, part{text: "${" + literal + "}"})
		} else if name = strings.TrimSpace(name); subName.MatchString(name) {
			parts = append(parts, part{name: name})
		} else {
			return nil, false
		}
		text = after
	}
}
