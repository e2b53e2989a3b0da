package states

import (
	"slices"
	"strings"

	"stepwell/internal/asl/intrinsic"
	"stepwell/internal/asl/jsonata"
	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/syntax"
	api "stepwell/internal/awsapi/states"
)

// variableReferences lists the variables that each state of a definition, at
// any depth, reads (DescribeStateMachine: variableReferences). States that read
// none are left out; nil where all are.
func variableReferences(def *syntax.Definition) map[string][]string {
	refs := references{}
	refs.machine(def.Machine, "JSONPath")
	if len(refs) == 0 {
		return nil
	}
	for name, list := range refs {
		slices.Sort(list)
		refs[name] = slices.Compact(list)
	}
	return refs
}

// references are variables by state.
type references map[string][]string

func (r references) machine(m *syntax.Machine, language string) {
	if m.QueryLanguage != "" {
		language = m.QueryLanguage
	}
	for _, s := range m.States {
		own := language
		if s.QueryLanguage != "" {
			own = s.QueryLanguage
		}
		if own == "JSONata" {
			r.queries(s.Name, s.Node)
		} else {
			r.paths(s.Name, s.Node)
		}
		switch b := s.Body.(type) {
		case *syntax.Parallel:
			for _, branch := range b.Branches {
				r.machine(branch, language)
			}
		case *syntax.Map:
			if b.Processor != nil {
				r.machine(b.Processor, language)
			}
		}
	}
}

// inner are the members of a state that hold machines.
var inner = []string{"Branches", "ItemProcessor", "Iterator"}

// queries collects from every JSONata expression in a state.
func (r references) queries(state string, n *syntax.Node) {
	if text, ok := syntax.Query(n.Text); ok && n.Kind == syntax.String {
		if e, err := jsonata.Compile(text); err == nil {
			for _, name := range e.Free() {
				if name != "states" {
					r[state] = append(r[state], name)
				}
			}
		}
	}
	for _, item := range n.Items {
		r.queries(state, item)
	}
	for _, m := range n.Members {
		if !slices.Contains(inner, m.Name) {
			r.queries(state, m.Value)
		}
	}
}

// templates are the members of a JSONPath state whose values are payload templates.
var templates = []string{"Parameters", "ResultSelector", "ItemSelector", "Assign", "Credentials", "BatchInput"}

// paths collects from the paths of a JSONPath state.
func (r references) paths(state string, n *syntax.Node) {
	for _, item := range n.Items {
		r.paths(state, item)
	}
	for _, m := range n.Members {
		switch {
		case slices.Contains(inner, m.Name), m.Name == "Result", m.Name == "ResultPath":
		case slices.Contains(templates, m.Name):
			r.template(state, m.Value)
		case m.Value.Kind == syntax.String && (m.Name == "Variable" || strings.HasSuffix(m.Name, "Path")):
			r.path(state, m.Value.Text)
		default:
			r.paths(state, m.Value)
		}
	}
}

func (r references) template(state string, n *syntax.Node) {
	for _, item := range n.Items {
		r.template(state, item)
	}
	for _, m := range n.Members {
		if m.Value.Kind == syntax.String && strings.HasSuffix(m.Name, ".$") {
			r.path(state, m.Value.Text)
		} else {
			r.template(state, m.Value)
		}
	}
}

// path collects from a path or a call of an intrinsic function.
func (r references) path(state, text string) {
	collect := func(p *jsonpath.Path) {
		if p.Root == jsonpath.Variable {
			r[state] = append(r[state], p.Variable)
		}
	}
	if intrinsic.IsCall(text) {
		if call, err := intrinsic.Parse(text); err == nil {
			call.Paths(collect)
		}
	} else if p, err := jsonpath.Parse(text); err == nil {
		collect(p)
	}
}

// encryptionOf is a machine's encryption configuration as it is described: the
// one that was set, else, for a machine that uses variables or JSONata, the
// default. The recorded answers of the service name the default in every
// description since customer managed keys came (July 2024) and in none before;
// those before are all of machines in JSONPath without variables, and they are
// followed here. For a client the two mean the same: the member is optional
// and AWS_OWNED_KEY what its absence stands for.
func encryptionOf(m *machine, def *syntax.Definition) *api.EncryptionConfiguration {
	if m.Encryption != nil || !secondEdition(def.Machine) {
		return m.Encryption
	}
	return &api.EncryptionConfiguration{Type: new("AWS_OWNED_KEY")}
}

func secondEdition(m *syntax.Machine) bool {
	return m.QueryLanguage == "JSONata" || slices.ContainsFunc(m.States, func(s *syntax.State) bool {
		return s.QueryLanguage == "JSONata" || s.Assign.Set()
	})
}
