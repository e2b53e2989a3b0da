package check

import (
	"slices"
	"unicode/utf8"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

// maxName is the longest name of a state, in characters.
const maxName = 80

var machineFields = []string{"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"}

// innerFields are the members of branches and processors.
var innerFields = []string{"Comment", "StartAt", "States", "ProcessorConfig"}

// machine checks a machine; jsonata says whether JSONata is the language of the
// whole definition.
func (c *checker) machine(m *syntax.Machine, at string, jsonata bool) {
	if !c.required(at, m.Node, "States", "StartAt") {
		return
	}
	known := machineFields
	if at != "" {
		known = innerFields
	}
	c.fields(m.Node, at, known)
	if states := m.Node.Get("States"); states.Kind == syntax.Object && len(states.Members) == 0 {
		c.schema(at+"/States", states, "Value cannot be empty")
		return
	}
	if t := m.Timeout; t != nil && *t <= 0 {
		c.schema(at+"/TimeoutSeconds", m.Node.Get("TimeoutSeconds"), "Expected value of type Positive Integer")
	}
	c.language(m.QueryLanguage, at+"/QueryLanguage", m.Node)
	for _, s := range m.States {
		c.state(s, at+"/States/"+s.Name, jsonata)
	}
	if !c.Single {
		c.transitions(m, at)
	}
}

func (c *checker) language(name, at string, n *syntax.Node) {
	if name != "" && name != "JSONPath" && name != "JSONata" {
		c.schema(at, n.Get("QueryLanguage"), "Value is not valid. Expected one of [JSONPath, JSONata]")
	}
}

// fields reports members that do not belong.
func (c *checker) fields(n *syntax.Node, at string, known []string) {
	for _, m := range n.Members {
		if !slices.Contains(known, m.Name) {
			c.add(syntax.SchemaFailed, at, m.NameSpan, diag.Nearest(m.Name, known), "Field '%s' is not supported", m.Name)
		}
	}
}

// target is a place that names a next state.
type target struct {
	name, at string
	node     *syntax.Node
}

// targets lists where a state can go.
func targets(s *syntax.State, at string) []target {
	var list []target
	add := func(name, place string, n *syntax.Node) {
		if name != "" {
			list = append(list, target{name, place, n})
		}
	}
	add(s.Next, at+"/Next", s.Node.Get("Next"))
	for i, k := range s.Catch {
		add(k.Next, indexed(at+"/Catch", i)+"/Next", k.Node.Get("Next"))
	}
	if b, ok := s.Body.(*syntax.Choice); ok {
		for i, r := range b.Choices {
			add(r.Next, indexed(at+"/Choices", i)+"/Next", r.Node.Get("Next"))
		}
		add(b.Default, at+"/Default", s.Node.Get("Default"))
	}
	return list
}

// transitions checks that every target exists, that the machine can end, and
// that every state can be reached.
func (c *checker) transitions(m *syntax.Machine, at string) {
	before := len(c.faults)
	if m.StartAt != "" && m.State(m.StartAt) == nil {
		c.missing(m, target{m.StartAt, at + "/StartAt", m.Node.Get("StartAt")})
	}
	ends := false
	for _, s := range m.States {
		for _, t := range targets(s, at+"/States/"+s.Name) {
			if m.State(t.name) == nil {
				c.missing(m, t)
			}
		}
		switch s.Body.(type) {
		case syntax.Succeed, *syntax.Fail:
			ends = true
		}
		ends = ends || s.End
	}
	if !ends && c.schemaClean(before) {
		c.add(MissingEnd, "", m.Node.Span, "", "Workflow has no terminal state")
		return
	}
	reached := map[string]bool{}
	reach(m, m.State(m.StartAt), reached)
	for _, s := range m.States {
		if !reached[s.Name] && m.State(m.StartAt) != nil {
			c.add(MissingTarget, at+"/States/"+s.Name, s.NameSpan, "", "State \"%s\" is not reachable.", s.Name)
		}
	}
}

// schemaClean reports whether no schema faults were found before index n.
func (c *checker) schemaClean(n int) bool {
	return !slices.ContainsFunc(c.faults[:n], func(f syntax.Fault) bool { return f.Code == syntax.SchemaFailed })
}

func (c *checker) missing(m *syntax.Machine, t target) {
	var names []string
	for _, s := range m.States {
		names = append(names, s.Name)
	}
	c.add(MissingTarget, t.at, t.node.Span, diag.Nearest(t.name, names), "Missing 'Next' target: %s", t.name)
}

func reach(m *syntax.Machine, s *syntax.State, reached map[string]bool) {
	for work := []*syntax.State{s}; len(work) > 0; {
		s, work = work[len(work)-1], work[:len(work)-1]
		if s == nil || reached[s.Name] {
			continue
		}
		reached[s.Name] = true
		for _, t := range targets(s, "") {
			work = append(work, m.State(t.name))
		}
	}
}

func (c *checker) name(s *syntax.State, at string) {
	if n := utf8.RuneCountInString(s.Name); n > maxName || n == 0 {
		c.add(syntax.SchemaFailed, at, s.NameSpan, "", "State name must be between 1 and %d characters", maxName)
	}
	if c.names[s.Name] {
		c.add(DuplicateName, at, s.NameSpan, "", "Duplicate State name: %s", s.Name)
	}
	c.names[s.Name] = true
}
