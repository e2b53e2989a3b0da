package states

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"stepwell/internal/asl/exec"
	"stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
	"stepwell/internal/store"
	"stepwell/internal/wire/sdkjson"
)

// run makes the task's call. again: an earlier server may have made it.
func (o *openTask) run(again bool) {
	if fault := credentialFault(o.Credentials); fault != "" {
		o.fail("States.Runtime", fault)
		return
	}
	if o.ResourceType == "http" {
		o.runHTTP(again)
		return
	}
	c, err := o.s.resolve(o.ResourceType, o.Action)
	if err != nil {
		o.fail(errNotHere, awserr.From(err).Message)
		return
	}
	if c.pattern != "" && c.pattern != patternToken && (c.optimized == nil || c.optimized.job == nil) {
		o.fail(errNotHere, "not implemented: Step Functions integration "+o.ResourceType+":"+o.Action)
		return
	}
	if again && !c.repeat() {
		o.fail(c.unknownEffect(), fmt.Sprintf("The server stopped during the call of %s:%s, and it is not known whether it took effect.",
			c.service.Name, c.operation.Name))
		return
	}
	in, out, err := o.call(c)
	if fault := inputFault(""); errors.As(err, &fault) {
		o.failInput(fault)
		return
	}
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
	if name, is := c.refused(out); is {
		o.fail(name, string(answer))
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

// errNotHere is the error of a task that calls what is not implemented. Retry and
// Catch of States.ALL do not name it, so no execution succeeds without its call.
const errNotHere = "States.Runtime"

// inputFault is what is wrong with a task's parameters.
type inputFault string

func (f inputFault) Error() string { return string(f) }

// call calls the operation with the task's parameters. While the server cannot
// keep what the operation would do, because the disk is full say, that is not
// the task's fault: the call is made again.
func (o *openTask) call(c *call) (in, out any, err error) {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		if in, err = c.input(&o.Task); err != nil {
			if problems := sdkjson.Problems(nil); errors.As(err, &problems) {
				err = fmt.Errorf("The Parameters '%s' could not be used to start the Task: [%w]", o.Parameters, problems)
			}
			return nil, nil, inputFault(err.Error())
		}
		c.complete(in, requestID(&o.Task, "token"))
		if out, err = o.invoke(c, in); !store.IsFault(err) {
			return in, out, err
		}
		select {
		case <-o.ctx.Done():
			return in, nil, err
		case <-time.After(pause):
		}
	}
}

// Pauses between calls that the server could not keep, in real time.
const (
	firstPause = 50 * time.Millisecond
	longPause  = 2 * time.Second
)

// failInput ends a task whose parameters do not fit the operation.
func (o *openTask) failInput(err error) {
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
	if fault := c.unreachable(in); fault != nil {
		return nil, fault
	}
	if !o.Started && o.Heartbeat == 0 { // a heartbeat period begins with the answer, as does ...Started then
		shown := time.AfterFunc(startedAfter, func() { o.deliver(exec.TaskStarted{At: o.s.Clock.Now(), Task: o.ID}) })
		defer shown.Stop()
	}
	return o.s.Bus.Invoke(o.ctx, c.service.Name, c.operation.Name, in)
}

// startedAfter is how long a call lasts, in real time, before the history shows
// that the task started. With shorter calls that comes along with the end.
const startedAfter = 100 * time.Millisecond

// sdkClientException is the code of a call that never reached its service.
const sdkClientException = "SdkClientException"

// unreachable is the fault of a queue URL that is a host's name and nothing
// more: the SDK sends to that host, which there is not.
func (c *call) unreachable(in any) error {
	send, ok := in.(*sqs.SendMessageInput)
	if !ok || c.optimized == nil {
		return nil
	}
	u, err := url.Parse(value(send.QueueUrl))
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || strings.Contains(u.Host, ".") || u.Hostname() == "localhost" {
		return nil
	}
	return &awserr.Error{Code: sdkClientException, Message: "Unable to execute HTTP request: " + u.Hostname() + ": Name or service not known"}
}

// attach goes on with a task whose job was submitted before a restart.
func (o *openTask) attach(submitted json.RawMessage) {
	c, err := o.s.resolve(o.ResourceType, o.Action)
	if err != nil {
		o.fail(errNotHere, awserr.From(err).Message)
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
