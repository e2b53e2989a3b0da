package states

import (
	"encoding/json"
	"strconv"
	"strings"

	"stepwell/internal/asl/exec"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/wire/sdkjson"
)

// checkParameters lists the parameters of Task states that the operation does
// not have, and the ones it requires and does not get, in all states of m.
func (s *Service) checkParameters(def *syntax.Definition) (problems []exec.Problem) {
	s.eachTask(def.Machine, "", func(location string, state *syntax.State, task *syntax.Task) {
		resource, ok := strings.CutPrefix(task.Resource, "arn:aws:states:::")
		colon := strings.LastIndexByte(strings.TrimSuffix(resource, ":2"), ':')
		if !ok || colon < 0 || !state.Parameters.Set() {
			return
		}
		if found, known := checkNames(resource, state.Parameters.Node, location+"/Parameters"); known {
			problems = append(problems, found...)
			return
		}
		c, err := s.resolve(resource[:colon], resource[colon+1:])
		if err != nil {
			return // it is recognised and does not run here: so are its parameters
		}
		var template any
		span := state.Parameters.Node.Span
		if json.Unmarshal([]byte(def.Text[span.Start:span.End]), &template) != nil {
			return
		}
		for _, text := range sdkjson.Check(c.service.Model, c.model, template, c.optimized != nil) {
			problems = append(problems, exec.Problem{
				Severity: "ERROR", Code: syntax.SchemaFailed, Message: text, Location: location + "/Parameters",
			})
		}
	})
	return problems
}

// eachTask calls f with the Task states of m and of the machines within.
func (s *Service) eachTask(m *syntax.Machine, at string, f func(location string, state *syntax.State, task *syntax.Task)) {
	for _, state := range m.States {
		location := at + "/States/" + state.Name
		switch b := state.Body.(type) {
		case *syntax.Task:
			f(location, state, b)
		case *syntax.Parallel:
			for i, branch := range b.Branches {
				s.eachTask(branch, location+"/Branches["+strconv.Itoa(i)+"]", f)
			}
		case *syntax.Map:
			if b.Processor != nil {
				s.eachTask(b.Processor, location+"/ItemProcessor", f)
			}
		}
	}
}
