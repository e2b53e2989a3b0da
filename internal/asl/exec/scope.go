package exec

import (
	"errors"
	"fmt"
	"time"

	"stepwell/internal/asl/intrinsic"
	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/value"
)

// The predefined error names that the engine itself raises.
const (
	errRuntime       = "States.Runtime"
	errTimeout       = "States.Timeout"
	errHeartbeat     = "States.HeartbeatTimeout"
	errDataLimit     = "States.DataLimitExceeded"
	errNoChoice      = "States.NoChoiceMatched"
	errParameterPath = "States.ParameterPathFailure"
	errResultPath    = "States.ResultPathMatchFailure"
	errIntrinsic     = "States.IntrinsicFailure"
	errAll           = "States.ALL"
	errTaskFailed    = "States.TaskFailed"
	errQuery         = "States.QueryEvaluationError"
)

// stateFault is an error of a state's own evaluation.
type stateFault struct {
	name, cause string
	bare        bool // the cause stands without naming the state
	location    string
}

func (e *stateFault) Error() string { return e.name + ": " + e.cause }

func (e *stateFault) failure(f *frame) *failure {
	cause := e.cause
	if !e.bare {
		cause = fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", f.state.Name, f.id2, cause)
	}
	return &failure{Error: new(e.name), Cause: &cause, terminal: e.name == errRuntime, evaluated: e.name == errQuery, location: e.location}
}

func runtimeFault(format string, args ...any) *stateFault {
	return &stateFault{name: errRuntime, cause: fmt.Sprintf(format, args...)}
}

func bareFault(name, format string, args ...any) *stateFault {
	return &stateFault{name: name, cause: fmt.Sprintf(format, args...), bare: true}
}

func tooLarge(what string) *stateFault {
	return bareFault(errDataLimit, "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", what)
}

// scope is what paths of one state are evaluated in.
type scope struct {
	x         *Execution
	f         *frame
	raw       []byte // what $ stands for
	doc       value.Value
	parsed    bool
	itemIndex int
	item      []byte // Map.Item.Value; nil: that of the frame, if any
	itemFrom  origin // with item
	token     string // Task.Token; "" = none

	result, failed []byte        // $states.result and $states.errorOutput; nil: absent
	states         *value.Object // $states, once it was asked for
}

func (x *Execution) scope(f *frame, raw []byte) *scope { return &scope{x: x, f: f, raw: raw} }

// input is $ parsed.
func (s *scope) input() (value.Value, error) {
	if !s.parsed {
		v, err := value.Parse(s.raw)
		if err != nil {
			return nil, err
		}
		s.doc, s.parsed = v, true
	}
	return s.doc, nil
}

// Path implements intrinsic.Env.
func (s *scope) Path(p *jsonpath.Path) (value.Value, error) {
	doc, err := s.root(p)
	if err != nil {
		return nil, err
	}
	return p.Eval(doc)
}

// UUID implements intrinsic.Env.
func (s *scope) UUID() string { return s.x.env.UUID() }

// Random implements intrinsic.Env.
func (s *scope) Random() float64 { return s.x.env.Random() }

func (s *scope) root(p *jsonpath.Path) (value.Value, error) {
	switch p.Root {
	case jsonpath.Context:
		return s.contextObject()
	case jsonpath.Variable:
		v, ok := s.f.lookup(p.Variable)
		if !ok {
			return nil, runtimeFault("The variable '$%s' is not defined.", p.Variable)
		}
		return value.Parse(v)
	}
	return s.input()
}

func (s *scope) eval(e *expr) (value.Value, error) {
	switch {
	case e.query != nil:
		return s.query(e.query)
	case e.call != nil:
		return e.call.Eval(s)
	}
	return s.Path(e.path)
}

// member evaluates the path of a state's member, with its error text.
func (s *scope) member(e *expr, name string) (value.Value, error) {
	v, err := s.eval(e)
	var missing *jsonpath.NotFound
	if errors.As(err, &missing) {
		return nil, runtimeFault("Invalid path '%s' : %s", e.text, missing.Text)
	}
	return v, s.fault(err, name, e)
}

// fault turns errors of eval into the state's errors.
func (s *scope) fault(err error, name string, e *expr) error {
	var failed *intrinsic.Failure
	var missing *jsonpath.NotFound
	var fault *stateFault
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault):
		return fault
	case errors.As(err, &failed):
		return &stateFault{name: errIntrinsic, cause: failed.Error()}
	case errors.As(err, &missing):
		in, path := s.raw, e.text
		if e.path != nil && e.path.Root == jsonpath.Context {
			if v, err := s.contextObject(); err == nil {
				in = value.Text(v)
			}
		}
		if e.call != nil {
			path = missingPath(s, e.call, path)
		}
		return runtimeFault("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", path, name, in)
	}
	return runtimeFault("%v", err)
}

// missingPath finds the argument path that selects nothing.
func missingPath(s *scope, c *intrinsic.Call, otherwise string) string {
	found := ""
	c.Paths(func(p *jsonpath.Path) {
		if _, err := s.Path(p); err != nil && found == "" {
			found = p.Text
		}
	})
	if found == "" {
		return otherwise
	}
	return found
}

// template evaluates a payload template.
func (s *scope) template(t *template) (value.Value, error) {
	switch t.kind {
	case exprTemplate:
		v, err := s.eval(t.expr)
		return v, s.fault(err, t.name, t.expr)
	case objectTemplate:
		o := &value.Object{}
		for _, m := range t.members {
			v, err := s.template(m.t)
			if err != nil {
				return nil, err
			}
			o.Set(m.name, v)
		}
		return o, nil
	case arrayTemplate:
		list := make([]value.Value, len(t.items))
		for i, item := range t.items {
			v, err := s.template(item)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	}
	return t.constant, nil
}

const timeFormat = "2006-01-02T15:04:05.000Z"

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(timeFormat) }

// contextObject is $$.
func (s *scope) contextObject() (value.Value, error) {
	base, err := s.x.baseContext()
	if err != nil {
		return nil, err
	}
	c := base.Clone()
	given := s.x.trial != nil && s.x.trial.given
	if s.f.state != nil && !given {
		name := s.f.state.Name
		if s.x.trial != nil {
			name = LoneState
		}
		state := value.NewObject(value.Member{Name: "Name", Value: name},
			value.Member{Name: "EnteredTime", Value: stamp(s.f.entered)})
		if s.f.state.task != nil || s.f.state.kids != nil { // the states that Retry applies to
			state.Set("RetryCount", value.Int(int64(s.f.attempt)))
		}
		c.Set("State", state)
	}
	index, item, from, ok := s.itemIndex, s.item, s.itemFrom, s.item != nil
	if !ok {
		index, item, ok = s.f.item()
		from = origin{source: stateData}
	}
	if ok {
		v, err := value.Parse(item)
		if err != nil {
			return nil, err
		}
		about := value.NewObject(value.Member{Name: "Index", Value: value.Int(int64(index))})
		if from.key != nil {
			about.Set("Key", *from.key)
		}
		about.Set("Value", v)
		about.Set("Source", from.source)
		c.Set("Map", value.NewObject(value.Member{Name: "Item", Value: about}))
	}
	if s.token != "" && !given {
		c.Set("Task", value.NewObject(value.Member{Name: "Token", Value: s.token}))
	}
	return c, nil
}

// baseContext is the part of $$ that does not change within an Advance.
func (x *Execution) baseContext() (*value.Object, error) {
	if x.context != nil {
		return x.context, nil
	}
	input, err := value.Parse(x.info.Input)
	if err != nil {
		return nil, err
	}
	execution := value.NewObject(
		value.Member{Name: "Id", Value: x.info.ID},
		value.Member{Name: "Input", Value: input},
		value.Member{Name: "StartTime", Value: x.info.StartTime.UTC().Format(timeFormat)},
		value.Member{Name: "Name", Value: x.info.Name},
		value.Member{Name: "RoleArn", Value: x.info.RoleARN},
		value.Member{Name: "RedriveCount", Value: value.Int(x.redrives)})
	if x.redrives > 0 {
		execution.Set("RedriveTime", x.redriven.UTC().Format(timeFormat))
	}
	x.context = value.NewObject(value.Member{Name: "Execution", Value: execution},
		value.Member{Name: "StateMachine", Value: value.NewObject(
			value.Member{Name: "Id", Value: x.info.StateMachineID},
			value.Member{Name: "Name", Value: x.info.StateMachineName})})
	return x.context, nil
}

// effectiveInput is the state's input after InputPath.
func (x *Execution) effectiveInput(f *frame) ([]byte, error) {
	return x.selectPath(f, f.state.inputPath, f.input, "InputPath")
}

// selectPath applies InputPath or OutputPath.
func (x *Execution) selectPath(f *frame, p field, raw []byte, name string) ([]byte, error) {
	if p.null {
		return []byte("{}"), nil
	}
	if p.expr == nil {
		return raw, nil
	}
	v, err := x.scope(f, raw).member(p.expr, name)
	if err != nil {
		return nil, err
	}
	return value.Text(v), nil
}

// placeResult applies a ResultPath: result goes into the state's raw input.
func (x *Execution) placeResult(f *frame, p field, result []byte) ([]byte, error) {
	if p.null {
		return f.input, nil
	}
	if p.expr == nil {
		return result, nil
	}
	doc, err := value.Parse(f.input)
	if err != nil {
		return nil, err
	}
	v, err := value.Parse(result)
	if err != nil {
		return nil, err
	}
	if p.expr.path != nil {
		if out, ok := p.expr.path.Set(doc, v); ok {
			return value.Text(out), nil
		}
	}
	return nil, &stateFault{name: errResultPath, cause: fmt.Sprintf("Unable to apply ReferencePath %s to input %s", p.expr.text, f.input)}
}

// assigned evaluates an Assign; $ is the state's result.
func (x *Execution) assigned(f *frame, t *template, result []byte) (map[string]string, error) {
	return x.scope(f, result).assigned(t)
}

func (s *scope) assigned(t *template) (map[string]string, error) {
	if t == nil {
		return nil, nil
	}
	v, err := s.template(t)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*value.Object)
	if !ok {
		return nil, runtimeFault("Assign must be an object.")
	}
	vars, size := make(map[string]string, o.Len()), 0
	for _, m := range o.Members() {
		text := string(value.Text(m.Value))
		vars[m.Name], size = text, size+len(text)
	}
	if size > s.x.limits.data || size+s.x.variables(s.f, vars) > s.x.limits.variables {
		return nil, bareFault(errDataLimit, "The state/task '%s' assigned variables with a size exceeding the maximum number of bytes service limit.", s.f.state.Name)
	}
	return vars, nil
}

// variables is the size of all variables in bytes, without those that f assigns anew.
func (x *Execution) variables(f *frame, anew map[string]string) int {
	size := 0
	count := func(g *frame) {
		for name, text := range g.vars {
			if _, gone := anew[name]; !gone || g != f {
				size += len(text)
			}
		}
	}
	if x.top == nil { // of a Map run's items, or a trial
		count(f)
		return size
	}
	count(x.top)
	for _, g := range x.frames {
		count(g)
	}
	return size
}
