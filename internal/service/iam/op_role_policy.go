package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func byName(p inline, name string) int       { return cmp.Compare(p.Name, name) }
func byPolicyARN(p attached, arn string) int { return cmp.Compare(p.ARN, arn) }

func (s *Service) putRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	if err := checkDocument(*in.PolicyDocument, false); err != nil {
		return nil, err
	}
	err := s.changeRole(ctx, *in.RoleName, func(_ *store.Tx, r *role) error {
		p := inline{*in.PolicyName, *in.PolicyDocument}
		if i, ok := slices.BinarySearchFunc(r.Inline, p.Name, byName); ok {
			r.Inline[i] = p
		} else {
			r.Inline = slices.Insert(r.Inline, i, p)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.PutRolePolicyOutput{}, nil
}

func (s *Service) getRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	r, err := s.role(ctx, *in.RoleName)
	if err != nil {
		return nil, err
	}
	i, ok := slices.BinarySearchFunc(r.Inline, *in.PolicyName, byName)
	if !ok {
		return nil, errNoRolePolicy(*in.PolicyName)
	}
	return &iam.GetRolePolicyOutput{RoleName: &r.Name, PolicyName: &r.Inline[i].Name, PolicyDocument: encoded(r.Inline[i].Document)}, nil
}

func (s *Service) deleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	err := s.changeRole(ctx, *in.RoleName, func(_ *store.Tx, r *role) error {
		i, ok := slices.BinarySearchFunc(r.Inline, *in.PolicyName, byName)
		if !ok {
			return errNoRolePolicy(*in.PolicyName)
		}
		r.Inline = slices.Delete(r.Inline, i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.DeleteRolePolicyOutput{}, nil
}

func (s *Service) listRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	r, err := s.role(ctx, *in.RoleName)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, p := range r.Inline {
		names = append(names, p.Name)
	}
	names, truncated, next, err := page(names, func(n string) string { return n }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: names, IsTruncated: truncated, Marker: next}, nil
}

// awsManaged begins the ARNs of the policies that AWS manages.
const awsManaged = "arn:aws:iam::aws:policy/"

func (s *Service) attachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	account, arn := bus.From(ctx).Account, *in.PolicyArn
	err := s.changeRole(ctx, *in.RoleName, func(tx *store.Tx, r *role) error {
		i, ok := slices.BinarySearchFunc(r.Attached, arn, byPolicyARN)
		if ok {
			return nil
		}
		if err := countAttachment(tx, account, arn, 1); err != nil {
			return err
		}
		r.Attached = slices.Insert(r.Attached, i, attached{arn[strings.LastIndex(arn, "/")+1:], arn})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.AttachRolePolicyOutput{}, nil
}

// countAttachment counts an entity more or less that a policy is attached to.
func countAttachment(tx *store.Tx, account, arn string, by int64) error {
	if strings.HasPrefix(arn, awsManaged) {
		return nil
	}
	p, ok, err := findPolicy(tx, account, arn)
	if err != nil {
		return err
	}
	if !ok {
		return errNotAttachable(arn)
	}
	p.Attachments += by
	return putPolicy(tx, account, p)
}

func (s *Service) detachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	account, arn := bus.From(ctx).Account, *in.PolicyArn
	err := s.changeRole(ctx, *in.RoleName, func(tx *store.Tx, r *role) error {
		i, ok := slices.BinarySearchFunc(r.Attached, arn, byPolicyARN)
		if !ok {
			return errNoPolicy(arn)
		}
		r.Attached = slices.Delete(r.Attached, i, i+1)
		return countAttachment(tx, account, arn, -1)
	})
	if err != nil {
		return nil, err
	}
	return &iam.DetachRolePolicyOutput{}, nil
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	r, err := s.role(ctx, *in.RoleName)
	if err != nil {
		return nil, err
	}
	var under []attached
	for _, p := range r.Attached {
		_, path, _ := strings.Cut(p.ARN, ":policy")
		if strings.HasPrefix(path, orSlash(in.PathPrefix)) {
			under = append(under, p)
		}
	}
	items, truncated, next, err := page(under, func(p attached) string { return p.ARN }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: []iam.AttachedPolicy{}, IsTruncated: truncated, Marker: next}
	for _, p := range items {
		out.AttachedPolicies = append(out.AttachedPolicies, iam.AttachedPolicy{PolicyName: &p.Name, PolicyArn: &p.ARN})
	}
	return out, nil
}
