// Package graph draws state machine definitions: as SVG with a layered layout,
// and as text for a terminal. It also cuts the tail off a machine, for running
// it from a state on.
//
// It draws whatever of a definition could be understood and checks nothing; the
// command line imports it.
package graph

import (
	"fmt"
	"strings"

	"stepwell/internal/asl/syntax"
)

// edgeKind says why one state leads to another.
type edgeKind uint8

const (
	next     edgeKind = iota // Next, or the machine's start or end
	rule                     // a rule of a Choice
	fallback                 // the Default of a Choice
	catch                    // a Catch
)

// node is a state, the start or the end, or (in a layout) a bend of an edge.
type node struct {
	name   string // "" for start, end and bends
	kind   string // the state's Type; "start", "end", "bend"
	detail string // a second line
	inner  []*graph

	// layout: the centre, relative to the graph's corner
	x, y, w, h   float64
	above, under float64 // where its rank begins and ends
	rank, order  int
	in, out      []*link
}

// edge leads from a state to another one.
type edge struct {
	from, to *node
	kind     edgeKind
	labels   []string // one a line
	links    []*link  // its pieces, from rank to rank
	reversed bool     // it leads upwards
	label    *node    // the bend that holds the labels
}

// graph is a machine to be drawn.
type graph struct {
	title string // of a branch
	nodes []*node
	edges []*edge
	ranks [][]*node
	w, h  float64
}

// build turns a machine into a graph; circles adds its start and end.
func build(m *syntax.Machine, title string, circles bool) *graph {
	g := &graph{title: title}
	states := map[string]*node{}
	for _, s := range m.States {
		n := &node{name: s.Name, kind: s.Type, detail: detail(s), inner: inner(s)}
		states[s.Name] = n
		g.nodes = append(g.nodes, n)
	}
	if first := states[m.StartAt]; circles && first != nil {
		start := &node{kind: "start"}
		g.nodes = append([]*node{start}, g.nodes...)
		g.edges = append(g.edges, &edge{from: start, to: first})
	}
	var end *node
	for _, s := range m.States {
		from := states[s.Name]
		for _, t := range transitions(s) {
			if to := states[t.to]; to != nil {
				g.connect(from, to, t.kind, t.label)
			}
		}
		if s.End && circles {
			if end == nil {
				end = &node{kind: "end"}
			}
			g.connect(from, end, next, "")
		}
	}
	if end != nil {
		g.nodes = append(g.nodes, end)
	}
	return g
}

// connect adds an edge, or a label to the one of its kind that is there.
func (g *graph) connect(from, to *node, kind edgeKind, label string) {
	for _, e := range g.edges {
		if e.from == from && e.to == to && e.kind == kind && label != "" {
			e.labels = append(e.labels, label)
			return
		}
	}
	e := &edge{from: from, to: to, kind: kind}
	if label != "" {
		e.labels = []string{label}
	}
	g.edges = append(g.edges, e)
}

// transition is a way out of a state.
type transition struct {
	to    string
	kind  edgeKind
	label string
}

func transitions(s *syntax.State) []transition {
	var list []transition
	if c, ok := s.Body.(*syntax.Choice); ok {
		for i := range c.Choices {
			list = append(list, transition{c.Choices[i].Next, rule, condition(&c.Choices[i])})
		}
		if c.Default != "" {
			list = append(list, transition{c.Default, fallback, "otherwise"})
		}
	}
	if s.Next != "" {
		list = append(list, transition{s.Next, next, ""})
	}
	for _, k := range s.Catch {
		list = append(list, transition{k.Next, catch, strings.Join(k.ErrorEquals, ", ")})
	}
	return list
}

// inner are the machines within a state.
func inner(s *syntax.State) []*graph {
	switch b := s.Body.(type) {
	case *syntax.Parallel:
		var list []*graph
		for i, m := range b.Branches {
			list = append(list, build(m, fmt.Sprintf("branch %d", i+1), false))
		}
		return list
	case *syntax.Map:
		if b.Processor != nil {
			return []*graph{build(b.Processor, "", false)}
		}
	}
	return nil
}

// detail is what a state does, in a few words.
func detail(s *syntax.State) string {
	var words string
	switch b := s.Body.(type) {
	case *syntax.Task:
		words = resource(b.Resource)
	case *syntax.Wait:
		words = waiting(s, b)
	case *syntax.Fail:
		switch {
		case b.Error != nil:
			words = *b.Error
		case b.ErrorPath.Set:
			words = b.ErrorPath.Text
		}
	case *syntax.Map:
		words = "for each item"
		if b.ItemsPath.Set {
			words = "for each of " + b.ItemsPath.Text
		} else if b.Items.Set() && b.Items.Node.Kind == syntax.String {
			words = "for each of " + plain(b.Items.Node.Text)
		}
		if b.Distributed() {
			words += ", distributed"
		}
	}
	if len(s.Retry) > 0 {
		if words != "" {
			words += ", "
		}
		words += "with retry"
	}
	return words
}

// resource is a Task's Resource without what every one has.
func resource(arn string) string {
	if name, ok := strings.CutPrefix(arn, "arn:aws:states:::"); ok {
		return name
	}
	if parts := strings.SplitN(arn, ":", 7); len(parts) == 7 && parts[0] == "arn" {
		return parts[2] + " " + parts[5] + " " + parts[6]
	}
	return arn
}

func waiting(s *syntax.State, b *syntax.Wait) string {
	switch {
	case b.Seconds != nil:
		return fmt.Sprintf("%d s", *b.Seconds)
	case b.Timestamp != "":
		return "until " + plain(b.Timestamp)
	case b.SecondsPath.Set:
		return b.SecondsPath.Text + " s"
	case b.TimestampPath.Set:
		return "until " + b.TimestampPath.Text
	}
	if n := s.Node.Get("Seconds"); n != nil {
		return plain(n.Text) + " s"
	}
	return ""
}

// plain is an expression without its marks, in one line.
func plain(text string) string {
	if source, ok := syntax.Query(text); ok {
		text = source
	}
	return strings.Join(strings.Fields(text), " ")
}
