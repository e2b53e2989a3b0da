// Package schedulertype holds the resource types AWS::Scheduler::*.
//
// Only package types imports it.
package schedulertype

import (
	"context"
	"time"

	"stepwell/internal/awsapi/scheduler"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of EventBridge Scheduler.
func Types() []resource.Type {
	return []resource.Type{schedule(), group()}
}

// The codes of the service's errors that types act on.
const (
	gone   = "ResourceNotFoundException"
	exists = "ConflictException"
)

// invoke calls an operation of EventBridge Scheduler.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "scheduler", operation, in)
}

// do calls an operation of EventBridge Scheduler whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "scheduler", operation, in)
	return err
}

func schedule() resource.Type {
	return resource.Type{
		Name:     "AWS::Scheduler::Schedule",
		Required: []string{"FlexibleTimeWindow", "ScheduleExpression", "Target"},
		Optional: []string{"Description", "EndDate", "GroupName", "KmsKeyArn", "Name", "ScheduleExpressionTimezone",
			"StartDate", "State"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"GroupName", "Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &scheduler.CreateScheduleInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.Name = new(r.Name("Name", 64))
			if err := do(ctx, r, "CreateSchedule", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			return scheduleMade(ctx, r, *in.Name), nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &scheduler.UpdateScheduleInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			in.Name = &r.ID
			return scheduleMade(ctx, r, r.ID), do(ctx, r, "UpdateSchedule", in)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteSchedule", &scheduler.DeleteScheduleInput{Name: &r.ID, GroupName: new(inGroup(r))}), gone)
		},
	}
}

func inGroup(r *resource.Request) string {
	if name := r.Text("GroupName"); name != "" {
		return name
	}
	return "default"
}

func scheduleMade(ctx context.Context, r *resource.Request, name string) *resource.Made {
	arn := bus.From(ctx).ARN("scheduler", "schedule/"+inGroup(r)+"/"+name)
	return &resource.Made{ID: name, Attributes: map[string]any{"Arn": arn}}
}

func group() resource.Type {
	return resource.Type{
		Name:        "AWS::Scheduler::ScheduleGroup",
		Optional:    []string{"Name", "Tags"},
		Attributes:  []string{"Arn", "CreationDate", "LastModificationDate", "State"},
		Replacement: []string{"Name"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &scheduler.CreateScheduleGroupInput{Name: new(r.Name("Name", 64))}
			if err := resource.Decode(map[string]any{"Tags": r.AllTags()}, in, nil); err != nil {
				return nil, err
			}
			if err := do(ctx, r, "CreateScheduleGroup", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			return readGroup(ctx, r, *in.Name)
		},
		Update: updateGroup, Delete: deleteGroup,
	}
}

func readGroup(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	out, err := invoke[scheduler.GetScheduleGroupOutput](ctx, r, "GetScheduleGroup", &scheduler.GetScheduleGroupInput{Name: &name})
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: name, Attributes: map[string]any{
		"Arn": *out.Arn, "State": *out.State, "CreationDate": out.CreationDate.UTC().Format(time.RFC3339),
		"LastModificationDate": out.LastModificationDate.UTC().Format(time.RFC3339),
	}}, nil
}

func updateGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	made, err := readGroup(ctx, r, r.ID)
	if err != nil {
		return nil, err
	}
	arn, _ := made.Attributes["Arn"].(string)
	if err := r.Retag(ctx, "scheduler", &scheduler.TagResourceInput{ResourceArn: &arn}, &scheduler.UntagResourceInput{ResourceArn: &arn}, nil); err != nil {
		return nil, err
	}
	return made, nil
}

// deleteGroup waits until the group's schedules are gone with it.
func deleteGroup(ctx context.Context, r *resource.Request) error {
	if err := do(ctx, r, "DeleteScheduleGroup", &scheduler.DeleteScheduleGroupInput{Name: &r.ID}); err != nil {
		return resource.Unless(err, gone)
	}
	return r.Wait(ctx, 100*time.Millisecond, 10*time.Minute, func() (bool, error) {
		_, err := invoke[scheduler.GetScheduleGroupOutput](ctx, r, "GetScheduleGroup", &scheduler.GetScheduleGroupInput{Name: &r.ID})
		return resource.Is(err, gone), resource.Unless(err, gone)
	})
}
