package states

import (
	"context"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func noMapRun(arn string) *awserr.Error {
	return api.ResourceNotFound("Resource not found: '%s'", arn).With("resourceName", arn)
}

// getMapRun reads the Map run that r names.
func getMapRun(tx *store.Tx, r resource) (mapRun, error) {
	name, ok, err := mapRunNames.Get(tx, r.Account, r.Region, r.Name, r.Execution)
	if err != nil {
		return mapRun{}, err
	}
	if !ok {
		return mapRun{}, noMapRun(r.ARN)
	}
	run, ok, err := mapRuns.Get(tx, r.Account, r.Region, r.parentMachine(), name, r.Execution)
	if err == nil && !ok {
		err = noMapRun(r.ARN)
	}
	return run, err
}

func (s *Service) describeMapRun(ctx context.Context, in *api.DescribeMapRunInput) (*api.DescribeMapRunOutput, error) {
	r, err := parseARN(ctx, *in.MapRunArn, kindMapRun)
	if err != nil {
		return nil, err
	}
	run, err := view(ctx, s.Store, func(tx *store.Tx) (mapRun, error) { return getMapRun(tx, r) })
	if err != nil {
		return nil, err
	}
	if p, ok := s.runner.MapRunProgress(run.Execution, run.ID); ok && run.Status == string(exec.Running) {
		run.Items, run.Children = p.Items, p.Children // the record has them now and then only
	}
	out := &api.DescribeMapRunOutput{
		MapRunArn: &run.ARN, ExecutionArn: &run.Execution, Status: &run.Status, StartDate: &run.Started,
		MaxConcurrency: &run.Control.MaxConcurrency, ToleratedFailureCount: &run.Control.ToleratedCount,
		ToleratedFailurePercentage: &run.Control.ToleratedShare,
	}
	i, c := &run.Items, &run.Children
	out.ItemCounts = &api.MapRunItemCounts{Pending: &i.Pending, Running: &i.Running, Succeeded: &i.Succeeded, Failed: &i.Failed,
		TimedOut: &i.TimedOut, Aborted: &i.Aborted, Total: &i.Total, ResultsWritten: &i.Written,
		PendingRedrive: &i.PendingRedrive, FailuresNotRedrivable: &i.NotRedrivable}
	out.ExecutionCounts = &api.MapRunExecutionCounts{Pending: &c.Pending, Running: &c.Running, Succeeded: &c.Succeeded, Failed: &c.Failed,
		TimedOut: &c.TimedOut, Aborted: &c.Aborted, Total: &c.Total, ResultsWritten: &c.Written,
		PendingRedrive: &c.PendingRedrive, FailuresNotRedrivable: &c.NotRedrivable}
	if !run.Stopped.IsZero() {
		out.StopDate = &run.Stopped
	}
	out.RedriveCount = &run.Redrives
	if run.Redrives > 0 {
		out.RedriveDate = &run.Redriven
	}
	return out, nil
}

func (s *Service) listMapRuns(ctx context.Context, in *api.ListMapRunsInput) (*api.ListMapRunsOutput, error) {
	e, err := s.findExecution(ctx, *in.ExecutionArn)
	if err != nil {
		return nil, err
	}
	scope := "map runs " + e.ARN
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListMapRunsOutput, error) {
		page, next, err := mapRuns.Page(tx, after, paging.Size(in.MaxResults, defaultPage), e.key()...)
		if err != nil {
			return nil, err
		}
		out := &api.ListMapRunsOutput{MapRuns: []api.MapRunListItem{}, NextToken: pageToken(scope, next)}
		for _, run := range page {
			item := api.MapRunListItem{ExecutionArn: &run.Execution, MapRunArn: &run.ARN,
				StateMachineArn: new(run.MachineARN + "/" + run.Label), StartDate: &run.Started}
			if !run.Stopped.IsZero() {
				item.StopDate = &run.Stopped
			}
			out.MapRuns = append(out.MapRuns, item)
		}
		return out, nil
	})
}

// updateMapRun changes the control of a Map run that goes on.
func (s *Service) updateMapRun(ctx context.Context, in *api.UpdateMapRunInput) (*api.UpdateMapRunOutput, error) {
	r, err := parseARN(ctx, *in.MapRunArn, kindMapRun)
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		run, err := getMapRun(tx, r)
		if err != nil {
			return err
		}
		if run.Status != string(exec.Running) {
			return validation("Map Run is not running and cannot be updated: '%s'", run.ARN)
		}
		if in.MaxConcurrency != nil {
			run.Control.MaxConcurrency = *in.MaxConcurrency
		}
		if in.ToleratedFailureCount != nil {
			run.Control.ToleratedCount = *in.ToleratedFailureCount
		}
		if in.ToleratedFailurePercentage != nil {
			run.Control.ToleratedShare = *in.ToleratedFailurePercentage
		}
		tx.AfterCommit(func() { // in the order of the updates
			_ = s.runner.ControlMapRun(run.Execution, run.ID, run.Control) // it may just have ended, or begins with the new control
		})
		return mapRuns.Put(tx, run, run.key()...)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateMapRunOutput{}, nil
}

// listChildren lists the executions of a Map run, the newest first.
func (s *Service) listChildren(ctx context.Context, in *api.ListExecutionsInput) (*api.ListExecutionsOutput, error) {
	r, err := parseARN(ctx, *in.MapRunArn, kindMapRun)
	if err != nil {
		return nil, err
	}
	scope := "children " + r.ARN + " " + value(in.StatusFilter)
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	keep := func(e *execution) bool { return value(e.MapRunARN) == r.ARN && wanted(in, e) }
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListExecutionsOutput, error) {
		if _, err := getMapRun(tx, r); err != nil {
			return nil, err
		}
		page, next, err := s.executionPage(tx, r, after, paging.Size(in.MaxResults, defaultPage), keep)
		return &api.ListExecutionsOutput{Executions: page, NextToken: pageToken(scope, next)}, err
	})
}
