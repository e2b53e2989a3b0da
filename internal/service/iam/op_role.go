package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createRole(ctx context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	if err := checkDocument(*in.AssumeRolePolicyDocument, true); err != nil {
		return nil, err
	}
	id, err := s.newIdentity(ctx, "role", "AROA", *in.RoleName, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(id.Path, "/aws-service-role/") {
		return nil, iam.InvalidInputException("The path %s is reserved for service-linked roles.", id.Path)
	}
	r := role{identity: id, Trust: *in.AssumeRolePolicyDocument, Description: in.Description, MaxSession: 3600}
	if in.MaxSessionDuration != nil {
		r.MaxSession = *in.MaxSessionDuration
	}
	if err := s.keepNewRole(ctx, &r, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	return &iam.CreateRoleOutput{Role: r.shape()}, nil
}

func (s *Service) keepNewRole(ctx context.Context, r *role, boundary *string) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := roles.Get(tx, account, strings.ToLower(r.Name)); err != nil || ok {
			if ok {
				return errExists("Role", r.Name)
			}
			return err
		}
		if boundary != nil {
			if err := setBoundary(tx, account, &r.identity, *boundary); err != nil {
				return err
			}
		}
		return r.put(tx, account)
	})
}

func (r *role) shape() *iam.Role {
	return &iam.Role{
		Path: &r.Path, RoleName: &r.Name, RoleId: &r.ID, Arn: &r.ARN, CreateDate: &r.Created,
		AssumeRolePolicyDocument: encoded(r.Trust), Description: r.Description, MaxSessionDuration: &r.MaxSession,
		PermissionsBoundary: shownBoundary(r.Boundary), Tags: shownTags(r.Tags),
	}
}

// listed is a role as lists show it.
func (r *role) listed() iam.Role {
	shape := r.shape()
	shape.Tags, shape.PermissionsBoundary = nil, nil
	return *shape
}

func (s *Service) getRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	var r *role
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		r, err = findRole(tx, bus.From(ctx).Account, *in.RoleName)
		return err
	})
	if err != nil {
		return nil, err
	}
	shape := r.shape()
	shape.RoleLastUsed = &iam.RoleLastUsed{}
	return &iam.GetRoleOutput{Role: shape}, nil
}

// changeRole changes a role that is not AWS's.
func (s *Service) changeRole(ctx context.Context, name string, change func(*role) error) (r *role, err error) {
	account := bus.From(ctx).Account
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if r, err = findRole(tx, account, name); err != nil {
			return err
		}
		if err := change(r); err != nil {
			return err
		}
		return r.put(tx, account)
	})
	return r, err
}

func (s *Service) updateRole(ctx context.Context, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	_, err := s.changeRole(ctx, *in.RoleName, func(r *role) error {
		if r.Service != "" && in.MaxSessionDuration != nil {
			return errProtected(r.Name)
		}
		if in.Description != nil {
			r.Description = in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
	return &iam.UpdateRoleOutput{}, err
}

func (s *Service) updateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	r, err := s.changeRole(ctx, *in.RoleName, func(r *role) error {
		r.Description = in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.UpdateRoleDescriptionOutput{Role: r.shape()}, nil
}

func (s *Service) updateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	if err := checkDocument(*in.PolicyDocument, true); err != nil {
		return nil, err
	}
	_, err := s.changeRole(ctx, *in.RoleName, func(r *role) error {
		if r.Service != "" {
			return errProtected(r.Name)
		}
		r.Trust = *in.PolicyDocument
		return nil
	})
	return &iam.UpdateAssumeRolePolicyOutput{}, err
}

func (s *Service) deleteRole(ctx context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	account := bus.From(ctx).Account
	return &iam.DeleteRoleOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := findRole(tx, account, *in.RoleName)
		if err != nil {
			return err
		}
		if r.Service != "" {
			return errProtected(r.Name)
		}
		if err := r.bare(); err != nil {
			return err
		}
		return dropRole(tx, account, r)
	})
}

// dropRole removes a role that no instance profile has.
func dropRole(tx *store.Tx, account string, r *role) error {
	all, err := profiles.List(tx, account)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(p instanceProfile) bool { return slices.Contains(p.Roles, r.Name) }) {
		return errConflict("remove roles from instance profile")
	}
	if err := setBoundary(tx, account, &r.identity, ""); err != nil {
		return err
	}
	_, err = roles.Delete(tx, account, strings.ToLower(r.Name))
	return err
}

func (s *Service) listRoles(ctx context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	list, truncated, next, err := under(ctx, s, roles, in.PathPrefix, (*role).listed, in.Marker, in.MaxItems)
	return &iam.ListRolesOutput{Roles: list, IsTruncated: truncated, Marker: next}, err
}
