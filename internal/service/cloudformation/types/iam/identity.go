package iamtype

import (
	"context"
	"slices"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/service/cloudformation/resource"
)

// identity is a kind of thing that policies are put on and attached to.
type identity struct {
	kind                      string // Role, User or Group, as the operations are named
	put, drop, attach, detach func() any
}

func input[T any]() any { return new(T) }

func roles() identity {
	return identity{"Role", input[iam.PutRolePolicyInput], input[iam.DeleteRolePolicyInput],
		input[iam.AttachRolePolicyInput], input[iam.DetachRolePolicyInput]}
}

func users() identity {
	return identity{"User", input[iam.PutUserPolicyInput], input[iam.DeleteUserPolicyInput],
		input[iam.AttachUserPolicyInput], input[iam.DetachUserPolicyInput]}
}

func groups() identity {
	return identity{"Group", input[iam.PutGroupPolicyInput], input[iam.DeleteGroupPolicyInput],
		input[iam.AttachGroupPolicyInput], input[iam.DetachGroupPolicyInput]}
}

func identities() []identity { return []identity{roles(), users(), groups()} }

// do calls the operation of the kind whose name begins with verb.
func (i identity) do(ctx context.Context, r *resource.Request, verb string, in any, name, member string, value any) error {
	if err := resource.Decode(map[string]any{i.kind + "Name": name, member: value}, in, nil); err != nil {
		return err
	}
	_, err := r.Bus.Invoke(ctx, "iam", verb+i.kind+"Policy", in)
	return err
}

// policy is an inline policy as a template has it.
type policy struct{ PolicyName, PolicyDocument *string }

func (i identity) putPolicy(ctx context.Context, r *resource.Request, name string, p policy) error {
	in := i.put()
	if err := resource.Decode(map[string]any{"PolicyDocument": *p.PolicyDocument}, in, nil); err != nil {
		return err
	}
	return i.do(ctx, r, "Put", in, name, "PolicyName", *p.PolicyName)
}

func (i identity) dropPolicy(ctx context.Context, r *resource.Request, name, policy string) error {
	return resource.Unless(i.do(ctx, r, "Delete", i.drop(), name, "PolicyName", policy), gone)
}

func (i identity) attachPolicy(ctx context.Context, r *resource.Request, name, arn string) error {
	return i.do(ctx, r, "Attach", i.attach(), name, "PolicyArn", arn)
}

func (i identity) detachPolicy(ctx context.Context, r *resource.Request, name, arn string) error {
	return resource.Unless(i.do(ctx, r, "Detach", i.detach(), name, "PolicyArn", arn), gone)
}

// policies are the Policies and ManagedPolicyArns of properties.
func policies(properties map[string]any) (inline []policy, managed []string, err error) {
	given := struct {
		Policies          []policy
		ManagedPolicyArns []string
	}{}
	own := map[string]any{"Policies": properties["Policies"], "ManagedPolicyArns": properties["ManagedPolicyArns"]}
	if err := resource.Decode(own, &given, nil); err != nil {
		return nil, nil, err
	}
	for _, p := range given.Policies {
		if p.PolicyName == nil || p.PolicyDocument == nil {
			return nil, nil, missing("Policies", "PolicyName", "PolicyDocument")
		}
	}
	return given.Policies, given.ManagedPolicyArns, nil
}

// settle gives the identity the policies of the request's properties and takes
// those away that only the old ones have.
func (i identity) settle(ctx context.Context, r *resource.Request, name string) error {
	inline, managed, err := policies(r.Properties)
	if err != nil {
		return err
	}
	for _, p := range inline {
		if err := i.putPolicy(ctx, r, name, p); err != nil {
			return err
		}
	}
	for _, arn := range managed {
		if err := i.attachPolicy(ctx, r, name, arn); err != nil {
			return err
		}
	}
	return i.strip(ctx, r, name, r.Old, inline, managed)
}

// strip takes the policies of properties away that are not to be kept.
func (i identity) strip(ctx context.Context, r *resource.Request, name string, properties map[string]any, keep []policy, keepManaged []string) error {
	inline, managed, err := policies(properties)
	if err != nil {
		return err
	}
	for _, p := range inline {
		if slices.ContainsFunc(keep, func(k policy) bool { return *k.PolicyName == *p.PolicyName }) {
			continue
		}
		if err := i.dropPolicy(ctx, r, name, *p.PolicyName); err != nil {
			return err
		}
	}
	for _, arn := range managed {
		if slices.Contains(keepManaged, arn) {
			continue
		}
		if err := i.detachPolicy(ctx, r, name, arn); err != nil {
			return err
		}
	}
	return nil
}
