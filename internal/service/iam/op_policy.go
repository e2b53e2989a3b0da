package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const (
	maxPolicySize = 6144 // without white space
	maxVersions   = 5
)

// checkManaged checks the document of a managed policy.
func checkManaged(document string) error {
	if err := checkDocument(document, false); err != nil {
		return err
	}
	if size(document) > maxPolicySize {
		return errQuota("PolicySize", maxPolicySize)
	}
	return nil
}

func (s *Service) createPolicy(ctx context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	c := bus.From(ctx)
	if err := checkManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := keptTags(c, in.Tags)
	if err != nil {
		return nil, err
	}
	path, now := orSlash(in.Path), s.now()
	p := policy{
		Name: *in.PolicyName, Path: path, ID: s.id("ANPA"), ARN: "arn:aws:iam::" + c.Account + ":policy" + path + *in.PolicyName,
		Created: now, Updated: now, Versions: []version{{"v1", *in.PolicyDocument, now}}, Default: "v1", Last: 1, Description: in.Description, Tags: tags,
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := policies.Get(tx, c.Account, strings.ToLower(p.Name)); err != nil || ok {
			if ok {
				return errPolicyExists(p.Name)
			}
			return err
		}
		return putPolicy(tx, c.Account, p)
	})
	if err != nil {
		return nil, err
	}
	shape := p.shape()
	shape.Description = nil // only GetPolicy tells it
	return &iam.CreatePolicyOutput{Policy: shape}, nil
}

func (p policy) shape() *iam.Policy {
	updated := p.Updated
	if updated.IsZero() {
		updated = p.Created
	}
	return &iam.Policy{
		PolicyName: &p.Name, PolicyId: &p.ID, Arn: &p.ARN, Path: &p.Path, DefaultVersionId: &p.Default,
		AttachmentCount: &p.Attachments, PermissionsBoundaryUsageCount: &p.Boundaries, IsAttachable: new(true),
		Description: p.Description, CreateDate: &p.Created, UpdateDate: &updated, Tags: shownTags(p.Tags),
	}
}

// theirs is what is known of a policy that AWS manages: its names, and how often
// it is used here. Its versions, dates and id are not.
func theirs(arn string, users []principal) *iam.Policy {
	p := &iam.Policy{PolicyName: new(arn[strings.LastIndex(arn, "/")+1:]), Arn: &arn, Path: new(policyPath(arn)), IsAttachable: new(true),
		AttachmentCount: new(int64(0)), PermissionsBoundaryUsageCount: new(int64(0))}
	for _, u := range users {
		id := u.self()
		if slices.ContainsFunc(id.Attached, func(a attached) bool { return a.ARN == arn }) {
			*p.AttachmentCount++
		}
		if id.Boundary != nil && *id.Boundary == arn {
			*p.PermissionsBoundaryUsageCount++
		}
	}
	return p
}

func (s *Service) getPolicy(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	account := bus.From(ctx).Account
	out := &iam.GetPolicyOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		if strings.HasPrefix(*in.PolicyArn, awsManaged) {
			all, err := everybody(tx, account)
			out.Policy = theirs(*in.PolicyArn, all)
			return err
		}
		p, ok, err := findPolicy(tx, account, *in.PolicyArn)
		if err == nil && !ok {
			err = errNoPolicy(*in.PolicyArn)
		}
		out.Policy = p.shape()
		return err
	})
}

func (s *Service) deletePolicy(ctx context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	account := bus.From(ctx).Account
	return &iam.DeletePolicyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		p, ok, err := findPolicy(tx, account, *in.PolicyArn)
		switch {
		case err != nil:
			return err
		case !ok:
			return errNoPolicy(*in.PolicyArn)
		case p.Attachments > 0 || p.Boundaries > 0:
			return iam.DeleteConflictException("Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return iam.DeleteConflictException("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		_, err = policies.Delete(tx, account, strings.ToLower(p.Name))
		return err
	})
}

func (s *Service) listPolicies(ctx context.Context, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	account := bus.From(ctx).Account
	scope := ""
	if in.Scope != nil {
		scope = *in.Scope
	}
	var all []iam.Policy
	err := s.store.View(ctx, func(tx *store.Tx) error {
		kept, err := policies.List(tx, account)
		if err != nil {
			return err
		}
		for _, k := range kept {
			p, _, err := findPolicy(tx, account, k.ARN)
			if err != nil {
				return err
			}
			if scope != iam.PolicyScopeTypeAws {
				all = append(all, *p.shape())
			}
		}
		if scope == iam.PolicyScopeTypeLocal {
			return nil
		}
		used, err := inUse(tx, account)
		all = append(all, used...)
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p iam.Policy) bool { return !wanted(&p, in) })
	slices.SortFunc(all, func(a, b iam.Policy) int { return strings.Compare(*a.Arn, *b.Arn) })
	list, truncated, next, err := shown(all, func(p *iam.Policy) string { return *p.Arn }, func(p *iam.Policy) iam.Policy {
		p.Tags, p.Description = nil, nil // ListPolicies leaves them out
		return *p
	}, in.Marker, in.MaxItems)
	return &iam.ListPoliciesOutput{Policies: list, IsTruncated: truncated, Marker: next}, err
}

func wanted(p *iam.Policy, in *iam.ListPoliciesInput) bool {
	used := *p.AttachmentCount
	if in.PolicyUsageFilter != nil && *in.PolicyUsageFilter == iam.PolicyUsageTypePermissionsBoundary {
		used = *p.PermissionsBoundaryUsageCount
		if used == 0 {
			return false
		}
	}
	return strings.HasPrefix(*p.Path, orSlash(in.PathPrefix)) && (in.OnlyAttached == nil || !*in.OnlyAttached || used > 0)
}

// inUse are the policies of AWS that somebody in the account has, by ARN.
func inUse(tx *store.Tx, account string) ([]iam.Policy, error) {
	all, err := everybody(tx, account)
	if err != nil {
		return nil, err
	}
	arns := map[string]bool{}
	for _, u := range all {
		id := u.self()
		for _, a := range id.Attached {
			arns[a.ARN] = strings.HasPrefix(a.ARN, awsManaged)
		}
		if id.Boundary != nil {
			arns[*id.Boundary] = strings.HasPrefix(*id.Boundary, awsManaged)
		}
	}
	var list []iam.Policy
	for arn, aws := range arns {
		if aws {
			list = append(list, *theirs(arn, all))
		}
	}
	slices.SortFunc(list, func(a, b iam.Policy) int { return strings.Compare(*a.Arn, *b.Arn) })
	return list, nil
}

// changePolicy changes a customer managed policy.
func (s *Service) changePolicy(ctx context.Context, arn string, change func(*policy) error) error {
	account := bus.From(ctx).Account
	if strings.HasPrefix(arn, awsManaged) {
		return awserr.New(403, "AccessDenied", "User: %s is not authorized to perform this operation on resource: policy %s", bus.From(ctx).Principal, arn)
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, ok, err := findPolicy(tx, account, arn)
		if err != nil || !ok {
			if err == nil {
				err = errNoPolicy(arn)
			}
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		p.Updated = s.now()
		return putPolicy(tx, account, p)
	})
}

func (s *Service) createPolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	if err := checkManaged(*in.PolicyDocument); err != nil {
		return nil, err
	}
	out := &iam.CreatePolicyVersionOutput{}
	return out, s.changePolicy(ctx, *in.PolicyArn, func(p *policy) error {
		if len(p.Versions) >= maxVersions {
			return iam.LimitExceededException("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Last++
		v := version{"v" + strconv.Itoa(p.Last), *in.PolicyDocument, s.now()}
		p.Versions = slices.Insert(p.Versions, 0, v)
		if in.SetAsDefault != nil && *in.SetAsDefault {
			p.Default = v.ID
		}
		out.PolicyVersion = p.version(&v, false)
		return nil
	})
}

func (p *policy) version(v *version, document bool) *iam.PolicyVersion {
	shape := &iam.PolicyVersion{VersionId: &v.ID, IsDefaultVersion: new(v.ID == p.Default), CreateDate: &v.Created}
	if document {
		shape.Document = encoded(v.Document)
	}
	return shape
}

func (p *policy) find(id string) int {
	return slices.IndexFunc(p.Versions, func(v version) bool { return v.ID == id })
}

// look reads a policy to show its versions.
func (s *Service) look(ctx context.Context, arn, operation string) (p policy, err error) {
	if strings.HasPrefix(arn, awsManaged) {
		return p, awserr.NotImplemented("iam:" + operation + " of policies that AWS manages (" + arn + "): their documents are not known here")
	}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		var ok bool
		if p, ok, err = findPolicy(tx, bus.From(ctx).Account, arn); err == nil && !ok {
			err = errNoPolicy(arn)
		}
		return err
	})
	return p, err
}

func (s *Service) getPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	p, err := s.look(ctx, *in.PolicyArn, "GetPolicyVersion")
	if err != nil {
		return nil, err
	}
	i := p.find(*in.VersionId)
	if i < 0 {
		return nil, errNoVersion(*in.PolicyArn, *in.VersionId)
	}
	return &iam.GetPolicyVersionOutput{PolicyVersion: p.version(&p.Versions[i], true)}, nil
}

func (s *Service) listPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	p, err := s.look(ctx, *in.PolicyArn, "ListPolicyVersions")
	if err != nil {
		return nil, err
	}
	rank := func(v *version) string { n, _ := strconv.Atoi(v.ID[1:]); return strconv.Itoa(1<<30 - n) } // the newest first
	list, truncated, next, err := shown(p.Versions, rank, func(v *version) iam.PolicyVersion { return *p.version(v, false) }, in.Marker, in.MaxItems)
	return &iam.ListPolicyVersionsOutput{Versions: list, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) setDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	return &iam.SetDefaultPolicyVersionOutput{}, s.changePolicy(ctx, *in.PolicyArn, func(p *policy) error {
		if p.find(*in.VersionId) < 0 {
			return errNoVersion(p.ARN, *in.VersionId)
		}
		p.Default = *in.VersionId
		return nil
	})
}

func (s *Service) deletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	return &iam.DeletePolicyVersionOutput{}, s.changePolicy(ctx, *in.PolicyArn, func(p *policy) error {
		i := p.find(*in.VersionId)
		switch {
		case i < 0:
			return errNoVersion(p.ARN, *in.VersionId)
		case p.Default == *in.VersionId:
			return iam.DeleteConflictException("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		return nil
	})
}

func (s *Service) listEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput) (*iam.ListEntitiesForPolicyOutput, error) {
	account, arn := bus.From(ctx).Account, *in.PolicyArn
	type entity struct{ kind, name, id string }
	var all []entity
	boundary := in.PolicyUsageFilter != nil && *in.PolicyUsageFilter == iam.PolicyUsageTypePermissionsBoundary
	permissions := in.PolicyUsageFilter == nil || *in.PolicyUsageFilter == iam.PolicyUsageTypePermissionsPolicy
	err := s.store.View(ctx, func(tx *store.Tx) error {
		if !strings.HasPrefix(arn, awsManaged) {
			if _, ok, err := findPolicy(tx, account, arn); err != nil || !ok {
				if err == nil {
					err = errNoPolicy(arn)
				}
				return err
			}
		}
		people, err := everybody(tx, account)
		for _, p := range people {
			id, kind := p.self(), kindOf(p)
			has := slices.ContainsFunc(id.Attached, func(a attached) bool { return a.ARN == arn }) && permissions ||
				id.Boundary != nil && *id.Boundary == arn && (boundary || in.PolicyUsageFilter == nil)
			if has && (in.EntityFilter == nil || *in.EntityFilter == kind) && strings.HasPrefix(id.Path, orSlash(in.PathPrefix)) {
				all = append(all, entity{kind, id.Name, id.ID})
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b entity) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	items, truncated, next, err := page(all, func(e *entity) string { return e.kind + e.name }, in.Marker, in.MaxItems)
	out := &iam.ListEntitiesForPolicyOutput{PolicyGroups: []iam.PolicyGroup{}, PolicyUsers: []iam.PolicyUser{}, PolicyRoles: []iam.PolicyRole{},
		IsTruncated: truncated, Marker: next}
	for _, e := range items {
		switch e.kind {
		case "User":
			out.PolicyUsers = append(out.PolicyUsers, iam.PolicyUser{UserName: &e.name, UserId: &e.id})
		case "Group":
			out.PolicyGroups = append(out.PolicyGroups, iam.PolicyGroup{GroupName: &e.name, GroupId: &e.id})
		default:
			out.PolicyRoles = append(out.PolicyRoles, iam.PolicyRole{RoleName: &e.name, RoleId: &e.id})
		}
	}
	return out, err
}

// kindOf is the kind of a principal as filters name it.
func kindOf(p principal) string {
	switch p.(type) {
	case *user:
		return "User"
	case *group:
		return "Group"
	}
	return "Role"
}
