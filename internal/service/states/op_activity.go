package states

import (
	"context"
	"errors"
	"time"

	"stepwell/internal/asl/exec"
	api "stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func (s *Service) createActivity(ctx context.Context, in *api.CreateActivityInput) (*api.CreateActivityOutput, error) {
	if !validName(*in.Name) {
		return nil, invalidName(*in.Name)
	}
	caller := bus.From(ctx)
	a := activity{
		ARN: caller.ARN("states", kindActivity+":"+*in.Name), Name: *in.Name, Created: millis(s.Clock.Now()),
		Tags: mergeTags(nil, in.Tags), Encryption: in.EncryptionConfiguration,
	}
	if err := checkTags(bus.From(ctx), a.ARN, in.Tags, a.Tags); err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.CreateActivityOutput, error) {
		old, ok, err := activities.Get(tx, caller.Account, caller.Region, a.Name)
		if err != nil {
			return nil, err
		}
		if ok && !same(old.Encryption, a.Encryption) {
			return nil, api.ActivityAlreadyExists("Activity Already Exists: '%s'", a.ARN)
		}
		if ok {
			return &api.CreateActivityOutput{ActivityArn: &old.ARN, CreationDate: &old.Created}, nil
		}
		out := &api.CreateActivityOutput{ActivityArn: &a.ARN, CreationDate: &a.Created}
		return out, activities.Put(tx, a, caller.Account, caller.Region, a.Name)
	})
}

func (s *Service) findActivity(ctx context.Context, arn string) (activity, error) {
	r, err := parseARN(ctx, arn, kindActivity)
	if err != nil {
		return activity{}, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (activity, error) {
		a, ok, err := activities.Get(tx, r.Account, r.Region, r.Name)
		if err == nil && !ok {
			err = noActivity(arn)
		}
		return a, err
	})
}

func (s *Service) describeActivity(ctx context.Context, in *api.DescribeActivityInput) (*api.DescribeActivityOutput, error) {
	a, err := s.findActivity(ctx, *in.ActivityArn)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeActivityOutput{ActivityArn: &a.ARN, Name: &a.Name, CreationDate: &a.Created, EncryptionConfiguration: a.Encryption}
	if a.Encryption == nil {
		out.EncryptionConfiguration = &api.EncryptionConfiguration{Type: new(api.EncryptionTypeAwsOwnedKey)}
	}
	return out, nil
}

func (s *Service) deleteActivity(ctx context.Context, in *api.DeleteActivityInput) (*api.DeleteActivityOutput, error) {
	r, err := parseARN(ctx, *in.ActivityArn, kindActivity)
	if err != nil {
		return nil, err
	}
	return update(ctx, s.Store, func(tx *store.Tx) (*api.DeleteActivityOutput, error) {
		_, err := activities.Delete(tx, r.Account, r.Region, r.Name)
		return &api.DeleteActivityOutput{}, err
	})
}

func (s *Service) listActivities(ctx context.Context, in *api.ListActivitiesInput) (*api.ListActivitiesOutput, error) {
	caller := bus.From(ctx)
	const scope = "activities"
	after, err := pagePosition(scope, in.NextToken)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListActivitiesOutput, error) {
		page, next, err := activities.Page(tx, after, paging.Size(in.MaxResults, defaultPage), caller.Account, caller.Region)
		if err != nil {
			return nil, err
		}
		out := &api.ListActivitiesOutput{Activities: []api.ActivityListItem{}, NextToken: pageToken(scope, next)}
		for _, a := range page {
			out.Activities = append(out.Activities, api.ActivityListItem{ActivityArn: &a.ARN, Name: &a.Name, CreationDate: &a.Created})
		}
		return out, nil
	})
}

// activityPoll is how long a worker's request waits for a task, in real time:
// it is the request that waits, not the execution.
const activityPoll = 60 * time.Second

// getActivityTask hands a task to a worker once it is durable that the worker
// has it.
func (s *Service) getActivityTask(ctx context.Context, in *api.GetActivityTaskInput) (*api.GetActivityTaskOutput, error) {
	if _, err := s.findActivity(ctx, *in.ActivityArn); err != nil {
		return nil, err
	}
	poll, cancel := context.WithTimeout(ctx, activityPoll)
	defer cancel()
	for {
		if err := s.Store.Err(); err != nil {
			return nil, err // a task could be taken, but not kept as taken
		}
		o := s.queues.take(poll, *in.ActivityArn)
		if o == nil {
			return &api.GetActivityTaskOutput{}, ctx.Err()
		}
		err := s.deliverSync(ctx, o.Execution, exec.TaskStarted{At: s.Clock.Now(), Task: o.ID, WorkerName: value(in.WorkerName)})
		switch {
		case errors.Is(err, exec.ErrNoExecution), errors.Is(err, exec.ErrNoTask):
			o.letGo() // it has timed out or was abandoned
			continue
		case errors.Is(err, exec.ErrStarted): // by a worker that was not told, as the disk was full
		case err != nil:
			s.queues.putBack(o)
			return nil, err
		}
		return &api.GetActivityTaskOutput{TaskToken: &o.Token, Input: new(string(o.Parameters))}, nil
	}
}
