package states

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/asl/syntax"
	asl "stepwell/internal/asl/value"
	"stepwell/internal/diag"
)

// Mocks are the test cases of a mock configuration file (developer guide,
// "Configuration file for mocked service integrations"). They do not change.
type Mocks struct {
	machines map[string]map[string]map[string]string // machine, test case, state: the name of a response
	order    map[string][]string                     // the test cases of a machine as the file has them
	names    []string                                // of the machines, likewise
	spans    map[string]diag.Span                    // of machine, machine/case, machine/case/state
	answers  map[string][]mockAnswer
}

// mockAnswer answers the invocations of a task from first to last.
type mockAnswer struct {
	first, last int
	result      []byte // JSON text of a Return; nil: it throws
	name, cause string
	span        diag.Span
}

// Machines are the names of the state machines that have test cases, as the file has them.
func (m *Mocks) Machines() []string { return m.names }

// Cases are the names of a machine's test cases, as the file has them.
func (m *Mocks) Cases(machine string) []string { return m.order[machine] }

// ParseMocks reads a mock configuration file. The diagnostics point into the
// text; the mocks are usable when there are none.
func ParseMocks(text string) (*Mocks, diag.List) {
	def, faults := syntax.Parse(text)
	if def == nil {
		return nil, diag.List{notMocks(faults[0].Diagnostic)}
	}
	p := &mockParser{mocks: &Mocks{
		machines: map[string]map[string]map[string]string{}, order: map[string][]string{}, spans: map[string]diag.Span{}, answers: map[string][]mockAnswer{},
	}}
	p.known(def.Root, "StateMachines", "MockedResponses")
	for _, m := range p.object(def.Root, "MockedResponses") {
		p.response(m)
	}
	for _, m := range p.object(def.Root, "StateMachines") {
		p.machine(m)
	}
	return p.mocks, p.found
}

func notMocks(d diag.Diagnostic) diag.Diagnostic {
	d.Text, d.Code = "a mock file is a JSON object", "mock"
	return d
}

type mockParser struct {
	mocks *Mocks
	found diag.List
}

func (p *mockParser) fail(span diag.Span, suggestion, format string, args ...any) {
	p.found = append(p.found, diag.Diagnostic{Span: span, Code: "mock", Text: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// known reports members that an object cannot have.
func (p *mockParser) known(n *syntax.Node, names ...string) {
	seen := map[string]bool{}
	for _, m := range n.Members {
		if !slices.Contains(names, m.Name) {
			p.fail(m.NameSpan, diag.Nearest(m.Name, names), "unknown field %q: expected %s", m.Name, strings.Join(names, " or "))
		} else if seen[m.Name] {
			p.fail(m.NameSpan, "", "field %q is given twice", m.Name)
		}
		seen[m.Name] = true
	}
}

// object returns the members of a required member that is an object.
func (p *mockParser) object(n *syntax.Node, name string) []syntax.Member {
	v := n.Get(name)
	switch {
	case v == nil:
		p.fail(diag.Span{Start: n.Span.Start, End: n.Span.Start + 1}, "", "missing field %q", name)
	case v.Kind != syntax.Object:
		p.fail(v.Span, "", "%s must be an object", name)
	default:
		seen := map[string]bool{}
		for _, m := range v.Members {
			if seen[m.Name] {
				p.fail(m.NameSpan, "", "%q is given twice", m.Name)
			}
			seen[m.Name] = true
		}
		return v.Members
	}
	return nil
}

func (p *mockParser) machine(m syntax.Member) {
	if m.Value.Kind != syntax.Object {
		p.fail(m.Value.Span, "", "state machine %q must be an object with the field TestCases", m.Name)
		return
	}
	p.known(m.Value, "TestCases")
	p.mocks.names = append(p.mocks.names, m.Name)
	p.mocks.spans[m.Name] = m.NameSpan
	cases := map[string]map[string]string{}
	p.mocks.machines[m.Name] = cases
	for _, c := range p.object(m.Value, "TestCases") {
		if c.Value.Kind != syntax.Object {
			p.fail(c.Value.Span, "", "test case %q must be an object of states", c.Name)
			continue
		}
		p.mocks.order[m.Name] = append(p.mocks.order[m.Name], c.Name)
		p.mocks.spans[m.Name+"/"+c.Name] = c.NameSpan
		cases[c.Name] = map[string]string{}
		for _, s := range c.Value.Members {
			p.state(m.Name+"/"+c.Name, s, cases[c.Name])
		}
	}
}

func (p *mockParser) state(at string, s syntax.Member, states map[string]string) {
	p.mocks.spans[at+"/"+s.Name] = s.NameSpan
	switch {
	case s.Value.Kind != syntax.String:
		p.fail(s.Value.Span, "", "state %q must name a mocked response", s.Name)
	case p.mocks.answers[s.Value.Text] == nil:
		p.fail(s.Value.Span, diag.Nearest(s.Value.Text, slices.Sorted(maps.Keys(p.mocks.answers))), "there is no mocked response %q", s.Value.Text)
	default:
		states[s.Name] = s.Value.Text
	}
}

func (p *mockParser) response(m syntax.Member) {
	p.mocks.answers[m.Name] = []mockAnswer{}
	if m.Value.Kind != syntax.Object || len(m.Value.Members) == 0 {
		p.fail(m.Value.Span, "", `mocked response %q must be an object of invocations, such as {"0": {"Return": {}}}`, m.Name)
		return
	}
	var list []mockAnswer
	for _, a := range m.Value.Members {
		if one, ok := p.answer(a); ok {
			list = append(list, one)
		}
	}
	slices.SortStableFunc(list, func(a, b mockAnswer) int { return a.first - b.first })
	next := 0
	for _, a := range list {
		switch {
		case a.first < next:
			p.fail(a.span, "", "invocation %d of %q has two answers", a.first, m.Name)
		case a.first > next:
			p.fail(a.span, "", "%q has no answer for invocation %d", m.Name, next)
		}
		next = max(next, a.last+1)
	}
	p.mocks.answers[m.Name] = list
}

func (p *mockParser) answer(m syntax.Member) (a mockAnswer, ok bool) {
	a.span = m.NameSpan
	first, last, isRange := strings.Cut(m.Name, "-")
	if !isRange {
		last = first
	}
	var err, err2 error
	a.first, err = strconv.Atoi(first)
	a.last, err2 = strconv.Atoi(last)
	if err != nil || err2 != nil || a.first < 0 || a.last < a.first {
		p.fail(m.NameSpan, "", `%q is not an invocation: expected a number such as "0" or a range such as "1-2"`, m.Name)
		return a, false
	}
	ok = true // what is wrong with the answer itself is no gap in the list
	if m.Value.Kind != syntax.Object || len(m.Value.Members) != 1 {
		p.fail(m.Value.Span, "", "an answer has exactly one of Return and Throw")
		return a, ok
	}
	p.known(m.Value, "Return", "Throw")
	if v := m.Value.Get("Return"); v != nil {
		a.result = asl.Text(v.Value())
	} else if v := m.Value.Get("Throw"); v != nil {
		a.name, a.cause = p.throw(v)
	}
	return a, ok
}

func (p *mockParser) throw(v *syntax.Node) (name, cause string) {
	if v.Kind != syntax.Object {
		p.fail(v.Span, "", "Throw must be an object with Error and Cause")
		return "", ""
	}
	p.known(v, "Error", "Cause")
	for _, part := range []struct {
		name string
		to   *string
	}{{"Error", &name}, {"Cause", &cause}} {
		n := v.Get(part.name)
		if n == nil || n.Kind != syntax.String {
			p.fail(v.Span, "", "Throw needs %s, a string", part.name)
			continue
		}
		*part.to = n.Text
	}
	return name, cause
}

// Check compares the mocks of a machine with its definition: the states must be
// Task states of it, at any depth.
func (m *Mocks) Check(machine, definition string) diag.List {
	def, _ := syntax.Parse(definition)
	if def == nil {
		return nil
	}
	types := map[string]string{}
	collect(def.Machine, types)
	var tasks []string
	for name, kind := range types {
		if kind == "Task" {
			tasks = append(tasks, name)
		}
	}
	slices.Sort(tasks)
	var found diag.List
	for _, c := range m.order[machine] {
		for _, state := range slices.Sorted(maps.Keys(m.machines[machine][c])) {
			d := diag.Diagnostic{Span: m.spans[machine+"/"+c+"/"+state], Code: "mock"}
			switch kind, known := types[state]; {
			case !known:
				d.Text, d.Suggestion = fmt.Sprintf("state machine %q has no state %q", machine, state), diag.Nearest(state, tasks)
			case kind != "Task":
				d.Text = fmt.Sprintf("state %q is a %s state: only Task states are mocked", state, kind)
			default:
				continue
			}
			found = append(found, d)
		}
	}
	return found
}

// Unknown says that the file has test cases for a machine that is not among those given.
func (m *Mocks) Unknown(machines []string) diag.List {
	var found diag.List
	for _, name := range m.names {
		if !slices.Contains(machines, name) {
			found = append(found, diag.Diagnostic{Span: m.spans[name], Code: "mock",
				Text: fmt.Sprintf("there is no state machine %q", name), Suggestion: diag.Nearest(name, machines)})
		}
	}
	return found
}

func collect(m *syntax.Machine, types map[string]string) {
	for _, s := range m.States {
		types[s.Name] = s.Type
		switch b := s.Body.(type) {
		case *syntax.Parallel:
			for _, branch := range b.Branches {
				collect(branch, types)
			}
		case *syntax.Map:
			if b.Processor != nil {
				collect(b.Processor, types)
			}
		}
	}
}
