package exec

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// trialRun is what an Execution knows about the Trial it belongs to.
type trialRun struct {
	t     *Trial
	given bool // $$ is the caller's
	data  Inspection
}

// threshold is the error of a Map run whose failures are too many.
const (
	errThreshold  = "States.ExceedToleratedFailureThreshold"
	thresholdText = "The specified tolerated failure threshold was exceeded"
)

// Run runs the state once. Timers do not wait: a Wait state ends at once.
func (t *Trial) Run() Verdict {
	prog, s := t.Machine.top.find(t.State)
	if s == nil {
		return t.refuse(fmt.Errorf("there is no state %q", t.State))
	}
	x := New(t.Machine, t.Info, Env{})
	x.trial = &trialRun{t: t}
	x.now = t.Info.StartTime.UnixMilli()
	vars, err := t.variables()
	if err == nil {
		x.context, x.trial.given, err = t.context()
	}
	if err != nil {
		return t.refuse(err)
	}
	f := &frame{prog: prog, state: s, phase: fresh, input: x.info.Input, entered: x.now, id2: 2, last: 2, vars: vars, attempt: int(t.RetryCount)}
	x.top, x.lastID, x.started = f, 2, x.now
	x.trial.data.Input = f.input
	x.try(f)
	return x.verdict(f)
}

func (t *Trial) refuse(err error) Verdict {
	return Verdict{Status: string(Failed), Error: new(errRuntime), Cause: new(err.Error())}
}

// find looks for a state by name, here and in the machines within.
func (p *program) find(name string) (*program, *state) {
	if s := p.states[name]; s != nil {
		return p, s
	}
	for _, s := range p.states {
		for _, kid := range s.kids {
			if in, found := kid.find(name); found != nil {
				return in, found
			}
		}
	}
	return nil, nil
}

func (t *Trial) variables() (map[string][]byte, error) {
	if t.Variables == nil {
		return nil, nil
	}
	v, err := value.Parse(t.Variables)
	o, ok := v.(*value.Object)
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot read variables: they are not a JSON object")
	}
	vars := map[string][]byte{}
	for _, m := range o.Members() {
		vars[m.Name] = value.Text(m.Value)
	}
	return vars, nil
}

// context is the base of $$: the caller's, or one made of Info.
func (t *Trial) context() (c *value.Object, given bool, err error) {
	if t.Context != nil {
		v, err := value.Parse(t.Context)
		o, ok := v.(*value.Object)
		if err != nil || !ok {
			return nil, false, fmt.Errorf("cannot read context: it is not a JSON object")
		}
		return o, true, nil
	}
	input, err := value.Parse(t.Info.Input)
	if err != nil {
		return nil, false, err
	}
	var role value.Value
	if t.Info.RoleARN != "" {
		role = t.Info.RoleARN
	}
	return value.NewObject(
		value.Member{Name: "Execution", Value: value.NewObject(
			value.Member{Name: "Id", Value: t.Info.ID}, value.Member{Name: "Input", Value: input},
			value.Member{Name: "Name", Value: t.Info.Name}, value.Member{Name: "RoleArn", Value: role},
			value.Member{Name: "StartTime", Value: t.Info.StartTime.UTC().Format(timeFormat)})},
		value.Member{Name: "StateMachine", Value: value.NewObject(
			value.Member{Name: "Id", Value: t.Info.StateMachineID},
			value.Member{Name: "Name", Value: t.Info.StateMachineName})}), false, nil
}

// try takes the state to its exit or its failure.
func (x *Execution) try(f *frame) {
	defer func() {
		if p := recover(); p != nil {
			f.phase, f.fail = failing, &failure{Error: new(errRuntime), Cause: new(fmt.Sprintf("An internal error occurred in the engine: %v", p)), terminal: true}
		}
	}()
	var err error
	data := &x.trial.data
	switch f.state.Body.(type) {
	case *syntax.Parallel:
		err = x.tryMocked(f)
	case *syntax.Map:
		if err = x.inspectMap(f); err == nil {
			err = x.tryMocked(f)
		}
	case *syntax.Task:
		x.tryTask(f)
	case syntax.Succeed, *syntax.Fail, *syntax.Wait, *syntax.Choice:
		if !f.state.query {
			if data.AfterInputPath, err = x.effectiveInput(f); err != nil {
				break
			}
		}
		x.execute(f)
	default:
		x.execute(f)
	}
	if err != nil {
		x.raiseError(f, err)
	}
	if f.phase == waiting {
		x.emit(&record{op: opAgain, frame: f.id})
		x.run(f)
	}
}

// pass notes the data of a Pass state.
func (r *trialRun) pass(b syntax.Pass, input, parameters []byte) {
	if b.Result != nil {
		r.data.Result = value.Text(b.Result.Value())
		return
	}
	r.data.AfterInputPath, r.data.AfterParameters = input, parameters
}

// tryMocked ends a Map or Parallel state with the mock.
func (x *Execution) tryMocked(f *frame) error {
	m := x.trial.t.Mock
	if m == nil {
		return runtimeFault("A %s state needs a mock.", f.state.Type)
	}
	if m.Failed {
		x.raise(f, &failure{Error: m.Error, Cause: m.Cause})
		return nil
	}
	x.finish(f, output{result: m.Result, selector: true})
	return nil
}

// tryTask schedules the task and answers it.
func (x *Execution) tryTask(f *frame) {
	t, data := x.trial.t, &x.trial.data
	if !f.state.query {
		input, err := x.effectiveInput(f)
		if err != nil {
			x.raiseError(f, err)
			return
		}
		data.AfterInputPath = input
	}
	x.execute(f)
	if f.phase != inTask {
		return
	}
	task := x.taskOf(f)
	if f.state.query {
		data.AfterArguments = task.Parameters
	} else {
		data.AfterParameters = task.Parameters
	}
	m := t.Mock
	if m == nil && t.Call != nil {
		m = new(t.Call(task))
	}
	at := time.UnixMilli(x.now)
	var in Input
	switch {
	case m == nil:
		in = TaskFailed{At: at, Task: task.ID, Error: new(errRuntime), Cause: new("A Task state needs a mock.")}
	case m.Failed:
		in = TaskFailed{At: at, Task: task.ID, Error: m.Error, Cause: m.Cause}
	default:
		data.Result = m.Result
		in = TaskSucceeded{At: at, Task: task.ID, Output: m.Result}
	}
	if err := x.answer(in); err != nil {
		x.raiseError(f, err)
		return
	}
	if f.phase == gotten {
		x.run(f)
	}
}

// inspectMap evaluates what a Map state begins with.
func (x *Execution) inspectMap(f *frame) error {
	t, data, code := x.trial.t, &x.trial.data, f.state.loop
	input, err := x.effectiveInput(f)
	if err != nil {
		return err
	}
	if !f.state.query {
		data.AfterInputPath = input
	}
	sc := x.scope(f, input)
	var list []value.Value
	if t.ReaderData == nil {
		if list, err = sc.items(code); err != nil {
			return err
		}
		if !f.state.query {
			data.AfterItemsPath = value.Text(list)
		}
	}
	most, err := sc.whole(code.concurrency, code.concurrencyPath, "MaxConcurrency")
	if err != nil {
		return err
	}
	if most == nil {
		most = new(int64(0))
	}
	data.MaxConcurrency = most
	if data.ToleratedCount, data.ToleratedShare, err = sc.tolerance(code); err != nil {
		return err
	}
	return t.tolerated(data, len(list))
}

func (t *Trial) tolerated(data *Inspection, items int) error {
	n := t.FailedIterations
	over := data.ToleratedCount != nil && n > *data.ToleratedCount
	if s := data.ToleratedShare; s != nil && items > 0 && float64(n)*100/float64(items) > *s {
		over = true
	}
	if over {
		return bareFault(errThreshold, "%s", thresholdText)
	}
	return nil
}

// verdict reads how the state ended; failures go to Retry and Catch first.
func (x *Execution) verdict(f *frame) (v Verdict) {
	v = Verdict{Status: string(Succeeded), Inspection: x.trial.data}
	data := &v.Inspection
	defer func() { data.Variables = x.trial.t.inScope(f) }()
	if f.phase == failing {
		fail := f.fail
		v.Error, v.Cause = fail.Error, fail.Cause
		if v.Status = x.rescue(f, data); v.Status != "CAUGHT_ERROR" {
			return v
		}
	}
	v.Output, v.Next = f.data, f.next
	return v
}

// inScope are the variables after the state: those given, in their order, and
// those assigned; nil where there are none.
func (t *Trial) inScope(f *frame) json.RawMessage {
	if t.Variables == nil && len(f.vars) == 0 {
		return nil
	}
	all := &value.Object{}
	if given, err := value.Parse(t.Variables); err == nil {
		if o, ok := given.(*value.Object); ok {
			all = o.Clone()
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.vars)) {
		if v, err := value.Parse(f.vars[name]); err == nil {
			all.Set(name, v)
		}
	}
	return value.Text(all)
}

// rescue is what Retry and Catch make of the failure.
func (x *Execution) rescue(f *frame, data *Inspection) string {
	n := x.trial.t.RetryCount
	for i, r := range f.state.Retry {
		if !f.fail.matches(r.ErrorEquals) {
			continue
		}
		data.RetryIndex = new(int64(i))
		if n < r.MaxAttempts {
			data.Backoff = new(int64(x.delay(r, n)))
			return "RETRIABLE"
		}
		break
	}
	for i, c := range f.state.catchers {
		if !f.fail.matches(c.errors) {
			continue
		}
		if x.catch(f); f.phase == failing {
			break
		}
		data.RetryIndex, data.CatchIndex = nil, new(int64(i))
		return "CAUGHT_ERROR"
	}
	return string(Failed)
}
