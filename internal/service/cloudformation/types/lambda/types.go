// Package lambdatype holds the resource types AWS::Lambda::*.
//
// Only package types imports it.
package lambdatype

import (
	"context"

	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of Lambda.
func Types() []resource.Type {
	return []resource.Type{
		function(), version(), alias(), permission(), layerVersion(), layerPermission(),
		eventInvokeConfig(), eventSourceMapping(), functionURL(),
	}
}

// The codes of Lambda's errors that types act on.
const (
	gone     = "ResourceNotFoundException"
	conflict = "ResourceConflictException"
)

// invoke calls an operation of Lambda.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "lambda", operation, in)
}

// do calls an operation of Lambda whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "lambda", operation, in)
	return err
}

// left leaves properties out of Decode.
func left(names ...string) map[string]string {
	out := make(map[string]string, len(names))
	for _, name := range names {
		out[name] = ""
	}
	return out
}

// value is what p points to, the zero value where it is nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
