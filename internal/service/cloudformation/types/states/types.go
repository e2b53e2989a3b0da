// Package statestype holds the resource types AWS::StepFunctions::*.
//
// Only package types imports it.
package statestype

import (
	"context"

	"stepwell/internal/awsapi/states"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of Step Functions.
func Types() []resource.Type {
	return []resource.Type{machine(), activity(), version(), alias()}
}

// invoke calls an operation of Step Functions.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "states", operation, in)
}

// do calls an operation of Step Functions whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "states", operation, in)
	return err
}

// retag sets the changed tags of the resource r.ID.
func retag(ctx context.Context, r *resource.Request) error {
	set, remove := r.ChangedTags()
	if len(set) > 0 {
		in := &states.TagResourceInput{ResourceArn: &r.ID}
		if err := resource.Decode(map[string]any{"Tags": set}, in, nil); err != nil {
			return err
		}
		if err := do(ctx, r, "TagResource", in); err != nil {
			return err
		}
	}
	if len(remove) == 0 {
		return nil
	}
	return do(ctx, r, "UntagResource", &states.UntagResourceInput{ResourceArn: &r.ID, TagKeys: remove})
}
