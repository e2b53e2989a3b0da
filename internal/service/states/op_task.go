package states

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
)

// submitGrace is how long an answer that arrives while the request that hands
// out the token is still being made waits for it, so that TaskSubmitted comes
// first in the history. The request itself may depend on the answer, so it is
// not waited for any longer.
const submitGrace = 100 * time.Millisecond

// lateAnswer is an answer that the engine has taken and the disk has not yet.
// Its caller was told to try again, and learns what became of it when it does.
type lateAnswer struct {
	text string // what it said
	done chan error
}

// await waits until the answer is durable, or for so long that the caller is
// told to try again.
func (a *lateAnswer) await(s *Service, o *openTask) error {
	t := time.NewTimer(s.commitWait)
	defer t.Stop()
	var err error
	select {
	case err = <-a.done:
	case <-t.C:
		o.mu.Lock()
		defer o.mu.Unlock()
		o.late = a
		if err = s.Store.Err(); err == nil {
			err = context.DeadlineExceeded
		}
		return err
	}
	switch {
	case err == nil:
		o.close()
	case errors.Is(err, exec.ErrNoExecution), errors.Is(err, exec.ErrNoTask):
		o.close()
		err = taskGone()
	default:
		o.unclaim() // the server stops; the caller may ask again
	}
	return err
}

// takeLate takes the late answer that says text; nil: there is none.
func (o *openTask) takeLate(text string) *lateAnswer {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.late
	if a == nil || a.text != text {
		return nil
	}
	o.late = nil
	return a
}

// answer gives a task its end, which is durable when it returns. text stands
// for all that the answer says.
func (s *Service) answer(ctx context.Context, token, text string, end func(*openTask) exec.Input) error {
	defer s.Clock.Busy()()
	if err := s.Store.Err(); err != nil {
		return err
	}
	o, err := s.taskOf(token)
	if err != nil {
		return err
	}
	if a := o.takeLate(text); a != nil {
		return a.await(s, o)
	}
	if o.ResourceType != "activity" {
		o.awaitCall(ctx)
	}
	if !o.claim() {
		return taskGone()
	}
	a := &lateAnswer{text, make(chan error, 1)}
	go func() { a.done <- s.runner.DeliverSync(context.WithoutCancel(ctx), o.Execution, end(o)) }()
	return a.await(s, o)
}

func (s *Service) taskOf(token string) (*openTask, error) {
	if o := s.tasks.withToken(token); o != nil {
		return o, nil
	}
	if ownToken(token) {
		return nil, taskGone()
	}
	return nil, invalidTaskToken()
}

func (o *openTask) awaitCall(ctx context.Context) {
	t := time.NewTimer(submitGrace)
	defer t.Stop()
	select {
	case <-o.called:
	case <-t.C:
	case <-ctx.Done():
	}
}

func (s *Service) sendTaskSuccess(ctx context.Context, in *api.SendTaskSuccessInput) (*api.SendTaskSuccessOutput, error) {
	if fault := jsonFault(*in.Output); fault != "" {
		return nil, invalidOutput(fault)
	}
	return &api.SendTaskSuccessOutput{}, s.answer(ctx, *in.TaskToken, *in.Output, func(o *openTask) exec.Input {
		return exec.TaskSucceeded{At: s.Clock.Now(), Task: o.ID, Output: []byte(*in.Output)}
	})
}

func (s *Service) sendTaskFailure(ctx context.Context, in *api.SendTaskFailureInput) (*api.SendTaskFailureOutput, error) {
	text := fmt.Sprintf("failure %q %q", value(in.Error), value(in.Cause)) // no JSON, so no success says the same
	return &api.SendTaskFailureOutput{}, s.answer(ctx, *in.TaskToken, text, func(o *openTask) exec.Input {
		return exec.TaskFailed{At: s.Clock.Now(), Task: o.ID, Error: in.Error, Cause: in.Cause}
	})
}

// sendTaskHeartbeat answers once the new deadline is durable: a server that is
// killed right after must not let the task time out.
func (s *Service) sendTaskHeartbeat(ctx context.Context, in *api.SendTaskHeartbeatInput) (*api.SendTaskHeartbeatOutput, error) {
	defer s.Clock.Busy()()
	o, err := s.taskOf(*in.TaskToken)
	if err != nil {
		return nil, err
	}
	err = s.deliverSync(ctx, o.Execution, exec.TaskHeartbeat{At: s.Clock.Now(), Task: o.ID})
	if errors.Is(err, exec.ErrNoExecution) || errors.Is(err, exec.ErrNoTask) {
		err = taskGone()
	}
	return &api.SendTaskHeartbeatOutput{}, err
}
