package iam

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createUser(ctx context.Context, in *iam.CreateUserInput) (*iam.CreateUserOutput, error) {
	account := bus.From(ctx).Account
	id, err := s.newIdentity(ctx, "user", "AIDA", *in.UserName, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	u := user{identity: id}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := users.Get(tx, account, strings.ToLower(u.Name)); err != nil || ok {
			if ok {
				return errExists("User", u.Name)
			}
			return err
		}
		if in.PermissionsBoundary != nil {
			if err := setBoundary(tx, account, &u.identity, *in.PermissionsBoundary); err != nil {
				return err
			}
		}
		return u.put(tx, account)
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateUserOutput{User: u.shape()}, nil
}

func (u *user) shape() *iam.User {
	return &iam.User{Path: &u.Path, UserName: &u.Name, UserId: &u.ID, Arn: &u.ARN, CreateDate: &u.Created,
		PermissionsBoundary: shownBoundary(u.Boundary), Tags: shownTags(u.Tags)}
}

// listed is a user as lists show it.
func (u *user) listed() iam.User {
	shape := u.shape()
	shape.Tags, shape.PermissionsBoundary = nil, nil
	return *shape
}

// caller is the name of the user who asks, where a request names none.
func caller(ctx context.Context, given *string) (string, error) {
	if given != nil {
		return *given, nil
	}
	arn, _ := bus.ParseARN(bus.From(ctx).Principal)
	if path, ok := strings.CutPrefix(arn.Resource, "user/"); ok && arn.Service == "iam" {
		return path[strings.LastIndex(path, "/")+1:], nil
	}
	return "", errNotUser()
}

func (s *Service) getUser(ctx context.Context, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	c := bus.From(ctx)
	if in.UserName == nil && strings.HasSuffix(c.Principal, ":root") {
		return &iam.GetUserOutput{User: &iam.User{UserId: &c.Account, Arn: &c.Principal, Path: new("/"), UserName: new("root"), CreateDate: new(s.started)}}, nil
	}
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	var u *user
	err = s.store.View(ctx, func(tx *store.Tx) (err error) {
		u, err = findUser(tx, c.Account, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: u.shape()}, nil
}

func (s *Service) listUsers(ctx context.Context, in *iam.ListUsersInput) (*iam.ListUsersOutput, error) {
	list, truncated, next, err := under(ctx, s, users, in.PathPrefix, (*user).listed, in.Marker, in.MaxItems)
	return &iam.ListUsersOutput{Users: list, IsTruncated: truncated, Marker: next}, err
}

// rename gives an identity another name or path and deletes its record, to be put
// again.
func rename[T any](tx *store.Tx, t store.Table[T], account string, i *identity, kind string, name, path *string) error {
	if name != nil && !strings.EqualFold(*name, i.Name) {
		if _, has, err := t.Get(tx, account, strings.ToLower(*name)); err != nil {
			return err
		} else if has {
			return errExists(strings.ToUpper(kind[:1])+kind[1:], *name)
		}
	}
	if _, err := t.Delete(tx, account, strings.ToLower(i.Name)); err != nil {
		return err
	}
	prefix, _, _ := strings.Cut(i.ARN, ":"+kind+"/")
	if name != nil {
		i.Name = *name
	}
	if path != nil {
		i.Path = *path
	}
	i.ARN = prefix + ":" + kind + i.Path + i.Name
	return nil
}

func (s *Service) updateUser(ctx context.Context, in *iam.UpdateUserInput) (*iam.UpdateUserOutput, error) {
	account := bus.From(ctx).Account
	return &iam.UpdateUserOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, account, *in.UserName)
		if err != nil {
			return err
		}
		old := u.Name
		if err := rename(tx, users, account, &u.identity, "user", in.NewUserName, in.NewPath); err != nil {
			return err
		}
		mine, err := keysOf(tx, account, old)
		if err != nil {
			return err
		}
		for _, k := range mine {
			k.User = u.Name
			if err := keys.Put(tx, k, k.ID); err != nil {
				return err
			}
		}
		return u.put(tx, account)
	})
}

func (s *Service) deleteUser(ctx context.Context, in *iam.DeleteUserInput) (*iam.DeleteUserOutput, error) {
	account := bus.From(ctx).Account
	return &iam.DeleteUserOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, account, *in.UserName)
		if err != nil {
			return err
		}
		mine, err := keysOf(tx, account, u.Name)
		switch {
		case err != nil:
			return err
		case len(u.Groups) > 0:
			return errConflict("remove users from group")
		case len(mine) > 0:
			return errConflict("delete access keys")
		case u.Login != nil:
			return errConflict("delete login profile")
		}
		if err := u.bare(); err != nil {
			return err
		}
		if err := setBoundary(tx, account, &u.identity, ""); err != nil {
			return err
		}
		_, err = users.Delete(tx, account, strings.ToLower(u.Name))
		return err
	})
}

func (s *Service) changeUser(ctx context.Context, name string, change func(*user) error) (u *user, err error) {
	account := bus.From(ctx).Account
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if u, err = findUser(tx, account, name); err != nil {
			return err
		}
		if err := change(u); err != nil {
			return err
		}
		return u.put(tx, account)
	})
	return u, err
}

func (s *Service) createLoginProfile(ctx context.Context, in *iam.CreateLoginProfileInput) (*iam.CreateLoginProfileOutput, error) {
	u, err := s.changeUser(ctx, *in.UserName, func(u *user) error {
		if u.Login != nil {
			return iam.EntityAlreadyExistsException("Login Profile for user %s already exists.", u.Name)
		}
		u.Login = &login{Created: s.now(), ResetRequired: in.PasswordResetRequired != nil && *in.PasswordResetRequired}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iam.CreateLoginProfileOutput{LoginProfile: u.profile()}, nil
}

func (u *user) profile() *iam.LoginProfile {
	return &iam.LoginProfile{UserName: &u.Name, CreateDate: &u.Login.Created, PasswordResetRequired: &u.Login.ResetRequired}
}

func errNoLogin(name string) error {
	return iam.NoSuchEntityException("Login Profile for User %s cannot be found.", name)
}

func (s *Service) getLoginProfile(ctx context.Context, in *iam.GetLoginProfileInput) (*iam.GetLoginProfileOutput, error) {
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iam.GetLoginProfileOutput{}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		u, err := findUser(tx, bus.From(ctx).Account, name)
		if err == nil && u.Login == nil {
			err = errNoLogin(name)
		}
		if err == nil {
			out.LoginProfile = u.profile()
		}
		return err
	})
}

func (s *Service) updateLoginProfile(ctx context.Context, in *iam.UpdateLoginProfileInput) (*iam.UpdateLoginProfileOutput, error) {
	_, err := s.changeUser(ctx, *in.UserName, func(u *user) error {
		if u.Login == nil {
			return errNoLogin(u.Name)
		}
		if in.PasswordResetRequired != nil {
			u.Login.ResetRequired = *in.PasswordResetRequired
		}
		return nil
	})
	return &iam.UpdateLoginProfileOutput{}, err
}

func (s *Service) deleteLoginProfile(ctx context.Context, in *iam.DeleteLoginProfileInput) (*iam.DeleteLoginProfileOutput, error) {
	name, err := caller(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	_, err = s.changeUser(ctx, name, func(u *user) error {
		if u.Login == nil {
			return errNoLogin(u.Name)
		}
		u.Login = nil
		return nil
	})
	return &iam.DeleteLoginProfileOutput{}, err
}
