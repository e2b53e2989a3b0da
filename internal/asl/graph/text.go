package graph

import (
	"bufio"
	"fmt"
	"io"

	"stepwell/internal/asl/syntax"
)

// Text draws a machine for a terminal: a line for each state in the order in
// which they follow each other, with its ways out below it.
//
//	o start
//	|
//	Extract  Task, glue:startJobRun.sync
//	|  ! States.ALL -> Notify
//	|
//	Any rows?  Choice
//	   $.rows > 0 -> Load
//	   otherwise -> Done
func Text(w io.Writer, m *syntax.Machine) error {
	out := bufio.NewWriter(w)
	if m.Comment != "" {
		fmt.Fprintf(out, "%s\n\n", plain(m.Comment))
	}
	t := &texter{out}
	t.machine(m, "")
	return out.Flush()
}

type texter struct{ out *bufio.Writer }

func (t *texter) line(indent, format string, args ...any) {
	fmt.Fprintf(t.out, indent+format+"\n", args...)
}

// walk lists the states of a machine so that, where it can be, a state is
// followed by the first one that it leads to. States that nothing leads to come last.
func walk(m *syntax.Machine) []*syntax.State {
	var list []*syntax.State
	seen := map[string]bool{}
	var visit func(s *syntax.State)
	visit = func(s *syntax.State) {
		if s == nil || seen[s.Name] {
			return
		}
		seen[s.Name] = true
		list = append(list, s)
		for _, way := range transitions(s) {
			visit(m.State(way.to))
		}
	}
	visit(m.State(m.StartAt))
	for _, s := range m.States {
		visit(s)
	}
	return list
}

func (t *texter) machine(m *syntax.Machine, indent string) {
	states := walk(m)
	for i, s := range states {
		var below *syntax.State
		if i+1 < len(states) {
			below = states[i+1]
		}
		t.state(s, below, indent)
	}
}

// mark tells types apart at a glance.
var mark = map[string]string{"Task": "■", "Pass": "□", "Choice": "◆", "Wait": "◷", "Succeed": "✓", "Fail": "✗", "Parallel": "‖", "Map": "≡"}

func (t *texter) state(s, below *syntax.State, indent string) {
	words := s.Type
	if d := detail(s); d != "" {
		words += ", " + d
	}
	m := mark[s.Type]
	if m == "" {
		m = "?"
	}
	t.line(indent, "%s %s  (%s)", m, s.Name, words)
	flows := below != nil && s.Next == below.Name
	side := indent + "   "
	if flows {
		side = indent + "│  "
	}
	switch b := s.Body.(type) {
	case *syntax.Parallel:
		for i, branch := range b.Branches {
			t.line(side, "branch %d", i+1)
			t.machine(branch, side+"┊ ")
		}
	case *syntax.Map:
		if b.Processor != nil {
			t.machine(b.Processor, side+"┊ ")
		}
	}
	for _, way := range transitions(s) {
		switch {
		case way.kind == catch:
			t.line(side, "! %s → %s", way.label, way.to)
		case way.kind != next:
			t.line(side, "%s → %s", way.label, way.to)
		case !flows:
			t.line(side, "→ %s", way.to)
		}
	}
	switch {
	case flows:
		t.line(indent, "│")
	case s.End:
		t.line(side, "→ end")
	}
	if !flows && below != nil {
		fmt.Fprintln(t.out, indent)
	}
}
