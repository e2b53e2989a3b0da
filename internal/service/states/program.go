package states

import (
	"context"
	"fmt"
	"sync"

	"stepwell/internal/asl/check"
	"stepwell/internal/asl/exec"
	"stepwell/internal/asl/syntax"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// program is a revision ready to run. It does not change.
type program struct {
	revision revision
	machine  *exec.Machine
}

// programs keeps compiled revisions by key.
type programs struct {
	mu    sync.RWMutex
	byKey map[string]*program
}

const programsKept = 1000

// programOf returns a revision compiled.
func (s *Service) programOf(tx *store.Tx, account, region, key string) (*program, error) {
	s.programs.mu.RLock()
	p := s.programs.byKey[key]
	s.programs.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	rev, err := getRevision(tx, account, region, key)
	if err != nil {
		return nil, err
	}
	m, problems := s.compile(rev.Definition, rev.Type, true)
	if m == nil {
		return nil, fmt.Errorf("cannot compile revision %s: %s", key, problemText(problems))
	}
	p = &program{rev, m}
	s.programs.mu.Lock()
	defer s.programs.mu.Unlock()
	if s.programs.byKey == nil || len(s.programs.byKey) >= programsKept {
		s.programs.byKey = map[string]*program{}
	}
	s.programs.byKey[key] = p
	return p, nil
}

// compile checks a definition and makes it runnable; nil where it has errors.
// accepted: it was made a state machine before.
func (s *Service) compile(definition, kind string, accepted bool) (*exec.Machine, []exec.Problem) {
	m, problems := exec.Compile(definition, exec.Options{Express: kind == "EXPRESS", KnownResource: s.knownResource, MapRuns: true, Accepted: accepted})
	if m != nil {
		if at, bad := badLabel(m.Definition.Machine, ""); bad >= 0 {
			return nil, append(problems, exec.Problem{Severity: "ERROR", Code: syntax.SchemaFailed,
				Message: "Label contains invalid character: " + quoted(string(bad)), Location: at})
		}
		if faults := s.checkParameters(m.Definition); len(faults) > 0 {
			return nil, append(problems, faults...)
		}
	}
	return m, problems
}

func problemText(problems []exec.Problem) []string {
	var texts []string
	for _, p := range problems {
		if p.Severity != "ERROR" {
			continue
		}
		text := p.Code + ": " + p.Message
		if p.Location != "" {
			text += " at " + p.Location
		}
		texts = append(texts, text)
	}
	return texts
}

// checkDefinition answers a definition with errors as CreateStateMachine does.
func (s *Service) checkDefinition(definition, kind string) error {
	if fault := checkLabels(definition); fault != nil {
		return fault
	}
	if m, problems := s.compile(definition, kind, false); m == nil {
		return invalidDefinition(problemText(problems))
	}
	return nil
}

// validateStateMachineDefinition lists what is wrong with a definition.
func (s *Service) validateStateMachineDefinition(_ context.Context, in *api.ValidateStateMachineDefinitionInput) (*api.ValidateStateMachineDefinitionOutput, error) {
	_, problems := s.compile(*in.Definition, value(in.Type), false)
	if value(in.Severity) == "WARNING" {
		problems = append(problems, warnings(*in.Definition)...)
	}
	out := &api.ValidateStateMachineDefinitionOutput{
		Result: new("OK"), Diagnostics: []api.ValidateStateMachineDefinitionDiagnostic{}, Truncated: new(false),
	}
	limit := paging.Size(in.MaxResults, defaultPage)
	for _, p := range problems {
		if p.Severity == "ERROR" {
			out.Result = new("FAIL")
		}
		if len(out.Diagnostics) == limit {
			out.Truncated = new(true)
			break
		}
		out.Diagnostics = append(out.Diagnostics, api.ValidateStateMachineDefinitionDiagnostic{
			Severity: &p.Severity, Code: &p.Code, Message: &p.Message, Location: optional(p.Location),
		})
	}
	return out, nil
}

// warnings are what the service says of a definition beside errors.
func warnings(definition string) []exec.Problem {
	def, _ := syntax.Parse(definition)
	if def == nil {
		return nil
	}
	var found []exec.Problem
	for _, f := range check.Advice(def) {
		if check.Warning(f.Code) {
			found = append(found, exec.Problem{Severity: "WARNING", Code: f.Code, Message: f.Text, Location: f.Location})
		}
	}
	return found
}

// newRunner returns the engine that runs this service's executions.
func (s *Service) newRunner() *exec.Runner {
	return exec.NewRunner(host{s}, s.Clock, exec.Env{Token: s.token, UUID: s.IDs.UUID})
}

// expire ends an Express execution that has run for as long as one may.
func (s *Service) expire(arn string) {
	timedOut := exec.Expire{At: s.Clock.Now()}
	if err := s.runner.Deliver(arn, timedOut); err != nil {
		s.Log.Debug("express execution had ended at its limit", "execution", arn, "error", err)
	}
}
