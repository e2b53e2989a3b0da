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
	query                             bool // the state's language is JSONata
	arguments, output                 *template
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

// expr is a path, an intrinsic function call, or a JSONata expression.
type expr struct {
	text  string
	path  *jsonpath.Path
	call  *intrinsic.Call
	query *query
}

type catcher struct {
	errors     []string
	next       string
	resultPath field
	assign     *template
	output     *template
}

type taskCode struct {
	resourceType, action, arn  string
	event                      string // prefix of the event types: Task, LambdaFunction, Activity
	timeout, heartbeat         *int64
	timeoutPath, heartbeatPath *expr // or, over JSONata, the expressions of TimeoutSeconds and HeartbeatSeconds
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
	items           *template    // JSONata
	spread          *distributed // nil: inline
	selector        *template
	concurrency     *int64
	concurrencyPath *expr
	count           *int64 // ToleratedFailureCount
	countPath       *expr
	share           *float64 // ToleratedFailurePercentage
	sharePath       *expr
}

// compiler collects the first fault of a compilation; definitions that passed
// the check do not fault.
type compiler struct {
	err   error
	whole bool // JSONata is the language of the whole definition
	query bool // JSONata is the language of the state being compiled
}

func compileProgram(m *syntax.Machine) (*program, error) {
	c := &compiler{whole: m.QueryLanguage == "JSONata"}
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
	c.query = c.whole || s.QueryLanguage == "JSONata"
	n := &state{State: s, query: c.query, inputPath: c.field(s.InputPath), outputPath: c.field(s.OutputPath), resultPath: c.field(s.ResultPath),
		parameters: c.template(s.Parameters, "Parameters"), resultSelector: c.template(s.ResultSelector, "ResultSelector"),
		assign: c.template(s.Assign, "Assign")}
	if c.query {
		n.arguments, n.output = c.template(s.Arguments, "Arguments"), c.template(s.Output, "Output")
	}
	for i, k := range s.Catch {
		at := fmt.Sprintf("Catch[%d]/", i)
		handler := catcher{errors: k.ErrorEquals, next: k.Next, resultPath: c.field(k.ResultPath), assign: c.template(k.Assign, at+"Assign")}
		if c.query {
			handler.output = c.template(k.Output, at+"Output")
		}
		n.catchers = append(n.catchers, handler)
	}
	switch b := s.Body.(type) {
	case *syntax.Task:
		n.task = c.task(s, b)
	case *syntax.Choice:
		n.choice = c.choice(b)
	case *syntax.Wait:
		n.wait = c.wait(s, b)
	case *syntax.Fail:
		n.fail = &failCode{b.Error, b.Cause, c.path(b.ErrorPath), c.path(b.CausePath)}
		if e := c.member(s.Node, "Error"); e != nil {
			n.fail.errPath = e
		}
		if e := c.member(s.Node, "Cause"); e != nil {
			n.fail.causePath = e
		}
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
	n.loop = &mapCode{itemsPath: c.path(b.ItemsPath), selector: c.template(b.ItemSelector, "ItemSelector"),
		concurrency: b.MaxConcurrency, concurrencyPath: c.path(b.MaxConcurrencyPath),
		count: b.ToleratedCount, countPath: c.path(b.ToleratedCountPath),
		share: b.ToleratedShare, sharePath: c.path(b.ToleratedSharePath)}
	if c.query {
		n.loop.items = c.template(b.Items, "Items")
		n.loop.concurrencyPath = c.member(n.Node, "MaxConcurrency")
		n.loop.countPath = c.member(n.Node, "ToleratedFailureCount")
		n.loop.sharePath = c.member(n.Node, "ToleratedFailurePercentage")
	}
	if b.Distributed() {
		n.loop.spread = c.distributed(b)
	}
	n.kids = []*program{c.program(b.Processor)}
	if n.loop.selector == nil {
		n.loop.selector, n.parameters = n.parameters, nil
	}
}

func (c *compiler) wait(s *syntax.State, b *syntax.Wait) *waitCode {
	w := &waitCode{b.Seconds, b.Timestamp, c.path(b.SecondsPath), c.path(b.TimestampPath)}
	if e := c.member(s.Node, "Seconds"); e != nil {
		w.secondsPath = e
	}
	if e := c.member(s.Node, "Timestamp"); e != nil {
		w.timestamp, w.timestampPath = "", e
	}
	return w
}

func (c *compiler) task(s *syntax.State, b *syntax.Task) *taskCode {
	t := &taskCode{arn: b.Resource, timeout: b.Timeout, heartbeat: b.Heartbeat, timeoutPath: c.path(b.TimeoutPath),
		heartbeatPath: c.path(b.HeartbeatPath), credentials: c.template(b.Credentials, "Credentials")}
	if c.query {
		t.timeoutPath, t.heartbeatPath = c.member(s.Node, "TimeoutSeconds"), c.member(s.Node, "HeartbeatSeconds")
	}
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

// template compiles the payload template of a member; at is the member's name,
// for the errors of JSONata.
func (c *compiler) template(t syntax.Template, at string) *template {
	if !t.Set() {
		return nil
	}
	return c.node(t.Node, at)
}

// member compiles a member that is a JSONata expression; nil: it is none.
func (c *compiler) member(n *syntax.Node, name string) *expr {
	m := n.Get(name)
	if !c.query || m == nil || m.Kind != syntax.String {
		return nil
	}
	return c.queryExpr(m.Text, name)
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

func (c *compiler) node(n *syntax.Node, at string) *template {
	switch n.Kind {
	case syntax.Object:
		t := &template{kind: objectTemplate}
		constant := true
		for _, m := range n.Members {
			var child *template
			name := m.Name
			if !c.query && len(name) > 2 && name[len(name)-2:] == ".$" && m.Value.Kind == syntax.String {
				child = &template{kind: exprTemplate, expr: c.expr(m.Value.Text), name: name}
				name = name[:len(name)-2]
			} else {
				child = c.node(m.Value, at+"/"+name)
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
		for i, item := range n.Items {
			child := c.node(item, fmt.Sprintf("%s[%d]", at, i))
			constant = constant && child.kind == constantTemplate
			t.items = append(t.items, child)
		}
		if constant {
			return &template{constant: n.Value()}
		}
		return t
	case syntax.String:
		if !c.query {
			break
		}
		if e := c.queryExpr(n.Text, at); e != nil {
			return &template{kind: exprTemplate, expr: e, name: at}
		}
	}
	return &template{constant: n.Value()}
}
