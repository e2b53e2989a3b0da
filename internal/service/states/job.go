package states

import (
	"context"
	"encoding/json"
	"time"

	"stepwell/internal/awsapi/glue"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// jobKind is a kind of job that .sync waits for.
type jobKind struct {
	// wait arranges for the task to end with the job that the call started;
	// submitted is the call's answer. It returns at once.
	wait func(o *openTask, c *call, submitted json.RawMessage)
}

// Jobs are looked at after these pauses: short at first, since local jobs are
// short, then longer.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 500 * time.Millisecond
	busyLook  = 5 * time.Second // after an error that passes
)

var glueJobRun = &jobKind{wait: func(o *openTask, c *call, submitted json.RawMessage) {
	var params struct{ JobName string }
	var run struct{ JobRunId string }
	if json.Unmarshal(o.Parameters, &params) != nil || json.Unmarshal(submitted, &run) != nil {
		o.fail("States.Runtime", "cannot read the id of the started job run")
		return
	}
	o.onAbandon(func() {
		ctx := bus.With(context.Background(), o.caller)
		in := &glue.BatchStopJobRunInput{JobName: &params.JobName, JobRunIds: []string{run.JobRunId}}
		if _, err := o.s.Bus.Invoke(ctx, "glue", "BatchStopJobRun", in); err != nil {
			o.s.Log.Warn("abandoned job run cannot be stopped", "job", params.JobName, "run", run.JobRunId, "error", err)
		}
	})
	o.lookAtJobRun(c, &glue.GetJobRunInput{JobName: &params.JobName, RunId: &run.JobRunId}, firstLook)
}}

func (o *openTask) lookAtJobRun(c *call, in *glue.GetJobRunInput, pause time.Duration) {
	if o.ctx.Err() != nil {
		return
	}
	out, err := bus.Invoke[glue.GetJobRunOutput](o.ctx, o.s.Bus, "glue", "GetJobRun", in)
	if o.ctx.Err() != nil {
		return
	}
	if e := awserr.From(err); e != nil && e.Temporary() && !store.IsFault(err) { // Glue is elsewhere and busy: the run goes on
		o.after(busyLook, func() { o.lookAtJobRun(c, in, pause) })
		return
	}
	if err != nil && awserr.From(err) != nil && !store.IsFault(err) {
		o.fail(c.failure(err, o.caller.RequestID))
		return
	}
	var state string
	if err == nil && out.JobRun != nil {
		state = value(out.JobRun.JobRunState)
	}
	switch state {
	case "SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED":
		text, err := described(c.service.Model, "JobRun", out.JobRun, nil)
		switch {
		case err != nil:
			o.fail("States.Runtime", err.Error())
		case state == "SUCCEEDED":
			o.succeed(text)
		default:
			o.fail("States.TaskFailed", string(text))
		}
	default:
		o.after(pause, func() { o.lookAtJobRun(c, in, min(pause*3/2, lastLook)) })
	}
}

var nestedExecution = &jobKind{wait: func(o *openTask, c *call, submitted json.RawMessage) {
	var started struct{ ExecutionArn string }
	if err := json.Unmarshal(submitted, &started); err != nil {
		o.fail("States.Runtime", "cannot read the ARN of the started execution")
		return
	}
	o.onAbandon(func() {
		ctx := bus.With(context.Background(), o.caller)
		in := &api.StopExecutionInput{ExecutionArn: &started.ExecutionArn}
		if _, err := o.s.Bus.Invoke(ctx, "states", "StopExecution", in); err != nil {
			o.s.Log.Warn("abandoned execution cannot be stopped", "execution", started.ExecutionArn, "error", err)
		}
	})
	if l := o.s.live.get(started.ExecutionArn); l != nil && !l.express && l.watch(func(e execution) { o.spawn(func() { o.nestedEnded(c, &e) }) }) {
		return
	}
	e, err := o.s.findExecution(o.ctx, started.ExecutionArn)
	switch {
	case awserr.From(err) != nil:
		o.fail(c.failure(err, o.caller.RequestID))
	case err != nil, e.Stop.IsZero(): // the disk cannot be read; not in the engine yet, or about to leave it
		o.after(firstLook, func() { o.wait(c, submitted) })
	default:
		o.nestedEnded(c, &e)
	}
}}

// nestedEnded ends the task with the execution that it started. The first form
// of .sync shows input and output as text, the second as JSON.
func (o *openTask) nestedEnded(c *call, e *execution) {
	out := o.s.describe(e, "")
	text, err := described(c.service.Model, "DescribeExecutionOutput", out, func(tree map[string]any) {
		if c.pattern != patternSync2 {
			return
		}
		for _, m := range [...]string{"Input", "Output"} {
			if s, ok := tree[m].(string); ok {
				tree[m] = json.RawMessage(s)
			}
		}
	})
	switch {
	case err != nil:
		o.fail("States.Runtime", err.Error())
	case e.Status == "SUCCEEDED":
		o.succeed(text)
	default:
		o.fail("States.TaskFailed", string(text))
	}
}

// startedBefore is the answer of a StartExecution that an earlier server made
// for this task: the execution has its derived name and has ended since.
func (o *openTask) startedBefore(in any) (any, error) {
	start := in.(*api.StartExecutionInput)
	r, err := parseARN(o.ctx, *start.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	c := bus.Caller{Account: r.Account, Region: r.Region}
	e, err := o.s.findExecution(o.ctx, c.ARN("states", kindExecution+":"+r.Name+":"+*start.Name))
	if err != nil {
		return nil, err
	}
	return &api.StartExecutionOutput{ExecutionArn: &e.ARN, StartDate: &e.Start}, nil
}
