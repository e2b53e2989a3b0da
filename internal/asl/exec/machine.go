package exec

import (
	"fmt"
	"time"

	"stepwell/internal/asl/intrinsic"
	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// Machine is a compiled definition. It is immutable and may be shared by any
// number of executions.
type Machine struct {
	Definition *syntax.Definition
	top        *program
}

// program is a compiled syntax.Machine.
type program struct {
	start   string
	states  map[string]*state
	timeout time.Duration
}

// state is a compiled syntax.State.
type state struct {
	*syntax.State
	inputPath, outputPath, resultPath field
	parameters, resultSelector        *template
	assign                            *template
	catchers                          []catcher
	task                              *taskCode
	choice                            *choiceCode
	wait                              *waitCode
	fail                              *failCode
	kids                              []*program // Parallel: one per branch; Map: one
	loop                              *mapCode
}

// field is a compiled path member.
type field struct {
	null bool
	expr *expr // nil: the default
}

// expr is a path or an intrinsic function call.
type expr struct {
	text string
	path *jsonpath.Path
	call *intrinsic.Call
}

type catcher struct {
	errors     []string
	next       string
	resultPath field
	assign     *template
}

type taskCode struct {
	resourceType, action, arn  string
	event                      string // prefix of the event types: Task, LambdaFunction, Activity
	timeout, heartbeat         *int64
	timeoutPath, heartbeatPath *expr
	credentials                *template
}

type waitCode struct {
	seconds                    *int64
	timestamp                  string
	secondsPath, timestampPath *expr
}

type failCode struct {
	err, cause         *string
	errPath, causePath *expr
}

type mapCode struct {
	itemsPath       *expr
	selector        *template
	concurrency     *int64
	concurrencyPath *expr
}

// compiler collects the first fault of a compilation; definitions that passed
// the check do not fault.
type compiler struct{ err error }

func compileProgram(m *syntax.Machine) (*program, error) {
	c := &compiler{}
	p := c.program(m)
	return p, c.err
}

func (c *compiler) fault(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

func (c *compiler) program(m *syntax.Machine) *program {
	p := &program{start: m.StartAt, states: make(map[string]*state, len(m.States))}
	if m.Timeout != nil {
		p.timeout = time.Duration(*m.Timeout) * time.Second
	}
	for _, s := range m.States {
		p.states[s.Name] = c.state(s)
	}
	if p.states[p.start] == nil {
		c.fault("cannot compile definition: StartAt names no state: %q", p.start)
	}
	return p
}

func (c *compiler) state(s *syntax.State) *state {
	n := &state{State: s, inputPath: c.field(s.InputPath), outputPath: c.field(s.OutputPath), resultPath: c.field(s.ResultPath),
		parameters: c.template(s.Parameters), resultSelector: c.template(s.ResultSelector), assign: c.template(s.Assign)}
	for _, k := range s.Catch {
		n.catchers = append(n.catchers, catcher{k.ErrorEquals, k.Next, c.field(k.ResultPath), c.template(k.Assign)})
	}
	switch b := s.Body.(type) {
	case *syntax.Task:
		n.task = c.task(b)
	case *syntax.Choice:
		n.choice = c.choice(b)
	case *syntax.Wait:
		n.wait = &waitCode{b.Seconds, b.Timestamp, c.path(b.SecondsPath), c.path(b.TimestampPath)}
	case *syntax.Fail:
		n.fail = &failCode{b.Error, b.Cause, c.path(b.ErrorPath), c.path(b.CausePath)}
	case *syntax.Parallel:
		for _, branch := range b.Branches {
			n.kids = append(n.kids, c.program(branch))
		}
	case *syntax.Map:
		c.mapState(n, b)
	case nil:
		c.fault("cannot compile state %q: unknown type %q", s.Name, s.Type)
	}
	return n
}

func (c *compiler) mapState(n *state, b *syntax.Map) {
	if b.Processor == nil {
		c.fault("cannot compile state %q: it has no ItemProcessor", n.Name)
		return
	}
	n.kids = []*program{c.program(b.Processor)}
	n.loop = &mapCode{itemsPath: c.path(b.ItemsPath), selector: c.template(b.ItemSelector),
		concurrency: b.MaxConcurrency, concurrencyPath: c.path(b.MaxConcurrencyPath)}
	if n.loop.selector == nil {
		n.loop.selector, n.parameters = n.parameters, nil
	}
}

func (c *compiler) task(b *syntax.Task) *taskCode {
	t := &taskCode{arn: b.Resource, timeout: b.Timeout, heartbeat: b.Heartbeat, timeoutPath: c.path(b.TimeoutPath),
		heartbeatPath: c.path(b.HeartbeatPath), credentials: c.template(b.Credentials)}
	t.resourceType, t.action = ResourceOf(b.Resource)
	switch {
	case t.resourceType == "activity":
		t.event = "Activity"
	case t.resourceType == "lambda" && t.action == t.arn:
		t.event = "LambdaFunction"
	default:
		t.event = "Task"
	}
	return t
}

func (c *compiler) field(p syntax.Path) field {
	if !p.Set || p.Null {
		return field{null: p.Null}
	}
	f := field{expr: c.expr(p.Text)}
	if f.expr != nil && f.expr.path != nil && f.expr.path.Root == jsonpath.Input && f.expr.path.Whole() {
		f.expr = nil
	}
	return f
}

func (c *compiler) path(p syntax.Path) *expr {
	if !p.Set || p.Null {
		return nil
	}
	return c.expr(p.Text)
}

func (c *compiler) expr(text string) *expr {
	e, err := parseExpr(text)
	if err != nil {
		c.fault("%w", err)
	}
	return e
}

func parseExpr(text string) (*expr, error) {
	e := &expr{text: text}
	var err error
	if intrinsic.IsCall(text) {
		e.call, err = intrinsic.Parse(text)
	} else {
		e.path, err = jsonpath.Parse(text)
	}
	return e, err
}

func (c *compiler) template(t syntax.Template) *template {
	if !t.Set() {
		return nil
	}
	return c.node(t.Node)
}

// template is a compiled payload template: a constant, an expression, or an
// object or array of templates.
type template struct {
	constant value.Value
	expr     *expr
	name     string // of the member the expression stands in, with its .$
	members  []templateMember
	items    []*template
	kind     uint8
}

const (
	constantTemplate uint8 = iota
	exprTemplate
	objectTemplate
	arrayTemplate
)

type templateMember struct {
	name string
	t    *template
}

func (c *compiler) node(n *syntax.Node) *template {
	switch n.Kind {
	case syntax.Object:
		t := &template{kind: objectTemplate}
		constant := true
		for _, m := range n.Members {
			var child *template
			name := m.Name
			if len(name) > 2 && name[len(name)-2:] == ".$" && m.Value.Kind == syntax.String {
				child = &template{kind: exprTemplate, expr: c.expr(m.Value.Text), name: name}
				name = name[:len(name)-2]
			} else {
				child = c.node(m.Value)
			}
			constant = constant && child.kind == constantTemplate
			t.members = append(t.members, templateMember{name, child})
		}
		if constant {
			return &template{constant: n.Value()}
		}
		return t
	case syntax.Array:
		t := &template{kind: arrayTemplate}
		constant := true
		for _, item := range n.Items {
			child := c.node(item)
			constant = constant && child.kind == constantTemplate
			t.items = append(t.items, child)
		}
		if constant {
			return &template{constant: n.Value()}
		}
		return t
	}
	return &template{constant: n.Value()}
}
