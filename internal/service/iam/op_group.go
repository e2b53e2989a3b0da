package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxGroups is how many groups a user may be in.
const maxGroups = 10

func (s *Service) createGroup(ctx context.Context, in *iam.CreateGroupInput) (*iam.CreateGroupOutput, error) {
	account := bus.From(ctx).Account
	id, err := s.newIdentity(ctx, "group", "AGPA", *in.GroupName, in.Path, nil)
	if err != nil {
		return nil, err
	}
	g := group{id}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := groups.Get(tx, account, strings.ToLower(g.Name)); err != nil || ok {
			if ok {
				return errExists("Group", g.Name)
			}
			return err
		}
		return g.put(tx, account)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateGroupOutput{Group: g.shape()}, nil
}

func (g *group) shape() *iam.Group {
	return &iam.Group{Path: &g.Path, GroupName: &g.Name, GroupId: &g.ID, Arn: &g.ARN, CreateDate: &g.Created}
}

// members are the users in a group.
func members(tx *store.Tx, account, name string) ([]user, error) {
	all, err := users.List(tx, account)
	return slices.DeleteFunc(all, func(u user) bool { return !slices.Contains(u.Groups, name) }), err
}

func (s *Service) getGroup(ctx context.Context, in *iam.GetGroupInput) (*iam.GetGroupOutput, error) {
	account := bus.From(ctx).Account
	out := &iam.GetGroupOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, account, *in.GroupName)
		if err != nil {
			return err
		}
		all, err := members(tx, account, g.Name)
		if err != nil {
			return err
		}
		out.Group = g.shape()
		out.Users, out.IsTruncated, out.Marker, err = shown(all, nameOf[user], (*user).listed, in.Marker, in.MaxItems)
		return err
	})
}

func (g *group) listed() iam.Group { return *g.shape() }

func (s *Service) listGroups(ctx context.Context, in *iam.ListGroupsInput) (*iam.ListGroupsOutput, error) {
	list, truncated, next, err := under(ctx, s, groups, in.PathPrefix, (*group).listed, in.Marker, in.MaxItems)
	return &iam.ListGroupsOutput{Groups: list, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) listGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput) (*iam.ListGroupsForUserOutput, error) {
	account := bus.From(ctx).Account
	out := &iam.ListGroupsForUserOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, account, *in.UserName)
		if err != nil {
			return err
		}
		var all []group
		for _, name := range u.Groups {
			g, err := findGroup(tx, account, name)
			if err != nil {
				return err
			}
			all = append(all, *g)
		}
		out.Groups, out.IsTruncated, out.Marker, err = shown(all, nameOf[group], (*group).listed, in.Marker, in.MaxItems)
		return err
	})
}

func (s *Service) updateGroup(ctx context.Context, in *iam.UpdateGroupInput) (*iam.UpdateGroupOutput, error) {
	account := bus.From(ctx).Account
	return &iam.UpdateGroupOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, account, *in.GroupName)
		if err != nil {
			return err
		}
		old := g.Name
		if err := rename(tx, groups, account, &g.identity, "group", in.NewGroupName, in.NewPath); err != nil {
			return err
		}
		in, err := members(tx, account, old)
		if err != nil {
			return err
		}
		for _, u := range in {
			u.leave(old)
			u.join(g.Name)
			if err := u.put(tx, account); err != nil {
				return err
			}
		}
		return g.put(tx, account)
	})
}

func (u *user) join(group string) {
	if i, ok := slices.BinarySearch(u.Groups, group); !ok {
		u.Groups = slices.Insert(u.Groups, i, group)
	}
}

func (u *user) leave(group string) {
	u.Groups = slices.DeleteFunc(u.Groups, func(g string) bool { return g == group })
}

func (s *Service) deleteGroup(ctx context.Context, in *iam.DeleteGroupInput) (*iam.DeleteGroupOutput, error) {
	account := bus.From(ctx).Account
	return &iam.DeleteGroupOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, account, *in.GroupName)
		if err != nil {
			return err
		}
		in, err := members(tx, account, g.Name)
		if err != nil {
			return err
		}
		if len(in) > 0 {
			return errConflict("remove users from group")
		}
		if err := g.bare(); err != nil {
			return err
		}
		_, err = groups.Delete(tx, account, strings.ToLower(g.Name))
		return err
	})
}

// membership changes whether a user is in a group.
func (s *Service) membership(ctx context.Context, userName, groupName string, change func(u *user, group string) error) error {
	account := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, account, groupName)
		if err != nil {
			return err
		}
		u, err := findUser(tx, account, userName)
		if err != nil {
			return err
		}
		if err := change(u, g.Name); err != nil {
			return err
		}
		return u.put(tx, account)
	})
}

func (s *Service) addUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput) (*iam.AddUserToGroupOutput, error) {
	return &iam.AddUserToGroupOutput{}, s.membership(ctx, *in.UserName, *in.GroupName, func(u *user, group string) error {
		if u.join(group); len(u.Groups) > maxGroups {
			return errQuota("GroupsPerUser", maxGroups)
		}
		return nil
	})
}

func (s *Service) removeUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput) (*iam.RemoveUserFromGroupOutput, error) {
	return &iam.RemoveUserFromGroupOutput{}, s.membership(ctx, *in.UserName, *in.GroupName, func(u *user, group string) error {
		u.leave(group)
		return nil
	})
}
