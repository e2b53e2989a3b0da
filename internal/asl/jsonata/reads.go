package jsonata

import "slices"

// TopNames are the field names that the expression reads from the context item
// it is evaluated with, in order, each once: "a" and "b" in a + $f(b.c). Step
// Functions evaluates without such an item.
func (e *Expr) TopNames() []string {
	var names []string
	topNames(e.root, &names)
	return names
}

// topNames goes wherever the context item is the one of the whole expression:
// not behind a step of a path, into a predicate or into a function's body.
func topNames(x *expr, names *[]string) {
	if x == nil {
		return
	}
	var inside []*expr
	switch n := x.node.(type) {
	case *nameNode:
		if !slices.Contains(*names, n.name) {
			*names = append(*names, n.name)
		}
	case *pathNode:
		inside = n.steps[:1]
	case *callNode:
		inside = n.args
	case *partialNode:
		inside = n.args
	case *lambdaNode, *transformNode, *sortNode:
	default:
		inside = parts(n)
	}
	for _, part := range inside {
		topNames(part, names)
	}
}

// Members are the members that the expression reads of a variable of the
// caller, in order, each once: "input" and "result" in $states.input.a & $states.result.
func (e *Expr) Members(variable string) []string {
	var names []string
	members(e.root, variable, &names)
	return names
}

func members(x *expr, variable string, names *[]string) {
	if x == nil {
		return
	}
	if n, ok := x.node.(*pathNode); ok && len(n.steps) > 1 {
		of, isVariable := n.steps[0].node.(*variableNode)
		name, isName := n.steps[1].node.(*nameNode)
		if isVariable && isName && of.name == variable && !slices.Contains(*names, name.name) {
			*names = append(*names, name.name)
		}
	}
	attached := slices.Clone(x.predicates)
	for _, s := range x.stages {
		attached = append(attached, s.filter)
	}
	if x.group != nil {
		attached = append(attached, parts(x.group)...)
	}
	for _, part := range slices.Concat(parts(x.node), attached) {
		members(part, variable, names)
	}
}

// parts are the expressions within a node.
func parts(n node) []*expr {
	switch n := n.(type) {
	case *pathNode:
		return n.steps
	case *negateNode:
		return []*expr{n.of}
	case *arrayNode:
		return n.items
	case *groupNode:
		var list []*expr
		for _, pair := range n.pairs {
			list = append(list, pair[0], pair[1])
		}
		return list
	case *binaryNode:
		return []*expr{n.lhs, n.rhs}
	case *bindNode:
		return []*expr{n.of}
	case *chainNode:
		return []*expr{n.lhs, n.rhs}
	case *blockNode:
		return n.items
	case *callNode:
		return append([]*expr{n.proc}, n.args...)
	case *partialNode:
		return append([]*expr{n.proc}, n.args...)
	case *lambdaNode:
		return []*expr{n.body}
	case *condNode:
		return []*expr{n.test, n.yes, n.no}
	case *transformNode:
		return []*expr{n.pattern, n.update, n.remove}
	case *sortNode:
		return n.terms
	}
	return nil
}
