package graph

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

// Tail cuts a definition down to what can run from the state named from on:
// StartAt is that state, and the states that it does not reach are gone. All
// else stays as it is written. Only states of the top level can be started from.
func Tail(def *syntax.Definition, from string) (string, error) {
	m := def.Machine
	if m.State(from) == nil {
		var names []string
		for _, s := range m.States {
			names = append(names, s.Name)
		}
		if near := diag.Nearest(from, names); near != "" {
			return "", fmt.Errorf("the definition has no state %q at its top level: did you mean %q?", from, near)
		}
		return "", fmt.Errorf("the definition has no state %q at its top level", from)
	}
	kept := reached(m, from)
	name, err := json.Marshal(from)
	if err != nil {
		return "", fmt.Errorf("cannot write the name of state %q: %w", from, err)
	}
	var states []string
	for _, member := range def.Root.Get("States").Members {
		if kept[member.Name] {
			states = append(states, def.Text[member.NameSpan.Start:member.Value.Span.End])
		}
	}
	type edit struct {
		span diag.Span
		text string
	}
	edits := []edit{{def.Root.Get("StartAt").Span, string(name)}, {def.Root.Get("States").Span, "{" + strings.Join(states, ",\n") + "}"}}
	slices.SortFunc(edits, func(a, b edit) int { return b.span.Start - a.span.Start })
	text := def.Text
	for _, e := range edits {
		text = text[:e.span.Start] + e.text + text[e.span.End:]
	}
	return text, nil
}

// reached are the names of the states that can follow a state, with its own.
func reached(m *syntax.Machine, from string) map[string]bool {
	names := map[string]bool{}
	for work := []string{from}; len(work) > 0; {
		name := work[len(work)-1]
		work = work[:len(work)-1]
		s := m.State(name)
		if s == nil || names[name] {
			continue
		}
		names[name] = true
		for _, way := range transitions(s) {
			work = append(work, way.to)
		}
	}
	return names
}

// Find finds a state at any depth; nil = none.
func Find(m *syntax.Machine, name string) *syntax.State {
	if s := m.State(name); s != nil {
		return s
	}
	for _, s := range m.States {
		var within []*syntax.Machine
		switch b := s.Body.(type) {
		case *syntax.Parallel:
			within = b.Branches
		case *syntax.Map:
			if b.Processor != nil {
				within = []*syntax.Machine{b.Processor}
			}
		}
		for _, inner := range within {
			if found := Find(inner, name); found != nil {
				return found
			}
		}
	}
	return nil
}

// Alone is a definition of one state of def, which ends where that state does:
// it has no Next and no Catch.
func Alone(def *syntax.Definition, s *syntax.State) (string, error) {
	members := []string{`"End": true`}
	for _, m := range s.Node.Members {
		if m.Name != "Next" && m.Name != "End" && m.Name != "Catch" {
			members = append(members, def.Text[m.NameSpan.Start:m.Value.Span.End])
		}
	}
	name, err := json.Marshal(s.Name)
	if err != nil {
		return "", fmt.Errorf("cannot write the name of state %q: %w", s.Name, err)
	}
	language := ""
	if q := def.Machine.QueryLanguage; q != "" {
		language = fmt.Sprintf(`"QueryLanguage": %q, `, q)
	}
	return fmt.Sprintf(`{%s"StartAt": %s, "States": {%s: {%s}}}`, language, name, name, strings.Join(members, ", ")), nil
}
