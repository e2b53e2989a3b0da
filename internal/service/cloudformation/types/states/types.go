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
	return r.Retag(ctx, "states", &states.TagResourceInput{ResourceArn: &r.ID}, &states.UntagResourceInput{ResourceArn: &r.ID}, nil)
}
