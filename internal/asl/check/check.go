// Package check says what is wrong with a state machine definition, in the
// words of the service (CreateStateMachine and
// ValidateStateMachineDefinition), with the place in the text.
//
// It does not run anything. asl/exec and tools import it.
package check

import (
	"fmt"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

// Options say what a definition is checked for.
type Options struct {
	Express bool
	// KnownResource reports whether the Resource of a Task state exists; nil: all do.
	KnownResource func(arn string) bool
	// MapRuns: the engine runs Distributed Maps.
	MapRuns bool
	// Accepted: the definition was taken once. What came to be refused since, and
	// runs as it did, is not.
	Accepted bool
	// Single: only one state will run, as TestState does it. Transitions may lead
	// nowhere, and what runs outside of a state need not be implemented.
	Single bool
}

// Codes of faults besides syntax.SchemaFailed.
const (
	MissingTarget  = "MISSING_TRANSITION_TARGET"
	MissingEnd     = "MISSING_END_STATE"
	DuplicateName  = "DUPLICATE_STATE_NAME"
	NotImplemented = "NOT_IMPLEMENTED" // ours: what the engine does not run
)

// Definition parses and checks a definition. The Definition is nil where the
// text is not a JSON object.
func Definition(text string, o Options) (*syntax.Definition, []syntax.Fault) {
	def, faults := syntax.Parse(text)
	if def == nil {
		return nil, faults
	}
	c := &checker{Options: o, faults: faults, names: map[string]bool{}}
	c.whole = def.Machine.QueryLanguage == "JSONata"
	c.machine(def.Machine, "", c.whole)
	if len(c.faults) == 0 && !o.Single {
		c.faults = c.refused
	}
	return def, c.faults
}

// checker collects faults.
type checker struct {
	Options
	faults  []syntax.Fault
	refused []syntax.Fault  // valid, but not run by this engine
	names   map[string]bool // of all states
	whole   bool            // JSONata is the language of the whole definition
	reads   []string        // the members of $states, beside input and context, that have a value in the field
}

func (c *checker) add(code, at string, span diag.Span, suggestion, format string, args ...any) {
	c.faults = append(c.faults, syntax.Fault{Location: at, Diagnostic: diag.Diagnostic{
		Span: span, Code: code, Text: fmt.Sprintf(format, args...), Suggestion: suggestion}})
}

func (c *checker) schema(at string, n *syntax.Node, format string, args ...any) {
	c.add(syntax.SchemaFailed, at, n.Span, "", format, args...)
}

func (c *checker) refuse(at string, n *syntax.Node, what string) {
	c.refused = append(c.refused, syntax.Fault{Location: at, Diagnostic: diag.Diagnostic{
		Span: n.Span, Code: NotImplemented, Text: "not implemented: " + what}})
}

// required reports absent members in one fault, as the service does.
func (c *checker) required(at string, n *syntax.Node, names ...string) bool {
	missing := ""
	for _, name := range names {
		if n.Get(name) == nil {
			if missing != "" {
				missing += ", "
			}
			missing += name
		}
	}
	if missing == "" {
		return true
	}
	if at == "" {
		at = "/"
	}
	c.schema(at, n, "These fields are required: [%s]", missing)
	return false
}
