package states

import (
	"encoding/json"
	"errors"
	"fmt"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awserr"
	"stepwell/internal/wire/sdkjson"
)

// run makes the task's call. again: an earlier server may have made it.
func (o *openTask) run(again bool) {
	c, err := o.s.resolve(o.ResourceType, o.Action)
	if err != nil {
		o.fail("States.TaskFailed", awserr.From(err).Message)
		return
	}
	if c.pattern != "" && c.pattern != patternToken && (c.optimized == nil || c.optimized.job == nil) {
		o.fail("States.TaskFailed", "not implemented: Step Functions integration "+o.ResourceType+":"+o.Action)
		return
	}
	if again && !c.repeat() {
		o.fail("States.TaskFailed", fmt.Sprintf("The server stopped during the call of %s:%s, and it is not known whether it took effect.",
			c.service.Name, c.operation.Name))
		return
	}
	in, err := c.input(o.Parameters)
	if err != nil {
		o.failInput(err)
		return
	}
	c.complete(in, requestID(&o.Task, "token"))
	out, err := o.invoke(c, in)
	if err != nil && again && c.service.Name == "states" && awserr.From(err) != nil && awserr.From(err).Code == "ExecutionAlreadyExists" {
		out, err = o.startedBefore(in)
	}
	if err != nil {
		if o.ctx.Err() == nil {
			o.fail(c.failure(err, o.caller.RequestID))
		}
		return
	}
	answer, err := c.output(out, o.caller.RequestID)
	if err != nil {
		o.fail("States.Runtime", err.Error())
		return
	}
	if c.pattern == "" {
		o.succeed(answer)
		return
	}
	o.deliver(exec.TaskSubmitted{At: o.s.Clock.Now(), Task: o.ID, Output: answer})
	close(o.called)
	o.wait(c, answer)
}

// failInput ends a task whose parameters do not fit the operation.
func (o *openTask) failInput(err error) {
	if problems := sdkjson.Problems(nil); errors.As(err, &problems) {
		err = fmt.Errorf("The Parameters '%s' could not be used to start the Task: [%w]", o.Parameters, problems)
	}
	if o.claim() {
		o.close()
		o.deliver(exec.TaskFailed{At: o.s.Clock.Now(), Task: o.ID, Error: new("States.Runtime"), Cause: new(err.Error()), NotStarted: true})
	}
}

// invoke calls the operation with a validated input. A fault of the server itself is an error like others.
func (o *openTask) invoke(c *call, in any) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			o.s.Log.Error("operation panicked", "service", c.service.Name, "operation", c.operation.Name, "panic", p)
			err = awserr.Internal()
		}
	}()
	if fault := o.s.codecs.of(c.service.Model).Validate(c.model, in); fault != nil {
		return nil, fault
	}
	if err := asSDKSends(in); err != nil {
		return nil, err
	}
	return o.s.Bus.Invoke(o.ctx, c.service.Name, c.operation.Name, in)
}

// attach goes on with a task whose job was submitted before a restart.
func (o *openTask) attach(submitted json.RawMessage) {
	c, err := o.s.resolve(o.ResourceType, o.Action)
	if err != nil {
		o.fail("States.TaskFailed", awserr.From(err).Message)
		return
	}
	o.wait(c, submitted)
}

// wait waits for the job, or for nothing where a task token will end the task.
func (o *openTask) wait(c *call, submitted json.RawMessage) {
	if c.pattern != patternToken {
		c.optimized.job.wait(o, c, submitted)
	}
}
