// Package iamtype holds the resource types AWS::IAM::*.
//
// Only package types imports it.
package iamtype

import (
	"context"
	"fmt"
	"strings"

	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of IAM.
func Types() []resource.Type {
	return []resource.Type{
		role(), rolePolicy(roles(), "AWS::IAM::RolePolicy"), serviceLinkedRole(), instanceProfile(),
		inlinePolicy(), managedPolicy(),
		user(), rolePolicy(users(), "AWS::IAM::UserPolicy"), accessKey(), addition(),
		group(), rolePolicy(groups(), "AWS::IAM::GroupPolicy"),
		oidcProvider(),
	}
}

// The codes of IAM's errors that types act on.
const (
	gone   = "NoSuchEntity"
	exists = "EntityAlreadyExists"
)

// invoke calls an operation of IAM.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "iam", operation, in)
}

// do calls an operation of IAM whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "iam", operation, in)
	return err
}

// missing is the error of a property whose members are required and not all there.
func missing(property string, members ...string) error {
	return fmt.Errorf("#/%s: required keys [%s] not found", property, strings.Join(members, ", "))
}

// left leaves properties out of Decode.
func left(names ...string) map[string]string {
	out := make(map[string]string, len(names))
	for _, name := range names {
		out[name] = ""
	}
	return out
}

// minus are the items of a that are not in b.
func minus(a, b []string) []string {
	in := map[string]bool{}
	for _, x := range b {
		in[x] = true
	}
	var rest []string
	for _, x := range a {
		if !in[x] {
			rest = append(rest, x)
		}
	}
	return rest
}

// list is a property that is a list of texts, as it is or was.
func list(properties map[string]any, name string) []string {
	if properties[name] == nil {
		return nil
	}
	return resource.Texts(properties[name])
}
