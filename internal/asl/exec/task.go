package exec

import (
	"math"
	"strconv"
	"time"

	"stepwell/internal/asl/value"
)

// schedule begins an attempt of a Task state.
func (x *Execution) schedule(f *frame) error {
	code := f.state.task
	input, err := x.effectiveInput(f)
	if err != nil {
		return err
	}
	sc := x.scope(f, input)
	id := x.lastTask + 1
	sc.token = x.env.Token(x.info.ID, id)
	timeout, err := sc.seconds(code.timeout, code.timeoutPath, "TimeoutSecondsPath")
	if err != nil {
		return err
	}
	heartbeat, err := sc.seconds(code.heartbeat, code.heartbeatPath, "HeartbeatSecondsPath")
	if err != nil {
		return err
	}
	parameters := input
	template := f.state.parameters
	if f.state.query {
		template = f.state.arguments
	}
	if template != nil {
		v, err := sc.template(template)
		if err != nil {
			return err
		}
		parameters = value.Text(v)
	}
	if len(parameters) > x.limits.data {
		return tooLarge(f.state.Name)
	}
	r := &record{op: opTask, task: id, token: sc.token, event: code.scheduled(parameters, x.info.Region)}
	r.event.Timeout, r.event.Heartbeat = timeout, heartbeat
	if r.raw, r.event.CredentialRole, err = sc.credentials(code.credentials); err != nil {
		return err
	}
	if timeout != nil {
		r.due = f.deadline(*timeout, x.now)
	}
	if heartbeat != nil {
		r.num = *heartbeat * 1000
	}
	x.event(f, r)
	x.step.Begin = append(x.step.Begin, x.taskOf(f))
	return nil
}

// credentials evaluates a Credentials object; role is its RoleArn.
func (s *scope) credentials(t *template) (text []byte, role string, err error) {
	if t == nil {
		return nil, "", nil
	}
	v, err := s.template(t)
	if err != nil {
		return nil, "", err
	}
	if o, ok := v.(*value.Object); ok {
		arn, _ := o.Get("RoleArn")
		role, _ = arn.(string)
	}
	return value.Text(v), role, nil
}

func (c *taskCode) scheduled(parameters []byte, region string) *Event {
	e := &Event{Type: EventType(c.event + "Scheduled")}
	if c.event == "Task" {
		e.ResourceType, e.Resource, e.Region, e.Parameters = c.resourceType, c.action, region, parameters
	} else {
		e.Resource, e.Input = c.arn, parameters
	}
	return e
}

// details are the members that all later events of the task have.
func (c *taskCode) details(kind string) *Event {
	e := &Event{Type: EventType(c.event + kind)}
	if c.event == "Task" {
		e.ResourceType, e.Resource = c.resourceType, c.action
	}
	return e
}

// seconds evaluates a ...Seconds or ...SecondsPath pair.
func (s *scope) seconds(fixed *int64, path *expr, name string) (*int64, error) {
	if path == nil {
		return fixed, nil
	}
	if path.query != nil {
		n, err := s.integer(path, 1, math.MaxInt32)
		return &n, err
	}
	v, err := s.member(path, name)
	if err != nil {
		return nil, err
	}
	text := textOf(v)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, runtimeFault("The %s parameter cannot be parsed as a long value: %s == %s", name, path.text, text)
	}
	if n <= 0 {
		return nil, runtimeFault("The %s parameter references a value that is not positive: %s == %s", name, path.text, text)
	}
	return &n, nil
}

// taskOf is the task in flight in f as the host sees it.
func (x *Execution) taskOf(f *frame) Task {
	code, t := f.state.task, f.task
	return Task{Execution: x.info.ID, ID: t.id, Attempt: f.attempt, State: f.state.Name,
		Resource: code.arn, ResourceType: code.resourceType, Action: code.action, Parameters: t.parameters,
		Timeout: time.Duration(t.timeout) * time.Second, Heartbeat: time.Duration(t.period) * time.Millisecond,
		Credentials: t.role, Token: t.token, RoleARN: x.info.RoleARN,
		Started: t.started, Submitted: t.submitted, Output: t.output, Handle: t.handle}
}

// Tasks lists the tasks in flight.
func (x *Execution) Tasks() []Task {
	var list []Task
	if x.result != nil {
		return nil
	}
	for _, f := range x.all() {
		if f.task != nil {
			list = append(list, x.taskOf(f))
		}
	}
	return list
}

// flying finds the frame of a task in flight.
func (x *Execution) flying(id TaskID) *frame {
	if x.top == nil || x.result != nil {
		return nil
	}
	if x.top.task != nil && x.top.task.id == id {
		return x.top
	}
	for _, f := range x.frames {
		if f.task != nil && f.task.id == id {
			return f
		}
	}
	return nil
}

// taskOfInput is the task an input answers; 0: it answers none.
func taskOfInput(in Input) TaskID {
	switch in := in.(type) {
	case TaskStarted:
		return in.Task
	case TaskSubmitted:
		return in.Task
	case TaskHeartbeat:
		return in.Task
	case TaskNoted:
		return in.Task
	case TaskSucceeded:
		return in.Task
	case TaskFailed:
		return in.Task
	}
	return 0
}

// answer consumes what the host says about a task.
func (x *Execution) answer(in Input) error {
	f := x.flying(taskOfInput(in))
	if f == nil {
		return ErrNoTask
	}
	code := f.state.task
	switch in := in.(type) {
	case TaskStarted:
		if f.task.started {
			return ErrStarted
		}
		x.startTask(f, in.WorkerName)
	case TaskSubmitted:
		x.startTask(f, "")
		e := code.details("Submitted")
		e.Output = in.Output
		x.event(f, &record{op: opTaskSubmitted, event: e})
	case TaskHeartbeat:
		if f.task.period > 0 {
			x.emit(&record{op: opHeartbeat, frame: f.id, due2: x.now + f.task.period})
		}
	case TaskNoted:
		x.emit(&record{op: opNote, frame: f.id, raw: in.Handle})
	case TaskSucceeded:
		x.startTask(f, "")
		if len(in.Output) > x.limits.data {
			fault := tooLarge(code.resourceType)
			x.taskFailed(f, &failure{Error: &fault.name, Cause: &fault.cause})
			return nil
		}
		e := code.details("Succeeded")
		e.Output = in.Output
		x.event(f, &record{op: opResult, event: e})
	case TaskFailed:
		if !in.NotStarted {
			x.startTask(f, "")
		}
		x.taskFailed(f, &failure{Error: in.Error, Cause: in.Cause, terminal: in.Error != nil && *in.Error == errRuntime})
	}
	return nil
}

// startTask writes the ...Started event where it is missing.
func (x *Execution) startTask(f *frame, worker string) {
	if f.task.started {
		return
	}
	e := f.state.task.details("Started")
	e.WorkerName = worker
	r := &record{op: opTaskStarted, event: e, due: f.task.due}
	if f.task.period > 0 {
		r.due2 = x.now + f.task.period
	}
	x.event(f, r)
}

// resumed begins the heartbeat periods of the tasks in flight anew.
func (x *Execution) resumed() {
	for _, f := range x.all() {
		if f.phase == inTask && f.task.beat != 0 {
			x.emit(&record{op: opHeartbeat, frame: f.id, due2: x.now + f.task.period})
		}
	}
}

func (x *Execution) taskFailed(f *frame, fail *failure) {
	e := f.state.task.details("Failed")
	e.Error, e.Cause = fail.Error, fail.Cause
	x.event(f, &record{op: opFail, event: e, fail: fail})
}

// timeout fails the task in flight in f, whose time is over.
func (x *Execution) timeout(f *frame) {
	t := f.task
	x.step.Abandon = append(x.step.Abandon, x.taskOf(f))
	if f.state.task.resourceType != "activity" {
		x.startTask(f, "") // its call was made; an activity may have found no worker
	}
	fail := &failure{Error: new(errTimeout), heartbeat: t.beat != 0 && (t.due == 0 || t.beat < t.due)}
	e := f.state.task.details("TimedOut")
	e.Error = fail.Error
	x.event(f, &record{op: opFail, event: e, fail: fail})
}
