package exec

import (
	"fmt"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// run makes one transition of a runnable frame.
func (x *Execution) run(f *frame) {
	if x.full {
		x.overflow()
		return
	}
	switch f.phase {
	case moving:
		x.enter(f)
	case fresh:
		x.execute(f)
	case waited:
		x.finish(f, output{result: f.input})
	case gotten:
		x.finish(f, output{result: f.data, selector: true})
	case inKids:
		x.iterate(f)
	case joined:
		x.join(f)
	case failing:
		x.handle(f)
	case done:
		x.leave(f)
	}
}

// overflow ends an execution whose history is full.
func (x *Execution) overflow() {
	x.abandon(x.top)
	x.end(&Result{Status: Failed, Error: new("States.Runtime"),
		Cause: new(fmt.Sprintf("The execution reached the maximum number of history events (%d).", x.limits.history))}, x.lastID)
}

func (x *Execution) enter(f *frame) {
	s := f.prog.states[f.next]
	if s == nil {
		x.raise(f, &failure{Error: new("States.Runtime"), Cause: new(fmt.Sprintf("There is no state %q.", f.next)), terminal: true})
		return
	}
	x.event(f, &record{op: opEnter, event: &Event{Type: EventType(s.Type + "StateEntered"), Name: s.Name, Input: f.data}})
}

// execute does what the state that was just entered (or is retried) does.
func (x *Execution) execute(f *frame) {
	var err error
	switch b := f.state.Body.(type) {
	case syntax.Pass:
		x.pass(f, b)
	case syntax.Succeed:
		x.finish(f, output{result: f.input})
	case *syntax.Choice:
		err = x.choose(f)
	case *syntax.Wait:
		err = x.wait(f)
	case *syntax.Fail:
		err = x.failState(f)
	case *syntax.Task:
		err = x.schedule(f)
	case *syntax.Parallel:
		err = x.fork(f)
	case *syntax.Map:
		err = x.startMap(f)
	}
	if err != nil {
		x.raiseError(f, err)
	}
}

// raise records a failure of the frame's state without a public event.
func (x *Execution) raise(f *frame, fail *failure) {
	x.emit(&record{op: opFail, frame: f.id, fail: fail})
}

// raiseError is raise for the errors of evaluation.
func (x *Execution) raiseError(f *frame, err error) {
	fault, ok := err.(*stateFault)
	if !ok {
		fault = runtimeFault("%v", err)
	}
	cause := fault.cause
	if !fault.bare {
		cause = fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", f.state.Name, f.id2, cause)
	}
	x.raise(f, &failure{Error: new(fault.name), Cause: &cause, terminal: fault.name == errRuntime})
}

// output is what finish makes a state's output from.
type output struct {
	result    []byte
	selector  bool // ResultSelector and ResultPath apply
	evaluated bool // result takes part in ResultPath as it is (Pass)
	assign    *template
	assignSet bool   // assign stands instead of the state's own
	next      string // instead of the state's own
}

// finish ends the state: ResultSelector, ResultPath, OutputPath, Assign, Exited.
func (x *Execution) finish(f *frame, o output) {
	r, err := x.finished(f, o)
	if err != nil {
		x.raiseError(f, err)
		return
	}
	x.event(f, r)
}

func (x *Execution) finished(f *frame, o output) (*record, error) {
	s := f.state
	result := o.result
	if o.selector && s.resultSelector != nil {
		v, err := x.scope(f, result).template(s.resultSelector)
		if err != nil {
			return nil, err
		}
		result = value.Text(v)
	}
	out := result
	var err error
	if o.selector || o.evaluated {
		if out, err = x.placeResult(f, s.resultPath, result); err != nil {
			return nil, err
		}
	} else if s.inputPath.null || s.inputPath.expr != nil {
		if out, err = x.effectiveInput(f); err != nil {
			return nil, err
		}
		result = out
	}
	if out, err = x.selectPath(f, s.outputPath, out, "OutputPath"); err != nil {
		return nil, err
	}
	if len(out) > x.limits.data {
		return nil, tooLarge(s.Name)
	}
	assign := s.assign
	if o.assignSet {
		assign = o.assign
	}
	assigned, err := x.assigned(f, assign, result)
	if err != nil {
		return nil, err
	}
	next := o.next
	if next == "" && !s.End {
		next = s.Next
	}
	return &record{op: opExit, next: next, event: &Event{Type: EventType(s.Type + "StateExited"), Name: s.Name, Output: out, Assigned: assigned}}, nil
}

func (x *Execution) pass(f *frame, b syntax.Pass) {
	input, err := x.effectiveInput(f)
	if err == nil && f.state.parameters != nil {
		var v value.Value
		if v, err = x.scope(f, input).template(f.state.parameters); err == nil {
			input = value.Text(v)
		}
	}
	if err != nil {
		x.raiseError(f, err)
		return
	}
	if b.Result != nil {
		input = value.Text(b.Result.Value())
	}
	x.finish(f, output{result: input, evaluated: true})
}

func (x *Execution) failState(f *frame) error {
	c := f.state.fail
	text := func(fixed *string, path *expr, member string) (*string, error) {
		if path == nil {
			return fixed, nil
		}
		v, err := x.scope(f, f.input).member(path, member)
		if err != nil {
			return nil, err
		}
		s, ok := v.(string)
		if !ok {
			return nil, runtimeFault("The %s field refers to a value that is not a string: %s", member, path.text)
		}
		return &s, nil
	}
	name, err := text(c.err, c.errPath, "ErrorPath")
	if err != nil {
		return err
	}
	cause, err := text(c.cause, c.causePath, "CausePath")
	if err != nil {
		return err
	}
	x.raise(f, &failure{Error: name, Cause: cause})
	return nil
}

// leave: the frame's machine has ended with f.data.
func (x *Execution) leave(f *frame) {
	if f.parent == nil {
		x.end(&Result{Status: Succeeded, Output: f.data}, f.last)
		return
	}
	p := f.parent
	r := &record{op: opKidDone, frame: p.id, kid: f.id}
	if p.state.loop != nil {
		r.event = &Event{Type: "MapIterationSucceeded", Name: p.state.Name, Index: int64(f.index), PreviousID: f.last}
	}
	x.emit(r)
}

// fork starts the branches of a Parallel state.
func (x *Execution) fork(f *frame) error {
	input, err := x.effectiveInput(f)
	if err == nil && f.state.parameters != nil {
		var v value.Value
		if v, err = x.scope(f, input).template(f.state.parameters); err == nil {
			input = value.Text(v)
		}
	}
	if err != nil {
		return err
	}
	n := int64(len(f.state.kids))
	x.event(f, &record{op: opKids, num: n, due: n, raw: input, event: &Event{Type: "ParallelStateStarted"}})
	return nil
}

// join: all branches or iterations have ended.
func (x *Execution) join(f *frame) {
	size := 2
	for _, r := range f.kids.results {
		size += len(r) + 1
	}
	list := make([]byte, 0, size)
	list = append(list, '[')
	for i, r := range f.kids.results {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, r...)
	}
	list = append(list, ']')
	r, err := x.finished(f, output{result: list, selector: true})
	if err != nil {
		x.raiseError(f, err)
		return
	}
	x.event(f, &record{op: opEvent, keep: true, event: &Event{Type: EventType(f.state.Type + "StateSucceeded")}})
	x.event(f, r)
}
