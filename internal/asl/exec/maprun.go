package exec

import (
	"encoding/json"
	"fmt"
	"time"

	"stepwell/internal/asl/value"
)

// MapTask is a Map run in flight, as the core hands it to the Runner.
type MapTask struct {
	ID    string
	State string
	frame *frame
	spec  *runSpec
}

type (
	// MapRunEnded ends a Map run: Output is JSON text, or Failed with Error and Cause.
	MapRunEnded struct {
		At           time.Time
		ID           string
		Output       json.RawMessage
		Failed       bool
		Error, Cause *string
	}
)

func (i MapRunEnded) when() time.Time { return i.At }

// startRun begins the Map run of a Distributed Map state.
func (x *Execution) startRun(f *frame) error {
	code := f.state.loop
	input, err := x.effectiveInput(f)
	if err != nil {
		return err
	}
	sc := x.scope(f, input)
	var items value.Value
	n := int64(0)
	if code.spread.reader == nil {
		if items, err = sc.dataset(code, true); err != nil {
			return err
		}
		switch items := items.(type) {
		case []value.Value:
			n = int64(len(items))
		case *value.Object:
			n = int64(items.Len())
		}
	}
	x.event(f, &record{op: opEvent, event: &Event{Type: "MapStateStarted", Length: n}})
	spec, err := sc.runSpec(code)
	if err != nil {
		return err
	}
	if items != nil {
		spec.Items = value.Text(items)
	}
	spec.ID, spec.Label = x.env.UUID(), code.spread.label
	if spec.Label == "" {
		spec.Label = x.env.UUID()
	}
	raw, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	x.event(f, &record{op: opMapRun, raw: raw, event: &Event{Type: "MapRunStarted", MapRunARN: MapRunARN(x.info, spec.Label, spec.ID)}})
	x.step.BeginRuns = append(x.step.BeginRuns, f.mapTask())
	return nil
}

// mostRedrives is how often a Map run can be redriven ("Redriving Map Runs", developer guide).
const mostRedrives = 1000

// redriveRun lets a Map run go on that failed or was aborted.
func (x *Execution) redriveRun(f *frame) {
	if f.run.redrives >= mostRedrives {
		x.raise(f, &failure{Error: new(errRuntime), Cause: new(fmt.Sprintf("The Map Run has been redriven %d times, the most that is allowed.", mostRedrives)), terminal: true, inside: true})
		return
	}
	x.event(f, &record{op: opMapRunAgain, event: &Event{Type: "MapRunRedriven", MapRunARN: MapRunARN(x.info, f.run.Label, f.run.ID),
		RedriveCount: f.run.redrives + 1}})
	x.step.BeginRuns = append(x.step.BeginRuns, f.mapTask())
}

func (f *frame) mapTask() MapTask {
	return MapTask{ID: f.run.ID, State: f.state.Name, frame: f.detached(), spec: f.run}
}

// detached is a copy of the frame and those around it as they are, for the
// evaluation of items beside the execution.
func (f *frame) detached() *frame {
	if f == nil {
		return nil
	}
	c := *f
	c.parent = f.parent.detached()
	return &c
}

// MapRuns lists the Map runs in flight.
func (x *Execution) MapRuns() []MapTask {
	var list []MapTask
	if x.result != nil {
		return nil
	}
	for _, f := range x.all() {
		if f.phase == inRun {
			list = append(list, f.mapTask())
		}
	}
	return list
}

// runEnded consumes the end of a Map run.
func (x *Execution) runEnded(in MapRunEnded) error {
	for _, f := range x.all() {
		if f.phase != inRun || f.run.ID != in.ID {
			continue
		}
		if in.Failed {
			x.event(f, &record{op: opFail, event: &Event{Type: "MapRunFailed", Error: in.Error, Cause: in.Cause},
				fail: &failure{Error: in.Error, Cause: in.Cause, terminal: in.Error != nil && *in.Error == errRuntime, inside: true}})
			return nil
		}
		x.event(f, &record{op: opRunDone, raw: in.Output, event: &Event{Type: "MapRunSucceeded"}})
		return nil
	}
	return ErrNoTask
}

// joinRun leaves a Distributed Map state with the Map run's output.
func (x *Execution) joinRun(f *frame) {
	r, err := x.finished(f, output{result: f.data, selector: true})
	if err != nil {
		x.raiseError(f, err)
		return
	}
	x.event(f, &record{op: opEvent, keep: true, event: &Event{Type: "MapStateSucceeded"}})
	if f.before != 0 || f.state.query { // so the service links it, but not in an execution's first state over JSONPath
		r.event.PreviousID = f.runAt
	}
	x.event(f, r)
}

// applyRun applies the records of Map runs.
func (x *Execution) applyRun(f *frame, r *record) {
	if r.op == opRunDone {
		f.phase, f.data, f.run = joined, r.raw, nil
		x.ready = append(x.ready, f)
		return
	}
	if r.op == opMapRunAgain {
		spec := *f.run
		spec.redrives = r.event.RedriveCount
		f.run, f.phase, f.runAt = &spec, inRun, r.event.ID
		return
	}
	f.run = &runSpec{}
	if err := json.Unmarshal(r.raw, f.run); err != nil {
		panic("the Map run cannot be read")
	}
	f.phase, f.runAt = inRun, r.event.ID
}

// abandonRun lists the Map run in flight in f as abandoned.
func (x *Execution) abandonRun(f *frame) {
	if f.phase == inRun && f.run != nil {
		x.step.AbandonRuns = append(x.step.AbandonRuns, f.run.ID)
	}
}
