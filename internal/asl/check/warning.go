package check

import (
	"strings"

	"stepwell/internal/asl/syntax"
)

// Codes of the advice that the service gives too, as warnings (API reference,
// ValidateStateMachineDefinitionDiagnostic).
const (
	PlainPath    = "NO_DOLLAR"
	PathlessName = "NO_PATH"
	StaticResult = "PASS_RESULT_IS_STATIC"
)

// Warning reports whether advice of a code is the service's own.
func Warning(code string) bool {
	return code == PlainPath || code == PathlessName || code == StaticResult
}

// pathless looks for paths, in a state over JSONPath, where a path is plain text:
// in the Result of a Pass state, in members that have a sibling whose name ends with Path.
func (a *adviser) pathless(s *syntax.State, at string) {
	switch b := s.Body.(type) {
	case syntax.Pass:
		a.static(s.Node.Get("Result"), at+"/Result")
	case *syntax.Fail:
		for _, name := range []string{"Error", "Cause"} {
			a.sibling(s.Node.Get(name), at, name)
		}
	case *syntax.Choice:
		for i, r := range b.Choices {
			a.operands(r, indexed(at+"/Choices", i))
		}
	}
}

func (a *adviser) operands(r syntax.Rule, at string) {
	if strings.HasPrefix(r.Operator, "String") && r.Operator != "StringMatches" && !strings.HasSuffix(r.Operator, "Path") {
		a.sibling(r.Node.Get(r.Operator), at, r.Operator)
	}
	for i, inner := range r.And {
		a.operands(inner, indexed(at+"/And", i))
	}
	for i, inner := range r.Or {
		a.operands(inner, indexed(at+"/Or", i))
	}
	if r.Not != nil {
		a.operands(*r.Not, at+"/Not")
	}
}

func (a *adviser) sibling(n *syntax.Node, at, name string) {
	if n != nil && pathLike(n) {
		a.add(PathlessName, at+"/"+name, n.Span, name+"Path", "the value of \""+name+"\" is plain text: a path is the value of \""+name+"Path\"")
	}
}

func (a *adviser) static(n *syntax.Node, at string) {
	if n == nil {
		return
	}
	if pathLike(n) {
		a.add(StaticResult, at, n.Span, "", "this is plain text: nothing in a Result is evaluated; Parameters are")
	}
	for _, item := range n.Items {
		a.static(item, at)
	}
	for _, m := range n.Members {
		a.static(m.Value, at)
	}
}

// pathLike reports whether a text reads as a path or the call of an intrinsic function.
func pathLike(n *syntax.Node) bool {
	return n.Kind == syntax.String && ((strings.HasPrefix(n.Text, "$.") || strings.HasPrefix(n.Text, "$$.")) && validPath(n.Text) ||
		strings.HasPrefix(n.Text, "States.") && strings.HasSuffix(n.Text, ")"))
}
