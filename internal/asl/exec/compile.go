package exec

import (
	"stepwell/internal/asl/check"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

// Problem is one finding about a definition, as
// ValidateStateMachineDefinition reports it.
type Problem struct {
	Severity string // ERROR or WARNING
	Code     string // SCHEMA_VALIDATION_FAILED, ...
	Message  string
	Location string // "/States/Name/Field"; "" where there is none

	Span       diag.Span // where in the definition's text
	Notes      []string
	Suggestion string // what was probably meant; "" where nothing is near
}

// Options say what a definition is compiled for.
type Options struct {
	Express bool
	// KnownResource reports whether the Resource of a Task state exists; nil: all do.
	KnownResource func(arn string) bool
	// MapRuns: the host is a MapHost. Without it Distributed Maps are refused.
	MapRuns bool
	// Accepted: the definition was taken by an earlier server. What that one did
	// not look at does not keep it from running.
	Accepted bool
}

// Compile checks a definition and makes it runnable. The Machine is nil where
// a problem is an ERROR.
func Compile(definition string, o Options) (*Machine, []Problem) {
	return compile(definition, check.Options{Express: o.Express, KnownResource: o.KnownResource, MapRuns: o.MapRuns, Accepted: o.Accepted})
}

// LoneState is the name of a state that is a whole definition.
const LoneState = "StateName"

// CompileState makes one state runnable by a Trial: the state that definition
// is, where it has no States, or the state of that name, at any depth. The
// Machine is nil where a problem is an ERROR; name is the state's.
func CompileState(definition, state string, o Options) (m *Machine, name string, problems []Problem) {
	name = state
	if def, _ := syntax.Parse(definition); def != nil && def.Root.Get("States") == nil {
		name = LoneState
		definition = `{"StartAt":"` + name + `","States":{"` + name + `":` + definition + `}}`
	}
	m, problems = compile(definition, check.Options{Express: o.Express, KnownResource: o.KnownResource, Single: true})
	if m != nil && name == "" {
		name = m.top.start
	}
	return m, name, problems
}

func compile(definition string, o check.Options) (*Machine, []Problem) {
	def, faults := check.Definition(definition, o)
	var problems []Problem
	for _, f := range faults {
		problems = append(problems, Problem{Severity: "ERROR", Code: f.Code, Message: f.Text, Location: f.Location,
			Span: f.Span, Notes: f.Notes, Suggestion: f.Suggestion})
	}
	if len(problems) > 0 {
		return nil, problems
	}
	top, err := compileProgram(def.Machine)
	if err != nil {
		return nil, []Problem{{Severity: "ERROR", Code: syntax.SchemaFailed, Message: err.Error()}}
	}
	return &Machine{Definition: def, top: top}, nil
}
