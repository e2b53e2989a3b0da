package iam

import (
	"context"
	"strings"
	"time"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createRole(ctx context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	account := bus.From(ctx).Account
	if err := checkDocument(*in.AssumeRolePolicyDocument, true); err != nil {
		return nil, err
	}
	tags, err := keptTags(in.Tags)
	if err != nil {
		return nil, err
	}
	path := orSlash(in.Path)
	r := role{
		Name: *in.RoleName, Path: path, ID: s.id("AROA"), ARN: "arn:aws:iam::" + account + ":role" + path + *in.RoleName,
		Created: s.clock.Now().UTC().Truncate(time.Second), Trust: *in.AssumeRolePolicyDocument, Description: in.Description, MaxSession: 3600,
		Boundary: in.PermissionsBoundary, Tags: tags,
	}
	if in.MaxSessionDuration != nil {
		r.MaxSession = *in.MaxSessionDuration
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := roles.Get(tx, account, strings.ToLower(r.Name)); err != nil || ok {
			if ok {
				return errRoleExists(r.Name)
			}
			return err
		}
		return putRole(tx, account, r)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateRoleOutput{Role: r.shape()}, nil
}

func (r role) shape() *iam.Role {
	shape := &iam.Role{
		Path: &r.Path, RoleName: &r.Name, RoleId: &r.ID, Arn: &r.ARN, CreateDate: &r.Created,
		AssumeRolePolicyDocument: encoded(r.Trust), Description: r.Description, MaxSessionDuration: &r.MaxSession,
		Tags: shownTags(r.Tags),
	}
	if r.Boundary != nil {
		shape.PermissionsBoundary = &iam.AttachedPermissionsBoundary{
			PermissionsBoundaryType: new(iam.PermissionsBoundaryAttachmentTypePermissionsBoundaryPolicy), PermissionsBoundaryArn: r.Boundary}
	}
	return shape
}

func (s *Service) getRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	r, err := s.role(ctx, *in.RoleName)
	if err != nil {
		return nil, err
	}
	shape := r.shape()
	shape.RoleLastUsed = &iam.RoleLastUsed{}
	return &iam.GetRoleOutput{Role: shape}, nil
}

// role reads a role of the caller's account.
func (s *Service) role(ctx context.Context, name string) (r role, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		r, err = findRole(tx, bus.From(ctx).Account, name)
		return err
	})
	return r, err
}

// changeRole changes a role of the caller's account.
func (s *Service) changeRole(ctx context.Context, name string, change func(*store.Tx, *role) error) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := findRole(tx, account, name)
		if err != nil {
			return err
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return putRole(tx, account, r)
	})
}

func (s *Service) deleteRole(ctx context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	account := bus.From(ctx).Account
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := findRole(tx, account, *in.RoleName)
		switch {
		case err != nil:
			return err
		case len(r.Attached) > 0:
			return iam.DeleteConflictException("Cannot delete entity, must detach all policies first.")
		case len(r.Inline) > 0:
			return iam.DeleteConflictException("Cannot delete entity, must delete policies first.")
		}
		_, err = roles.Delete(tx, account, strings.ToLower(r.Name))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iam.DeleteRoleOutput{}, nil
}

func (s *Service) listRoles(ctx context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	var all []role
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = roles.List(tx, bus.From(ctx).Account)
		return err
	})
	if err != nil {
		return nil, err
	}
	under := all[:0]
	for _, r := range all {
		if strings.HasPrefix(r.Path, orSlash(in.PathPrefix)) {
			under = append(under, r)
		}
	}
	items, truncated, next, err := page(under, func(r role) string { return strings.ToLower(r.Name) }, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListRolesOutput{Roles: []iam.Role{}, IsTruncated: truncated, Marker: next}
	for _, r := range items {
		shape := r.shape()
		shape.Tags, shape.PermissionsBoundary = nil, nil // ListRoles leaves them out
		out.Roles = append(out.Roles, *shape)
	}
	return out, nil
}
