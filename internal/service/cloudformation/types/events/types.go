// Package eventstype holds the resource types AWS::Events::*.
//
// Only package types imports it.
package eventstype

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of EventBridge.
func Types() []resource.Type {
	return []resource.Type{rule(), eventBus(), busPolicy(), archive(), connection(), destination()}
}

// The codes of EventBridge's errors that types act on.
const (
	gone   = "ResourceNotFoundException"
	exists = "ResourceAlreadyExistsException"
)

// invoke calls an operation of EventBridge.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "events", operation, in)
}

// do calls an operation of EventBridge whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "events", operation, in)
	return err
}

// retag sets the changed tags of the resource with the ARN.
func retag(ctx context.Context, r *resource.Request, arn string) error {
	return r.Retag(ctx, "events", &events.TagResourceInput{ResourceARN: &arn}, &events.UntagResourceInput{ResourceARN: &arn}, nil)
}

// forPolicy is an ARN of the form type/name/id without the id, as policies name it.
func forPolicy(arn string) string {
	if strings.Count(arn, "/") < 2 {
		return arn
	}
	return arn[:strings.LastIndex(arn, "/")]
}
