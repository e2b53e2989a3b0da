package states

import (
	"context"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/store"
)

const (
	// redrivePeriod is how long after its end an execution can be redriven.
	redrivePeriod = 14 * 24 * time.Hour
	// longestExecution is how long a Standard execution may take, redrives included.
	longestExecution = 365 * 24 * time.Hour
	// redriveEvents is how many events a history may have for a redrive.
	redriveEvents = 24999
	// sameRedrive is how long a client token stands for the redrive it was first used for.
	sameRedrive = 15 * time.Minute
	historyFull = "Execution history event limit exceeded"
)

// notRedrivable says why an execution cannot be redriven, in the words of
// DescribeExecution's redriveStatusReason; "" where it can.
func (s *Service) notRedrivable(e *execution) string {
	now := s.Clock.Now()
	switch status := exec.Status(e.Status); {
	case status == exec.Running, status == exec.Succeeded:
		return "Execution is " + e.Status + " and cannot be redriven"
	case s.isDeleting(e.MachineARN):
		return "State machine is in DELETING status"
	case now.Sub(e.Start) > longestExecution:
		return "Execution has exceeded the max execution time"
	case now.Sub(e.Stop) > redrivePeriod:
		return "Execution redrivable period exceeded"
	case e.Full:
		return historyFull
	}
	return ""
}

// redriveExecution lets an execution go on where it did not succeed. It runs
// again, durably, before the engine hears of it; a server that dies in
// between is made up for by the next one (resume).
func (s *Service) redriveExecution(ctx context.Context, in *api.RedriveExecutionInput) (*api.RedriveExecutionOutput, error) {
	defer s.Clock.Busy()()
	e, err := s.findExecution(ctx, *in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	if s.redrivenBy(&e, in.ClientToken) {
		return &api.RedriveExecutionOutput{RedriveDate: &e.Redriven}, nil
	}
	if e.MapRunARN != nil {
		return nil, api.ExecutionNotRedrivable("Execution belongs to a Map Run and can only be redriven with it")
	}
	if reason := s.notRedrivable(&e); reason != "" {
		return nil, api.ExecutionNotRedrivable("%s", reason)
	}
	events, err := s.reader.read(ctx, &e)
	if err != nil {
		return nil, err
	}
	if len(events) >= redriveEvents {
		return nil, api.ExecutionNotRedrivable(historyFull)
	}
	var p *program
	var journal [][]byte
	e, err = update(ctx, s.Store, func(tx *store.Tx) (execution, error) {
		e, ok, err := ended.Get(tx, e.key()...)
		if err != nil {
			return e, err
		}
		if !ok { // somebody else was faster
			return e, api.ExecutionNotRedrivable("Execution is RUNNING and cannot be redriven")
		}
		if p, err = s.programOf(tx, e.Account, e.Region, e.Revision); err != nil {
			return e, err
		}
		if journal, err = tx.Read(e.stream(), 1, -1); err != nil {
			return e, err
		}
		if _, err := ended.Delete(tx, e.key()...); err != nil {
			return e, err
		}
		e.Redrives, e.Redriven, e.RedriveToken = e.Redrives+1, millis(s.Clock.Now()), in.ClientToken
		e.Status, e.Stop, e.Output, e.Error, e.Cause = string(exec.Running), time.Time{}, nil, nil, nil
		if err := s.announce(tx, &e); err != nil {
			return e, err
		}
		return e, running.Put(tx, e, e.key()...)
	})
	if err != nil {
		return nil, err
	}
	l := &liveExecution{record: e, logging: p.revision.Logging}
	s.live.add(l)
	if err := s.runner.Redrive(p.machine, l.info(), journal); err != nil {
		s.live.remove(e.ARN)
		return nil, err
	}
	return &api.RedriveExecutionOutput{RedriveDate: &e.Redriven}, nil
}

// redrivenBy reports whether the request is the one that redrove e, made again.
func (s *Service) redrivenBy(e *execution, token *string) bool {
	return token != nil && e.RedriveToken != nil && *token == *e.RedriveToken && s.Clock.Now().Sub(e.Redriven) < sameRedrive
}
