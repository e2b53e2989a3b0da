package syntax

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"stepwell/internal/diag"
)

// Fault is something in the definition that is wrong: a diagnostic, and the
// place as the service writes it ("/States/Wait/Seconds"; "" where the text is
// not JSON).
type Fault struct {
	diag.Diagnostic
	Location string
}

// Code of all schema faults.
const SchemaFailed = "SCHEMA_VALIDATION_FAILED"

// NotJSON is the service's text for a definition that is not a JSON object.
const NotJSON = "Definition must be a valid JSON object"

// Parse reads a definition. The Definition is nil where the text is not a JSON
// object; otherwise its Machine holds what could be understood.
func Parse(text string) (*Definition, []Fault) {
	root, err := readNode(text)
	if err != nil || root.Kind != Object {
		note, at := "the outermost value is not an object", 0
		if err != nil {
			note = err.Error()
		}
		if fault := (*json.SyntaxError)(nil); errors.As(err, &fault) {
			at = max(int(fault.Offset)-1, 0)
		} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			note, at = "the text ends within a value", len(strings.TrimRight(text, " \t\r\n"))
		}
		return nil, []Fault{{Diagnostic: diag.Diagnostic{Code: SchemaFailed, Text: NotJSON, Notes: []string{note},
			Span: diag.Span{Start: min(at, len(text)), End: min(len(text), at+1)}}}}
	}
	p := &parser{}
	m := p.machine(root, "")
	return &Definition{Text: text, Root: root, Machine: m}, p.faults
}

type parser struct {
	faults []Fault
	query  bool // JSONata is the language of the whole definition
}

func (p *parser) fault(at string, span diag.Span, format string, args ...any) {
	p.faults = append(p.faults, Fault{diag.Diagnostic{Span: span, Code: SchemaFailed, Text: fmt.Sprintf(format, args...)}, at})
}

// fields reads members of one object, reporting wrong types.
type fields struct {
	p     *parser
	node  *Node
	at    string
	query bool // of a state over JSONata: expressions may stand for numbers
}

func (f fields) get(name string, kind Kind) *Node {
	n := f.node.Get(name)
	if n == nil {
		return nil
	}
	if n.Kind != kind {
		want := map[Kind]string{String: "String", Number: "Integer", Bool: "Boolean", Array: "Array", Object: "Object"}[kind]
		f.p.fault(f.at+"/"+name, n.Span, "Expected value of type %s", want)
		return nil
	}
	return n
}

func (f fields) str(name string) string {
	if n := f.get(name, String); n != nil {
		return n.Text
	}
	return ""
}

func (f fields) text(name string) *string {
	if n := f.get(name, String); n != nil {
		return new(n.Text)
	}
	return nil
}

func (f fields) integer(name string) *int64 {
	if f.expression(name) {
		return nil
	}
	n := f.get(name, Number)
	if n == nil {
		return nil
	}
	i, err := strconv.ParseInt(n.Text, 10, 64)
	if err != nil {
		f.p.fault(f.at+"/"+name, n.Span, "Expected value of type Integer")
		return nil
	}
	return &i
}

func (f fields) float(name string) *float64 {
	if f.expression(name) {
		return nil
	}
	n := f.get(name, Number)
	if n == nil {
		return nil
	}
	x, _ := strconv.ParseFloat(n.Text, 64)
	return &x
}

// expression reports whether the member is a JSONata expression where one may stand.
func (f fields) expression(name string) bool {
	n := f.node.Get(name)
	if !f.query || n == nil || n.Kind != String {
		return false
	}
	_, ok := Query(n.Text)
	return ok
}

// object is an object or, over JSONata, an expression that makes one.
func (f fields) object(name string) Template {
	if f.expression(name) {
		return Template{f.node.Get(name)}
	}
	return Template{f.get(name, Object)}
}

func (f fields) path(name string) Path {
	n := f.node.Get(name)
	switch {
	case n == nil:
		return Path{}
	case n.Kind == Null:
		return Path{Set: true, Null: true, Span: n.Span}
	case n.Kind != String:
		f.get(name, String)
		return Path{}
	}
	return Path{Set: true, Text: n.Text, Span: n.Span}
}

func (f fields) names(name string) []string {
	var list []string
	for i, n := range f.items(name) {
		if n.Kind != String {
			f.p.fault(fmt.Sprintf("%s/%s[%d]", f.at, name, i), n.Span, "Expected value of type String")
			continue
		}
		list = append(list, n.Text)
	}
	return list
}

func (f fields) items(name string) []*Node {
	if n := f.get(name, Array); n != nil {
		return n.Items
	}
	return nil
}

func (p *parser) machine(node *Node, at string) *Machine {
	f := fields{p: p, node: node, at: at}
	if at == "" {
		p.query = f.str("QueryLanguage") == "JSONata"
	}
	m := &Machine{Node: node, Comment: f.str("Comment"), StartAt: f.str("StartAt"), Version: f.str("Version"),
		QueryLanguage: f.str("QueryLanguage"), Timeout: f.integer("TimeoutSeconds"), byName: map[string]*State{}}
	if c := f.get("ProcessorConfig", Object); c != nil {
		cf := fields{p: p, node: c, at: at + "/ProcessorConfig"}
		m.Processor = &Processor{Mode: cf.str("Mode"), ExecutionType: cf.str("ExecutionType")}
	}
	states := f.get("States", Object)
	if states == nil {
		return m
	}
	for _, member := range states.Members {
		if member.Value.Kind != Object {
			p.fault(at+"/States/"+member.Name, member.Value.Span, "Expected value of type Object")
			continue
		}
		s := p.state(member, at+"/States/"+member.Name)
		m.States = append(m.States, s)
		m.byName[s.Name] = s
	}
	return m
}

func (p *parser) state(member Member, at string) *State {
	f := fields{p: p, node: member.Value, at: at, query: p.query}
	if q := member.Value.Get("QueryLanguage"); q != nil {
		f.query = q.Text == "JSONata"
	}
	s := &State{Name: member.Name, NameSpan: member.NameSpan, Node: member.Value, Type: f.str("Type"), Comment: f.str("Comment"),
		QueryLanguage: f.str("QueryLanguage"), Next: f.str("Next"),
		InputPath: f.path("InputPath"), OutputPath: f.path("OutputPath"), ResultPath: f.path("ResultPath"),
		Parameters: Template{f.node.Get("Parameters")}, ResultSelector: Template{f.node.Get("ResultSelector")},
		Assign: Template{f.get("Assign", Object)}, Arguments: Template{f.node.Get("Arguments")}, Output: Template{f.node.Get("Output")}}
	if end := f.get("End", Bool); end != nil {
		s.End = end.Truth
	}
	for i, n := range f.items("Retry") {
		if r, ok := f.element("Retry", i, n); ok {
			s.Retry = append(s.Retry, r.retrier())
		}
	}
	for i, n := range f.items("Catch") {
		if c, ok := f.element("Catch", i, n); ok {
			s.Catch = append(s.Catch, Catcher{Node: n, ErrorEquals: c.names("ErrorEquals"), Next: c.str("Next"),
				ResultPath: c.path("ResultPath"), Assign: Template{c.get("Assign", Object)}, Output: Template{n.Get("Output")}})
		}
	}
	s.Body = p.body(s.Type, f)
	return s
}

// element is the object at index i of a list member.
func (f fields) element(list string, i int, n *Node) (fields, bool) {
	e := fields{f.p, n, fmt.Sprintf("%s/%s[%d]", f.at, list, i), f.query}
	if n.Kind != Object {
		f.p.fault(e.at, n.Span, "Expected value of type Object")
		return e, false
	}
	return e, true
}

func (f fields) retrier() Retrier {
	r := Retrier{Node: f.node, ErrorEquals: f.names("ErrorEquals"), Interval: 1, MaxAttempts: 3, BackoffRate: 2,
		FullJitter: f.str("JitterStrategy") == "FULL"}
	if i := f.integer("IntervalSeconds"); i != nil {
		r.Interval = *i
	}
	if i := f.integer("MaxAttempts"); i != nil {
		r.MaxAttempts = *i
	}
	if x := f.float("BackoffRate"); x != nil {
		r.BackoffRate = *x
	}
	if i := f.integer("MaxDelaySeconds"); i != nil {
		r.MaxDelay = *i
	}
	return r
}

func (p *parser) body(kind string, f fields) Body {
	switch kind {
	case "Pass":
		return Pass{Result: f.node.Get("Result")}
	case "Task":
		return &Task{Resource: f.str("Resource"), Timeout: f.integer("TimeoutSeconds"), TimeoutPath: f.path("TimeoutSecondsPath"),
			Heartbeat: f.integer("HeartbeatSeconds"), HeartbeatPath: f.path("HeartbeatSecondsPath"),
			Credentials: f.object("Credentials")}
	case "Choice":
		c := &Choice{Default: f.str("Default")}
		for i, n := range f.items("Choices") {
			if r, ok := f.element("Choices", i, n); ok {
				c.Choices = append(c.Choices, r.rule())
			}
		}
		return c
	case "Wait":
		return &Wait{Seconds: f.integer("Seconds"), Timestamp: f.str("Timestamp"),
			SecondsPath: f.path("SecondsPath"), TimestampPath: f.path("TimestampPath")}
	case "Succeed":
		return Succeed{}
	case "Fail":
		return &Fail{Error: f.text("Error"), Cause: f.text("Cause"), ErrorPath: f.path("ErrorPath"), CausePath: f.path("CausePath")}
	case "Parallel":
		b := &Parallel{}
		for i, n := range f.items("Branches") {
			if e, ok := f.element("Branches", i, n); ok {
				b.Branches = append(b.Branches, p.machine(n, e.at))
			}
		}
		return b
	case "Map":
		return p.mapBody(f)
	}
	return nil
}

func (p *parser) mapBody(f fields) *Map {
	m := &Map{ItemsPath: f.path("ItemsPath"), ItemSelector: f.object("ItemSelector"), Items: Template{f.node.Get("Items")},
		MaxConcurrency: f.integer("MaxConcurrency"), MaxConcurrencyPath: f.path("MaxConcurrencyPath"),
		ToleratedCount: f.integer("ToleratedFailureCount"), ToleratedCountPath: f.path("ToleratedFailureCountPath"),
		ToleratedShare: f.float("ToleratedFailurePercentage"), ToleratedSharePath: f.path("ToleratedFailurePercentagePath"),
		Label: f.str("Label"), ItemReader: f.get("ItemReader", Object), ItemBatcher: f.get("ItemBatcher", Object),
		ResultWriter: f.get("ResultWriter", Object)}
	for _, name := range []string{"ItemProcessor", "Iterator"} {
		if n := f.get(name, Object); n != nil && m.Processor == nil {
			m.Processor = p.machine(n, f.at+"/"+name)
		}
	}
	return m
}

// ruleMembers are the members of a choice rule that are no operator.
var ruleMembers = map[string]bool{"Next": true, "Variable": true, "Comment": true, "Assign": true, "And": true, "Or": true,
	"Not": true, "Condition": true, "Output": true}

func (f fields) rule() Rule {
	r := Rule{Node: f.node, Next: f.str("Next"), Variable: f.str("Variable"), Assign: Template{f.get("Assign", Object)},
		Condition: f.node.Get("Condition"), Output: Template{f.node.Get("Output")}}
	nested := func(name string) []Rule {
		var list []Rule
		for i, n := range f.items(name) {
			if e, ok := f.element(name, i, n); ok {
				list = append(list, e.rule())
			}
		}
		return list
	}
	r.And, r.Or = nested("And"), nested("Or")
	if n := f.get("Not", Object); n != nil {
		r.Not = new(fields{f.p, n, f.at + "/Not", f.query}.rule())
	}
	for _, m := range f.node.Members {
		if !ruleMembers[m.Name] && (Operators[strings.TrimSuffix(m.Name, "Path")] != 0 || strings.HasPrefix(m.Name, "Is")) {
			r.Operator, r.Operand, r.OperandAt = m.Name, m.Value.Value(), m.Value.Span
		}
	}
	return r
}

// OperandKind is what a choice operator compares with.
type OperandKind uint8

const (
	TextOperand OperandKind = iota + 1
	NumberOperand
	TruthOperand
	TimeOperand
	TestOperand    // Is...: true or false, no Path form
	PatternOperand // StringMatches: no Path form
)

// Operators are the choice operators without the Path forms.
var Operators = map[string]OperandKind{
	"StringEquals": TextOperand, "StringLessThan": TextOperand, "StringGreaterThan": TextOperand,
	"StringLessThanEquals": TextOperand, "StringGreaterThanEquals": TextOperand, "StringMatches": PatternOperand,
	"NumericEquals": NumberOperand, "NumericLessThan": NumberOperand, "NumericGreaterThan": NumberOperand,
	"NumericLessThanEquals": NumberOperand, "NumericGreaterThanEquals": NumberOperand,
	"BooleanEquals":   TruthOperand,
	"TimestampEquals": TimeOperand, "TimestampLessThan": TimeOperand, "TimestampGreaterThan": TimeOperand,
	"TimestampLessThanEquals": TimeOperand, "TimestampGreaterThanEquals": TimeOperand,
	"IsNull": TestOperand, "IsPresent": TestOperand, "IsNumeric": TestOperand, "IsString": TestOperand,
	"IsBoolean": TestOperand, "IsTimestamp": TestOperand,
}
