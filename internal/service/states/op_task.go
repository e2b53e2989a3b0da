package states

import (
	"context"
	"errors"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
)

// submitGrace is how long an answer that arrives while the request that hands
// out the token is still being made waits for it, so that TaskSubmitted comes
// first in the history. The request itself may depend on the answer, so it is
// not waited for any longer.
const submitGrace = 100 * time.Millisecond

// answer gives a task its end, which is durable when it returns.
func (s *Service) answer(ctx context.Context, token string, end func(*openTask) exec.Input) error {
	defer s.Clock.Busy()()
	if err := s.Store.Err(); err != nil {
		return err
	}
	o, err := s.taskOf(token)
	if err != nil {
		return err
	}
	if o.ResourceType != "activity" {
		o.awaitCall(ctx)
	}
	if !o.claim() {
		return taskGone()
	}
	err = s.deliverSync(ctx, o.Execution, end(o))
	switch {
	case err == nil:
		o.close()
	case errors.Is(err, exec.ErrNoExecution), errors.Is(err, exec.ErrNoTask):
		o.close()
		err = taskGone()
	default:
		o.unclaim() // the server stops, or its disk is full; the caller may ask again
	}
	return err
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
	return &api.SendTaskSuccessOutput{}, s.answer(ctx, *in.TaskToken, func(o *openTask) exec.Input {
		return exec.TaskSucceeded{At: s.Clock.Now(), Task: o.ID, Output: []byte(*in.Output)}
	})
}

func (s *Service) sendTaskFailure(ctx context.Context, in *api.SendTaskFailureInput) (*api.SendTaskFailureOutput, error) {
	return &api.SendTaskFailureOutput{}, s.answer(ctx, *in.TaskToken, func(o *openTask) exec.Input {
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
