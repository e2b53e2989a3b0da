package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createInstanceProfile(ctx context.Context, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	c := bus.From(ctx)
	tags, err := keptTags(c, in.Tags)
	if err != nil {
		return nil, err
	}
	path := orSlash(in.Path)
	p := instanceProfile{Name: *in.InstanceProfileName, Path: path, ID: s.id("AIPA"), Created: s.now(), Tags: tags,
		ARN: "arn:aws:iam::" + c.Account + ":instance-profile" + path + *in.InstanceProfileName}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := profiles.Get(tx, c.Account, strings.ToLower(p.Name)); err != nil || ok {
			if ok {
				return iam.EntityAlreadyExistsException("Instance Profile %s already exists.", p.Name)
			}
			return err
		}
		return p.put(tx, c.Account)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateInstanceProfileOutput{InstanceProfile: p.shape(nil)}, nil
}

func (p *instanceProfile) shape(in []iam.Role) *iam.InstanceProfile {
	if in == nil {
		in = []iam.Role{}
	}
	return &iam.InstanceProfile{Path: &p.Path, InstanceProfileName: &p.Name, InstanceProfileId: &p.ID, Arn: &p.ARN, CreateDate: &p.Created,
		Roles: in, Tags: shownTags(p.Tags)}
}

// shown is a profile with its roles.
func (p *instanceProfile) shown(tx *store.Tx, account string) (*iam.InstanceProfile, error) {
	var in []iam.Role
	for _, name := range p.Roles {
		r, err := findRole(tx, account, name)
		if err != nil {
			return nil, err
		}
		in = append(in, r.listed())
	}
	return p.shape(in), nil
}

func (s *Service) getInstanceProfile(ctx context.Context, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	account := bus.From(ctx).Account
	out := &iam.GetInstanceProfileOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		p, err := findProfile(tx, account, *in.InstanceProfileName)
		if err == nil {
			out.InstanceProfile, err = p.shown(tx, account)
		}
		return err
	})
}

func (s *Service) shownProfiles(ctx context.Context, keep func(*store.Tx, *instanceProfile) (bool, error), marker *string, most *int64) (shown []iam.InstanceProfile, truncated *bool, next *string, err error) {
	account := bus.From(ctx).Account
	shown = []iam.InstanceProfile{}
	err = s.store.View(ctx, func(tx *store.Tx) error {
		list, err := profiles.List(tx, account)
		if err != nil {
			return err
		}
		var all []instanceProfile
		for i := range list {
			ok, err := keep(tx, &list[i])
			if err != nil {
				return err
			}
			if ok {
				all = append(all, list[i])
			}
		}
		items, more, after, err := page(all, func(p *instanceProfile) string { return strings.ToLower(p.Name) }, marker, most)
		for i := range items {
			p, err := items[i].shown(tx, account)
			if err != nil {
				return err
			}
			p.Tags = nil // lists leave them out
			shown = append(shown, *p)
		}
		truncated, next = more, after
		return err
	})
	return shown, truncated, next, err
}

func (s *Service) listInstanceProfiles(ctx context.Context, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	shown, truncated, next, err := s.shownProfiles(ctx, func(_ *store.Tx, p *instanceProfile) (bool, error) {
		return strings.HasPrefix(p.Path, orSlash(in.PathPrefix)), nil
	}, in.Marker, in.MaxItems)
	return &iam.ListInstanceProfilesOutput{InstanceProfiles: shown, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) listInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	err := s.view(ctx, "role", *in.RoleName, func(*identity) error { return nil })
	if err != nil {
		return nil, err
	}
	shown, truncated, next, err := s.shownProfiles(ctx, func(_ *store.Tx, p *instanceProfile) (bool, error) {
		return slices.ContainsFunc(p.Roles, func(r string) bool { return strings.EqualFold(r, *in.RoleName) }), nil
	}, in.Marker, in.MaxItems)
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: shown, IsTruncated: truncated, Marker: next}, err
}

// changeProfile changes an instance profile with a role that is there.
func (s *Service) changeProfile(ctx context.Context, name, roleName string, change func(p *instanceProfile, role string) error) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := findProfile(tx, account, name)
		if err != nil {
			return err
		}
		r, err := findRole(tx, account, roleName)
		if err != nil {
			return err
		}
		if err := change(p, r.Name); err != nil {
			return err
		}
		return p.put(tx, account)
	})
}

func (s *Service) addRoleToInstanceProfile(ctx context.Context, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	return &iam.AddRoleToInstanceProfileOutput{}, s.changeProfile(ctx, *in.InstanceProfileName, *in.RoleName, func(p *instanceProfile, role string) error {
		if len(p.Roles) > 0 {
			return errQuota("InstanceSessionsPerInstanceProfile", 1)
		}
		p.Roles = []string{role}
		return nil
	})
}

func (s *Service) removeRoleFromInstanceProfile(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return &iam.RemoveRoleFromInstanceProfileOutput{}, s.changeProfile(ctx, *in.InstanceProfileName, *in.RoleName, func(p *instanceProfile, role string) error {
		if !slices.Contains(p.Roles, role) {
			return errNo("role", role)
		}
		p.Roles = nil
		return nil
	})
}

func (s *Service) deleteInstanceProfile(ctx context.Context, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	account := bus.From(ctx).Account
	return &iam.DeleteInstanceProfileOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		p, err := findProfile(tx, account, *in.InstanceProfileName)
		if err != nil {
			return err
		}
		if len(p.Roles) > 0 {
			return errConflict("remove roles from instance profile")
		}
		_, err = profiles.Delete(tx, account, strings.ToLower(p.Name))
		return err
	})
}
