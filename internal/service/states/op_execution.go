package states

import (
	"context"
	"errors"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// findExecution reads an execution by its ARN.
func (s *Service) findExecution(ctx context.Context, arn string) (execution, error) {
	r, err := parseARN(ctx, arn, kindExecution)
	if err != nil {
		return execution{}, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (execution, error) {
		e, ok, err := lookup(tx, s.Clock.Now(), r.Account, r.Region, r.Name, r.Execution)
		if err == nil && !ok {
			err = noExecution(arn)
		}
		return e, err
	})
}

func (s *Service) describeExecution(ctx context.Context, in *api.DescribeExecutionInput) (*api.DescribeExecutionOutput, error) {
	e, err := s.findExecution(ctx, *in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	return s.describe(&e, value(in.IncludedData)), nil
}

// describe is an execution as DescribeExecution shows it.
func (s *Service) describe(e *execution, data string) *api.DescribeExecutionOutput {
	out := &api.DescribeExecutionOutput{
		ExecutionArn: &e.ARN, StateMachineArn: &e.MachineARN, StateMachineVersionArn: e.VersionARN,
		StateMachineAliasArn: e.AliasARN, Name: &e.Name, Status: &e.Status, StartDate: &e.Start, TraceHeader: e.TraceHeader, Error: e.Error, Cause: e.Cause,
		RedriveCount: &e.Redrives, MapRunArn: e.MapRunARN,
	}
	if !e.Stop.IsZero() {
		out.StopDate = &e.Stop
	}
	if data != metadataOnly {
		out.Input, out.InputDetails = &e.Input, included()
		if e.Output != nil {
			out.Output, out.OutputDetails = e.Output, included()
		}
	}
	if !e.Redriven.IsZero() {
		out.RedriveDate = &e.Redriven
	}
	out.RedriveStatus = new("REDRIVABLE")
	if e.MapRunARN != nil {
		out.RedriveStatus = new("REDRIVABLE_BY_MAP_RUN")
	}
	if reason := s.notRedrivable(e); reason != "" {
		out.RedriveStatus, out.RedriveStatusReason = new("NOT_REDRIVABLE"), &reason
	}
	return out
}

func (s *Service) listExecutions(ctx context.Context, in *api.ListExecutionsInput) (*api.ListExecutionsOutput, error) {
	switch {
	case in.MapRunArn != nil:
		if in.StateMachineArn != nil {
			return nil, validation("Must specify either a state machine ARN or a map run ARN, but not both")
		}
		return s.listChildren(ctx, in)
	case in.StateMachineArn == nil:
		return nil, validation("Must specify either a state machine ARN or a map run ARN")
	}
	r, err := parseARN(ctx, *in.StateMachineArn, kindMachine)
	if err != nil {
		return nil, err
	}
	scope := "executions " + r.ARN + " " + value(in.StatusFilter)
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	keep := func(e *execution) bool {
		return wanted(in, e) && (r.Qualifier == "" || value(e.VersionARN) == r.ARN || value(e.AliasARN) == r.ARN)
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListExecutionsOutput, error) {
		t, err := getTarget(tx, r, s.dice)
		if err != nil {
			return nil, err
		}
		if t.machine.Type == "EXPRESS" {
			return nil, typeNotSupported()
		}
		page, next, err := s.executionPage(tx, r, after, paging.Size(in.MaxResults, defaultPage), keep)
		return &api.ListExecutionsOutput{Executions: page, NextToken: pageToken(scope, next)}, err
	})
}

// wanted applies the filters of ListExecutions.
func wanted(in *api.ListExecutionsInput, e *execution) bool {
	return (in.StatusFilter == nil || e.Status == *in.StatusFilter) &&
		(in.RedriveFilter == nil || (*in.RedriveFilter == "REDRIVEN") == (e.Redrives > 0))
}

// executionPage reads up to limit executions of a machine that keep wants, the
// newest first, after a position; next is where to go on, "" at the end.
func (s *Service) executionPage(tx *store.Tx, r resource, after string, limit int, keep func(*execution) bool) (page []api.ExecutionListItem, next string, err error) {
	page = []api.ExecutionListItem{}
	for len(page) < limit {
		names, next, err := byTime.Page(tx, after, limit-len(page), r.Account, r.Region, r.Name)
		if err != nil {
			return nil, "", err
		}
		for _, name := range names {
			e, ok, err := lookup(tx, s.Clock.Now(), r.Account, r.Region, r.Name, name)
			if err != nil {
				return nil, "", err
			}
			if ok && keep(&e) {
				page = append(page, listItem(&e))
			}
		}
		if after = next; after == "" {
			break
		}
	}
	return page, after, nil
}

func listItem(e *execution) api.ExecutionListItem {
	item := api.ExecutionListItem{
		ExecutionArn: &e.ARN, StateMachineArn: &e.MachineARN, StateMachineVersionArn: e.VersionARN,
		StateMachineAliasArn: e.AliasARN, Name: &e.Name, Status: &e.Status, StartDate: &e.Start, RedriveCount: &e.Redrives,
		MapRunArn: e.MapRunARN,
	}
	if e.MapRunARN != nil {
		item.ItemCount = &e.Items
	}
	if !e.Stop.IsZero() {
		item.StopDate = &e.Stop
	}
	if !e.Redriven.IsZero() {
		item.RedriveDate = &e.Redriven
	}
	return item
}

func (s *Service) stopExecution(ctx context.Context, in *api.StopExecutionInput) (*api.StopExecutionOutput, error) {
	defer s.Clock.Busy()()
	for {
		e, err := s.findExecution(ctx, *in.ExecutionArn)
		if err != nil {
			return nil, err
		}
		if e.Status != string(exec.Running) {
			return &api.StopExecutionOutput{StopDate: &e.Stop}, nil
		}
		at := millis(s.Clock.Now())
		err = s.deliverSync(ctx, e.ARN, exec.Stop{At: at, Error: in.Error, Cause: in.Cause})
		if !errors.Is(err, exec.ErrNoExecution) {
			return &api.StopExecutionOutput{StopDate: &at}, err
		}
		// The record says that it runs: it is on its way into the engine, or out of it.
		if err := pause(ctx, time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// pause waits in real time: for this process, not for the world it serves.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
