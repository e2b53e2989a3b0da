package iam

import (
	"context"
	"strings"
	"time"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createPolicy(ctx context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	account := bus.From(ctx).Account
	if err := checkDocument(*in.PolicyDocument, false); err != nil {
		return nil, err
	}
	tags, err := keptTags(in.Tags)
	if err != nil {
		return nil, err
	}
	path := orSlash(in.Path)
	p := policy{
		Name: *in.PolicyName, Path: path, ID: s.id("ANPA"), ARN: "arn:aws:iam::" + account + ":policy" + path + *in.PolicyName,
		Created: s.clock.Now().UTC().Truncate(time.Second), Document: *in.PolicyDocument, Description: in.Description, Tags: tags,
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := policies.Get(tx, account, strings.ToLower(p.Name)); err != nil || ok {
			if ok {
				return errPolicyExists(p.Name)
			}
			return err
		}
		return putPolicy(tx, account, p)
	})
	if err != nil {
		return nil, err
	}
	shape := p.shape()
	shape.Description = nil // only GetPolicy tells it
	return &iam.CreatePolicyOutput{Policy: shape}, nil
}

func (p policy) shape() *iam.Policy {
	return &iam.Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: &p.ARN, Path: &p.Path, DefaultVersionId: new("v1"),
		AttachmentCount: &p.Attachments, PermissionsBoundaryUsageCount: new(int64(0)), IsAttachable: new(true),
		Description: p.Description, CreateDate: &p.Created, UpdateDate: &p.Created, Tags: shownTags(p.Tags),
	}
}

func (s *Service) getPolicy(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	if strings.HasPrefix(*in.PolicyArn, awsManaged) {
		return nil, awserr.NotImplemented("iam:GetPolicy of policies that AWS manages (" + *in.PolicyArn + ")")
	}
	var p policy
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		var ok bool
		if p, ok, err = findPolicy(tx, bus.From(ctx).Account, *in.PolicyArn); err == nil && !ok {
			err = errNoPolicy(*in.PolicyArn)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iam.GetPolicyOutput{Policy: p.shape()}, nil
}

func (s *Service) deletePolicy(ctx context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	account := bus.From(ctx).Account
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		p, ok, err := findPolicy(tx, account, *in.PolicyArn)
		switch {
		case err != nil:
			return err
		case !ok:
			return errNoPolicy(*in.PolicyArn)
		case p.Attachments > 0:
			return iam.DeleteConflictException("Cannot delete a policy attached to entities.")
		}
		_, err = policies.Delete(tx, account, strings.ToLower(p.Name))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iam.DeletePolicyOutput{}, nil
}

func (s *Service) listPolicies(ctx context.Context, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	var all []policy
	if in.Scope == nil || *in.Scope != iam.PolicyScopeTypeAws {
		err := s.store.View(ctx, func(tx *store.Tx) (err error) {
			all, err = policies.List(tx, bus.From(ctx).Account)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var wanted []policy
	for _, p := range all {
		boundaries := in.PolicyUsageFilter != nil && *in.PolicyUsageFilter == iam.PolicyUsageTypePermissionsBoundary
		if strings.HasPrefix(p.Path, orSlash(in.PathPrefix)) && !boundaries &&
			(in.OnlyAttached == nil || !*in.OnlyAttached || p.Attachments > 0) {
			wanted = append(wanted, p)
		}
	}
	items, truncated, next, err := page(wanted, func(p policy) string { return strings.ToLower(p.Name) }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListPoliciesOutput{Policies: []iam.Policy{}, IsTruncated: truncated, Marker: next}
	for _, p := range items {
		shape := p.shape()
		shape.Tags, shape.Description = nil, nil // ListPolicies leaves them out
		out.Policies = append(out.Policies, *shape)
	}
	return out, nil
}
