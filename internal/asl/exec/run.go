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
	case again:
		x.redriveRun(f)
	case joined:
		if f.kids == nil {
			x.joinRun(f)
		} else {
			x.join(f)
		}
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
		if f.state.loop.spread != nil {
			err = x.startRun(f)
		} else {
			err = x.startMap(f)
		}
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
	x.fail(f, x.failureOf(f, err))
}

// fail records a failure of the frame's state, with the event that a failed
// JSONata evaluation has.
func (x *Execution) fail(f *frame, fail *failure) {
	r := &record{op: opFail, frame: f.id, fail: fail}
	if fail.evaluated {
		fail.inside = f.state.kids != nil
		r.event = x.evaluationFailed(f, fail)
	}
	x.emit(r)
}

// evaluationFailed follows, right after the state was entered, the event
// before that; only a Wait state's follows the entry itself.
func (x *Execution) evaluationFailed(f *frame, fail *failure) *Event {
	e := &Event{Type: "EvaluationFailed", Error: fail.Error, Cause: fail.Cause, Location: fail.location, State: f.state.Name, PreviousID: f.last}
	if f.last == f.id2 && f.state.wait == nil {
		e.PreviousID = f.before
	}
	return e
}

// output is what finish makes a state's output from.
type output struct {
	result    []byte
	selector  bool // ResultSelector and ResultPath apply
	evaluated bool // result takes part in ResultPath as it is (Pass)
	assign    *template
	output    *template // JSONata
	ruled     bool      // assign and output stand instead of the state's own
	next      string    // instead of the state's own
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
	if s.query {
		return x.queryFinished(f, o)
	}
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
	if x.trial != nil && (o.selector || o.evaluated) {
		x.trial.data.AfterResultSelector = result
	}
	if o.selector || o.evaluated {
		if out, err = x.placeResult(f, s.resultPath, result); err != nil {
			return nil, err
		}
		if x.trial != nil {
			x.trial.data.AfterResultPath = out
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
	if o.ruled {
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
	selected, err := x.effectiveInput(f)
	input := selected
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
	if x.trial != nil && !f.state.query {
		x.trial.pass(b, selected, input)
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
		var v value.Value
		var err error
		if path.query != nil {
			v, err = x.scope(f, f.input).typed(path, "string")
		} else {
			v, err = x.scope(f, f.input).member(path, member)
		}
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
	parameters := f.state.parameters
	if f.state.query {
		parameters = f.state.arguments
	}
	if err == nil && parameters != nil {
		var v value.Value
		if v, err = x.scope(f, input).template(parameters); err == nil {
			input = value.Text(v)
		}
	}
	if err != nil {
		return err
	}
	if len(input) > x.limits.data {
		return tooLarge(f.state.Name)
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
