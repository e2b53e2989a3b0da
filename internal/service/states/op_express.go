package states

import (
	"context"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
)

// expressLimit is how long an Express execution may run.
const expressLimit = 5 * time.Minute

// startExpress runs an execution in memory, which start begins; then is called at its end.
func (s *Service) startExpress(st *starting, start func(*exec.Machine, exec.Info) error, then func(execution)) (*liveExecution, error) {
	arn := st.arn(kindExpress, ":"+s.IDs.UUID())
	l := &liveExecution{record: st.record(arn, s.Clock.Now()), express: true, logging: st.program.revision.Logging}
	limit := s.Clock.AfterFunc(expressLimit, func() { s.expire(arn) })
	l.watchers = append(l.watchers, func(execution) { limit.Stop() })
	if then != nil {
		l.watchers = append(l.watchers, then)
	}
	s.live.add(l)
	if err := start(st.program.machine, l.info()); err != nil {
		s.live.remove(arn)
		limit.Stop()
		return nil, err
	}
	return l, nil
}

// startSyncExecution answers with the end of an Express execution. The
// execution goes on where the caller does not wait for it.
func (s *Service) startSyncExecution(ctx context.Context, in *api.StartSyncExecutionInput) (*api.StartSyncExecutionOutput, error) {
	release := s.Clock.Busy()
	defer release()
	st, err := s.prepareStart(ctx, *in.StateMachineArn, in.Name, in.Input, in.TraceHeader)
	if err != nil {
		return nil, err
	}
	if st.target.machine.Type != "EXPRESS" {
		return nil, typeNotSupported()
	}
	end := make(chan execution, 1)
	began := time.Now()
	l, err := s.startExpress(&st, s.runner.Run, func(e execution) { end <- e })
	if err != nil {
		return nil, err
	}
	release() // the engine holds its own while it works; a wait of the execution is no work
	var e execution
	select {
	case e = <-end:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	out := &api.StartSyncExecutionOutput{
		ExecutionArn: &e.ARN, StateMachineArn: &l.record.MachineARN, Name: &e.Name, StartDate: &e.Start, StopDate: &e.Stop,
		Status: &e.Status, Error: e.Error, Cause: e.Cause, Output: e.Output, TraceHeader: e.TraceHeader,
		InputDetails: included(), BillingDetails: billing(max(e.Stop.Sub(e.Start), time.Since(began))),
	}
	if value(in.IncludedData) == metadataOnly {
		out.Output = nil
		return out, nil
	}
	out.Input = &e.Input
	if e.Status == string(exec.Succeeded) {
		out.OutputDetails = included()
	}
	return out, nil
}

func included() *api.CloudWatchEventsExecutionDataDetails {
	return &api.CloudWatchEventsExecutionDataDetails{Included: new(true)}
}

// billing is what AWS would charge for: durations in steps of 100 ms, memory in
// chunks of 64 MB, of which the smallest is assumed.
func billing(d time.Duration) *api.BillingDetails {
	const step = 100 * time.Millisecond
	steps := max((d+step-1)/step, 1)
	return &api.BillingDetails{BilledDurationInMilliseconds: new(int64(steps * 100)), BilledMemoryUsedInMB: new(int64(64))}
}
