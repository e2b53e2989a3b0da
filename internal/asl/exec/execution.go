package exec

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"stepwell/internal/asl/value"
)

// Execution is one execution of a Machine. It is not safe for concurrent use.
type Execution struct {
	machine *Machine
	info    Info
	env     Env

	top      *frame
	frames   map[uint32]*frame // the others: branches and iterations
	nextID   uint32            // of the next frame
	lastID   int64             // of the last event
	lastTask TaskID
	latest   int64 // of the last event, unix milliseconds
	started  int64 // unix milliseconds
	result   *Result
	ready    []*frame
	full     bool // the history is full
	redrives int64
	redriven time.Time

	// While Advance runs.
	now     int64
	enc     *encoder
	step    Step
	limits  limits
	context *value.Object // $$ without State, Task and Map
	trial   *trialRun     // of a Trial; nil in executions
}

// limits are the service's quotas.
type limits struct {
	data      int   // bytes of a payload, and of the variables that one state assigns
	history   int64 // events of a history
	variables int   // bytes of all variables of an execution
}

var standardLimits = limits{data: 262144, history: 25000, variables: 10 << 20}

// stepBudget is how many transitions one Advance makes before it asks to be
// continued, so that a long run of states is committed in parts.
const stepBudget = 2000

// New makes an execution that has not started; feed it Start.
func New(m *Machine, info Info, env Env) *Execution {
	x := &Execution{machine: m, info: info, env: env.withDefaults(), limits: standardLimits}
	if info.Express {
		x.limits.history = 0
	}
	if len(x.info.Input) == 0 {
		x.info.Input = []byte("{}")
	}
	return x
}

// Restore folds journal groups, in order, into the execution they came from; an
// element may hold several. With no groups it is New. Feed it Continue afterwards.
func Restore(m *Machine, info Info, env Env, groups [][]byte) (*Execution, error) {
	x := New(m, info, env)
	for i, g := range groups {
		if err := x.fold(g); err != nil {
			return nil, fmt.Errorf("cannot restore execution %s at group %d: %w", info.ID, i, err)
		}
	}
	x.ready = nil
	for _, f := range x.all() {
		if x.result == nil && f.runnable() {
			x.ready = append(x.ready, f)
		}
	}
	return x, nil
}

func (x *Execution) fold(groups []byte) (err error) {
	defer func() {
		// Records of a damaged journal or of another definition name frames
		// and states that are not there.
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errJournal, p)
		}
	}()
	for len(groups) > 0 {
		d, rest, err := newDecoder(groups)
		if err != nil {
			return err
		}
		for d.more() {
			r, err := d.record()
			if err != nil {
				return err
			}
			x.apply(r)
		}
		if d.bad {
			return errJournal
		}
		groups = rest
	}
	return nil
}

// Info says who the execution is.
func (x *Execution) Info() Info { return x.info }

// Status is the execution's status.
func (x *Execution) Status() Status {
	if x.result != nil {
		return x.result.Status
	}
	return Running
}

// Result is what the execution came to; nil while it runs.
func (x *Execution) Result() *Result { return x.result }

// Started reports whether the Start input was taken.
func (x *Execution) Started() bool { return x.top != nil }

// Redrives is how often it was redriven.
func (x *Execution) Redrives() int64 { return x.redrives }

// LastEvent is the id of the last history event.
func (x *Execution) LastEvent() int64 { return x.lastID }

// errEnded is returned for inputs that come after the end.
var errEnded = errors.New("cannot advance execution: it has ended")

// ErrNoTask is returned for answers to a task that is not in flight: it timed
// out, was aborted, or has been answered.
var ErrNoTask = errors.New("cannot advance execution: the task is not in flight")

// ErrStarted is returned for a TaskStarted where the task has started.
var ErrStarted = errors.New("cannot advance execution: the task has started")

// Advance consumes one input. An error means that the input did not fit
// and nothing changed.
func (x *Execution) Advance(in Input) (step Step, err error) {
	if _, again := in.(Redrive); x.result != nil && !again {
		return Step{}, errEnded
	}
	x.now = max(in.when().UnixMilli(), x.latest) // clocks are set back, and a skipping one begins anew after a restart
	x.enc, x.step = nil, Step{}
	before := x.lastID
	defer func() {
		if p := recover(); p != nil {
			step, err = x.crash(before, p), nil
		}
	}()
	if err := x.consume(in); err != nil {
		return Step{}, err
	}
	if x.result == nil {
		x.expire()
	}
	for n := 0; len(x.ready) > 0 && x.result == nil; n++ {
		if n == stepBudget {
			x.step.More = true
			break
		}
		f := x.ready[0]
		x.ready = x.ready[1:]
		if !f.gone && f.runnable() {
			x.run(f)
			if !f.gone && f.runnable() {
				x.ready = append(x.ready, f)
			}
		}
	}
	step = x.step
	if x.enc != nil {
		step.Journal = x.enc.group()
	}
	if x.result == nil && !step.More {
		step.Wake = x.Wake()
	}
	step.End = x.result
	x.enc, x.step, x.context = nil, Step{}, nil
	if len(x.ready) == 0 {
		x.ready = nil
	}
	return step, nil
}

// crash ends an execution that a fault of the engine itself has left in an
// unknown state; what this Advance did before is dropped.
func (x *Execution) crash(last int64, fault any) Step {
	x.enc, x.step, x.lastID, x.full = nil, Step{}, last, false
	x.end(&Result{Status: Failed, Error: new(errRuntime), Cause: new(fmt.Sprintf("An internal error occurred in the engine: %v", fault))}, last)
	step := x.step
	step.Journal, step.End = x.enc.group(), x.result
	x.enc, x.step = nil, Step{}
	return step
}

func (x *Execution) consume(in Input) error {
	if _, ok := in.(Start); ok {
		if x.top != nil {
			return errors.New("cannot start execution: it has started")
		}
		x.emit(&record{op: opStart, event: &Event{Type: "ExecutionStarted", Input: x.info.Input, RoleARN: x.info.RoleARN}})
		return nil
	}
	if x.top == nil {
		return errors.New("cannot advance execution: it has not started")
	}
	switch in := in.(type) {
	case Redrive:
		if x.result == nil || x.result.Status == Succeeded {
			return errors.New("cannot redrive execution: it runs or has succeeded")
		}
		x.emit(&record{op: opRedrive, event: &Event{Type: "ExecutionRedriven", PreviousID: x.lastID, RedriveCount: x.redrives + 1}})
		return nil
	case Stop:
		x.abandon(x.top)
		x.end(&Result{Status: Aborted, Error: in.Error, Cause: in.Cause}, 0)
		return nil
	case Expire:
		x.abandon(x.top)
		x.end(&Result{Status: TimedOut}, 0)
		return nil
	case Wake, Continue:
		return nil
	case Resumed:
		x.resumed()
		return nil
	}
	if end, ok := in.(MapRunEnded); ok {
		return x.runEnded(end)
	}
	return x.answer(in)
}

// emit numbers, applies and writes a record.
func (x *Execution) emit(r *record) {
	if r.event != nil {
		x.lastID++
		r.event.ID = x.lastID
		r.event.Time = time.UnixMilli(x.now).UTC()
	}
	x.apply(r)
	if x.enc == nil {
		x.enc = newEncoder(time.UnixMilli(x.now))
	}
	x.enc.record(r)
	if r.event != nil {
		x.step.Events = append(x.step.Events, *r.event)
		if x.limits.history > 0 && x.lastID >= x.limits.history-1 {
			x.full = true
		}
	}
}

// event emits a public event that follows the frame's last one.
func (x *Execution) event(f *frame, r *record) {
	r.frame = f.id
	if r.event.PreviousID == 0 {
		r.event.PreviousID = f.last
	}
	x.emit(r)
}

// all lists the frames, oldest first.
func (x *Execution) all() []*frame {
	if x.top == nil {
		return nil
	}
	list := make([]*frame, 0, 1+len(x.frames))
	list = append(list, x.top)
	for _, f := range x.frames {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *frame) int { return int(int64(a.id) - int64(b.id)) })
	return list
}

// end ends the execution; previous is the event before, where it is not the top frame's last.
func (x *Execution) end(r *Result, previous int64) {
	r.At = time.UnixMilli(x.now).UTC()
	e := &Event{PreviousID: previous, Output: r.Output, Error: r.Error, Cause: r.Cause, Type: map[Status]EventType{
		Succeeded: "ExecutionSucceeded", Failed: "ExecutionFailed", TimedOut: "ExecutionTimedOut", Aborted: "ExecutionAborted"}[r.Status]}
	x.emit(&record{op: opEnd, event: e})
}

// Wake is the earliest time at which something is due; zero: nothing is.
func (x *Execution) Wake() time.Time {
	if x.result != nil || x.top == nil {
		return time.Time{}
	}
	var first int64
	consider := func(t int64) {
		if t != 0 && (first == 0 || t < first) {
			first = t
		}
	}
	if t := x.machine.top.timeout; t > 0 {
		consider(x.started + t.Milliseconds())
	}
	consider(x.top.nextDue())
	for _, f := range x.frames {
		consider(f.nextDue())
	}
	if first == 0 {
		return time.Time{}
	}
	return time.UnixMilli(first).UTC()
}

// expire acts on everything that is due.
func (x *Execution) expire() {
	if t := x.machine.top.timeout; t > 0 && x.now >= x.started+t.Milliseconds() {
		x.abandon(x.top)
		x.end(&Result{Status: TimedOut}, 0)
		return
	}
	if len(x.frames) == 0 {
		x.expireFrame(x.top)
		return
	}
	for _, f := range x.all() {
		if x.result == nil && !f.gone {
			x.expireFrame(f)
		}
	}
}

func (x *Execution) expireFrame(f *frame) {
	due := f.nextDue()
	if due == 0 || due > x.now {
		return
	}
	switch f.phase {
	case waiting:
		x.emit(&record{op: opAgain, frame: f.id})
	case backoff:
		x.emit(&record{op: opAgain, frame: f.id})
	case inTask:
		x.timeout(f)
	}
}

func (e Env) withDefaults() Env {
	if e.Token == nil {
		e.Token = randomToken
	}
	if e.UUID == nil {
		e.UUID = randomUUID
	}
	if e.Random == nil {
		e.Random = random
	}
	return e
}
