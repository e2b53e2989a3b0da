package check

import (
	"slices"
	"strings"

	"stepwell/internal/asl/jsonata"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

// Codes of advice.
const (
	UnknownError    = "UNKNOWN_ERROR_NAME"
	UnknownVariable = "UNKNOWN_VARIABLE"
	PlainQuery      = "EXPRESSION_WITHOUT_MARKS"
)

// predefinedErrors are the error names that begin with "States." (developer
// guide, "Handling errors in Step Functions workflows").
var predefinedErrors = []string{"States.ALL", "States.BranchFailed", "States.DataLimitExceeded", "States.ExceedToleratedFailureThreshold",
	"States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed", "States.NoChoiceMatched",
	"States.ParameterPathFailure", "States.Permissions", "States.QueryEvaluationError", "States.ResultPathMatchFailure",
	"States.ResultWriterFailed", "States.Runtime", "States.TaskFailed", "States.Timeout"}

// Advice finds what is valid and yet is probably not what was meant: error
// names that nothing throws, variables that no state assigns, paths and
// expressions that are taken for plain text. The service warns of some of these (Warning).
func Advice(def *syntax.Definition) []syntax.Fault {
	a := &adviser{}
	a.given(def.Root)
	a.machine(def.Machine, "", def.Machine.QueryLanguage == "JSONata")
	return a.found
}

type adviser struct {
	found     []syntax.Fault
	variables []string // that some state assigns
	errors    []string // that Fail states fail with
}

func (a *adviser) add(code, at string, span diag.Span, suggestion, text string) {
	a.found = append(a.found, syntax.Fault{Location: at, Diagnostic: diag.Diagnostic{
		Severity: diag.Warning, Span: span, Code: code, Text: text, Suggestion: suggestion}})
}

// given collects the names under every Assign, and the errors of Fail states.
func (a *adviser) given(n *syntax.Node) {
	if t := n.Get("Type"); t != nil && t.Text == "Fail" {
		a.errors = append(a.errors, textOf(n.Get("Error")))
	}
	for _, m := range n.Members {
		if m.Name == "Assign" {
			for _, v := range m.Value.Members {
				a.variables = append(a.variables, strings.TrimSuffix(v.Name, ".$"))
			}
		}
		a.given(m.Value)
	}
	for _, item := range n.Items {
		a.given(item)
	}
}

func (a *adviser) machine(m *syntax.Machine, at string, jsonata bool) {
	for _, s := range m.States {
		a.state(s, at+"/States/"+s.Name, jsonata)
	}
}

func (a *adviser) state(s *syntax.State, at string, jsonata bool) {
	for i, r := range s.Retry {
		a.errorNames(r.Node, indexed(at+"/Retry", i))
	}
	for i, k := range s.Catch {
		a.errorNames(k.Node, indexed(at+"/Catch", i))
	}
	if jsonata || s.QueryLanguage == "JSONata" {
		for _, name := range []string{"Arguments", "Output", "Assign", "Items", "ItemSelector", "Choices", "Catch"} {
			a.queries(s.Node.Get(name), at+"/"+name)
		}
	} else {
		for _, t := range []struct {
			name string
			node *syntax.Node
		}{{"Parameters", s.Parameters.Node}, {"ResultSelector", s.ResultSelector.Node}, {"Assign", s.Assign.Node}, {"ItemSelector", s.Node.Get("ItemSelector")}} {
			a.template(t.node, at+"/"+t.name)
		}
		a.marks(s.Node, at)
		a.pathless(s, at)
	}
	switch b := s.Body.(type) {
	case *syntax.Parallel:
		for i, branch := range b.Branches {
			a.machine(branch, indexed(at+"/Branches", i), jsonata)
		}
	case *syntax.Map:
		if b.Processor != nil {
			a.machine(b.Processor, at+"/ItemProcessor", jsonata)
		}
	}
}

// errorNames looks at the names of an ErrorEquals.
func (a *adviser) errorNames(n *syntax.Node, at string) {
	list := n.Get("ErrorEquals")
	if list == nil {
		return
	}
	for _, item := range list.Items {
		name := item.Text
		if !strings.HasPrefix(strings.ToLower(name), "states.") || slices.Contains(predefinedErrors, name) || slices.Contains(a.errors, name) ||
			strings.HasPrefix(name, "States.Http.StatusCode.") {
			continue
		}
		a.add(UnknownError, at+"/ErrorEquals", item.Span, diag.Nearest(name, slices.Concat(predefinedErrors, a.errors)), "no error has the name \""+name+"\"")
	}
}

// template looks for paths in members whose names do not end with ".$".
func (a *adviser) template(n *syntax.Node, at string) {
	if n == nil {
		return
	}
	for _, item := range n.Items {
		a.template(item, at)
	}
	for _, m := range n.Members {
		if pathLike(m.Value) && !strings.HasSuffix(m.Name, ".$") {
			a.add(PlainPath, at, m.NameSpan, m.Name+".$", "the value of \""+m.Name+"\" is plain text: only members whose names end with .$ are evaluated")
		}
		a.template(m.Value, at)
	}
}

// marks looks for JSONata expressions in a state over JSONPath.
func (a *adviser) marks(n *syntax.Node, at string) {
	if _, ok := syntax.Query(n.Text); ok && n.Kind == syntax.String {
		a.add(PlainQuery, at, n.Span, "", "this is plain text: the query language of this state is JSONPath")
	}
	for _, item := range n.Items {
		a.marks(item, at)
	}
	for _, m := range n.Members {
		if !slices.Contains([]string{"Branches", "ItemProcessor", "Iterator", "Comment"}, m.Name) {
			a.marks(m.Value, at+"/"+m.Name)
		}
	}
}

// queries looks at the JSONata expressions in a member, and for text that was
// probably meant to be one.
func (a *adviser) queries(n *syntax.Node, at string) {
	if n == nil {
		return
	}
	for _, item := range n.Items {
		a.queries(item, at)
	}
	for _, m := range n.Members {
		a.queries(m.Value, at)
	}
	if n.Kind != syntax.String {
		return
	}
	source, ok := syntax.Query(n.Text)
	if !ok {
		if text := strings.TrimSpace(n.Text); strings.HasPrefix(text, "{%") && strings.HasSuffix(text, "%}") {
			a.add(PlainQuery, at, n.Span, text, "this is plain text: no blanks may stand around {% and %}")
		}
		if strings.HasPrefix(n.Text, "$states.") || strings.HasPrefix(n.Text, "$.") {
			a.add(PlainQuery, at, n.Span, "{% "+n.Text+" %}", "this is plain text: expressions stand between {% and %}")
		}
		return
	}
	e, err := jsonata.Compile(source)
	if err != nil {
		return
	}
	for _, name := range e.Free() {
		if name == "states" || slices.Contains(a.variables, name) {
			continue
		}
		if name == "eval" {
			a.add(UnknownVariable, at, n.Span, "$parse", "Step Functions leaves $eval out of JSONata")
			continue
		}
		near := diag.Nearest(name, slices.Concat(a.variables, []string{"states"}, jsonata.Functions()))
		if near != "" {
			near = "$" + near
		}
		a.add(UnknownVariable, at, n.Span, near, "$"+name+" is neither a function nor a variable that some state assigns")
	}
}
