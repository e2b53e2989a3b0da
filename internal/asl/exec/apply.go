package exec

import (
	"fmt"
	"strings"

	"stepwell/internal/asl/value"
)

// apply changes the execution as the record says. It is the only code that
// changes frames, for live and restored executions alike; it does not look at
// the clock, at Env, or at anything but the record and the machine.
func (x *Execution) apply(r *record) {
	if r.event != nil {
		x.lastID, x.latest = r.event.ID, r.event.Time.UnixMilli()
	}
	if r.op == opStart {
		x.top = &frame{prog: x.machine.top, phase: moving, next: x.machine.top.start, data: r.event.Input}
		x.started = r.event.Time.UnixMilli()
		x.ready = append(x.ready, x.top)
		return
	}
	switch r.op {
	case opEnd:
		x.applyEnd(r)
		return
	case opRedrive:
		x.applyRedrive(r)
		return
	}
	f := x.frame(r.frame)
	if f == nil {
		panic(fmt.Sprintf("there is no frame %d", r.frame))
	}
	if r.event != nil && !r.keep {
		f.last = r.event.ID
	}
	switch r.op {
	case opEnter:
		x.applyEnter(f, r)
	case opExit:
		x.applyExit(f, r)
	case opWait:
		f.phase, f.due = waiting, r.due
	case opAgain:
		if f.phase == waiting {
			f.phase = waited
		} else {
			f.phase, f.attempt, f.lost, f.spent = fresh, f.attempt+1, nil, nil
		}
		x.ready = append(x.ready, f)
	case opFail:
		f.phase, f.fail, f.task, f.kids, f.run, f.spent = failing, r.fail, nil, nil, nil, f.run
		x.ready = append(x.ready, f)
	case opRetry:
		if f.retries == nil {
			f.retries = make([]int64, len(f.state.Retry))
		}
		f.retries[r.num]++
		f.phase, f.due, f.fail = backoff, r.due, nil
	case opEvent:
	case opMapRun, opMapRunAgain, opRunDone:
		x.applyRun(f, r)
	case opKids, opIterate, opKidDone, opKidsFailed:
		x.applyKids(f, r)
	default:
		x.applyTask(f, r)
	}
}

func (x *Execution) applyEnd(r *record) {
	status := map[EventType]Status{"ExecutionSucceeded": Succeeded, "ExecutionFailed": Failed,
		"ExecutionTimedOut": TimedOut, "ExecutionAborted": Aborted}[r.event.Type]
	x.result = &Result{Status: status, At: r.event.Time, Output: r.event.Output, Error: r.event.Error, Cause: r.event.Cause,
		Full: x.limits.history > 0 && x.lastID >= x.limits.history-1}
	x.ready = nil
	if status == Succeeded {
		x.frames, x.top = nil, &frame{prog: x.machine.top, phase: done}
	}
}

// applyRedrive sets the frames that did not succeed going again.
func (x *Execution) applyRedrive(r *record) {
	x.result, x.context, x.redrives, x.redriven = nil, nil, r.event.RedriveCount, r.event.Time
	x.started = r.event.Time.UnixMilli()
	x.revive(x.top, r.event.ID)
}

func (x *Execution) revive(f *frame, last int64) {
	if f.gone {
		f.gone = false
		x.frames[f.id] = f
	}
	f.last, f.retries, f.attempt, f.fail, f.due, f.task = last, nil, 0, nil, 0, nil
	if f.phase == inRun {
		f.spent = f.run
	}
	if f.lost != nil {
		f.kids, f.lost, f.phase = f.lost, nil, inKids
	}
	switch {
	case f.kids != nil && f.phase == inKids:
		f.kids.running, f.kids.link = len(f.kids.frames), last
		for _, k := range f.kids.frames {
			x.revive(k, last)
		}
	case f.spent != nil:
		f.phase, f.run, f.spent = again, f.spent, nil
	case f.state == nil:
		if f.phase != done {
			f.phase = moving
		}
	case f.phase != gotten && f.phase != joined:
		f.phase = fresh
	}
	if f.runnable() {
		x.ready = append(x.ready, f)
	}
}

func (x *Execution) applyEnter(f *frame, r *record) {
	f.state = f.prog.states[r.event.Name]
	if f.state == nil {
		panic(fmt.Sprintf("there is no state %q", r.event.Name))
	}
	f.phase, f.input, f.data, f.next = fresh, r.event.Input, nil, ""
	f.entered, f.id2, f.before = r.event.Time.UnixMilli(), r.event.ID, r.event.PreviousID
	f.retries, f.attempt = nil, 0
}

func (x *Execution) applyExit(f *frame, r *record) {
	if len(r.event.Assigned) > 0 {
		vars := make(map[string][]byte, len(f.vars)+len(r.event.Assigned))
		for n, v := range f.vars {
			vars[n] = v
		}
		for n, v := range r.event.Assigned {
			vars[n] = []byte(v)
		}
		f.vars = vars
	}
	f.data, f.next, f.input, f.state, f.fail, f.task, f.kids, f.lost, f.spent = r.event.Output, r.next, nil, nil, nil, nil, nil, nil, nil
	f.phase = moving
	if f.next == "" {
		f.phase = done
	}
}

func (x *Execution) applyTask(f *frame, r *record) {
	switch r.op {
	case opTask:
		f.phase = inTask
		f.task = &flight{id: r.task, token: r.token, due: r.due, beat: r.due2, period: r.num, role: r.raw, parameters: r.event.Parameters}
		if strings.HasSuffix(string(r.event.Type), "FunctionScheduled") || strings.HasPrefix(string(r.event.Type), "Activity") {
			f.task.parameters = r.event.Input
		}
		if r.event.Timeout != nil {
			f.task.timeout = *r.event.Timeout
		}
		x.lastTask = r.task
	case opTaskStarted:
		f.task.started, f.task.due, f.task.beat = true, r.due, r.due2
	case opTaskSubmitted:
		f.task.submitted, f.task.output = true, r.event.Output
	case opNote:
		f.task.handle = r.raw
	case opHeartbeat:
		f.task.beat = r.due2
	case opResult:
		f.phase, f.data, f.task = gotten, r.event.Output, nil
		x.ready = append(x.ready, f)
	default:
		panic(fmt.Sprintf("there is no operation %d", r.op))
	}
}

// maxItems is more than a payload can hold.
const maxItems = 1 << 20

func (x *Execution) applyKids(f *frame, r *record) {
	switch r.op {
	case opKids:
		if r.num < 0 || r.num > maxItems {
			panic("too many items")
		}
		f.phase = inKids
		f.kids = &kids{length: int(r.num), most: int(r.due), link: r.event.ID, results: make([][]byte, r.num)}
		if f.state.loop == nil {
			for i, prog := range f.state.kids {
				x.child(f, i, prog, r.raw, r.event.ID)
			}
			f.kids.next = len(f.state.kids)
		} else {
			f.kids.items = splitItems(r.raw)
		}
		if f.kids.length == 0 {
			f.phase = joined
		}
	case opIterate:
		x.child(f, f.kids.next, f.state.kids[0], r.raw, r.event.ID)
		f.kids.next++
	case opKidDone:
		x.applyKidDone(f, r)
	case opKidsFailed:
		for _, k := range f.kids.frames {
			x.drop(k)
		}
		f.lost, f.kids, f.phase, f.fail, f.last = f.kids, nil, failing, r.fail, r.num
		x.ready = append(x.ready, f)
	}
}

// applyKidDone: the child r.kid of f ended with its output.
func (x *Execution) applyKidDone(f *frame, r *record) {
	c, k := x.frames[r.kid], f.kids
	k.results[c.index] = c.data
	k.ended++
	k.running--
	k.link = c.last
	if r.event == nil {
		f.last = c.last
	}
	for i, other := range k.frames {
		if other == c {
			k.frames = append(k.frames[:i], k.frames[i+1:]...)
			break
		}
	}
	x.drop(c)
	if k.ended == k.length {
		f.phase = joined
	}
	if f.runnable() {
		x.ready = append(x.ready, f)
	}
}

// splitItems cuts the text of a JSON array into its items.
func splitItems(text []byte) [][]byte {
	v, err := value.Parse(text)
	list, ok := v.([]value.Value)
	if err != nil || !ok {
		panic("the items are not an array")
	}
	items := make([][]byte, len(list))
	for i, item := range list {
		items[i] = value.Text(item)
	}
	return items
}
