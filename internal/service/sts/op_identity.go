package sts

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/wire/sigv4"
)

func (s *Service) getCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	c := bus.From(ctx)
	id, err := s.userID(ctx, c)
	return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.Principal, UserId: &id}, err
}

// userID is the unique id of a caller: the one its session was given, the account
// id for the root user, IAM's for users and roles; their names where IAM does not
// know them.
func (s *Service) userID(ctx context.Context, c bus.Caller) (string, error) {
	if strings.HasPrefix(c.AccessKey, temporaryPrefix) {
		if r, ok, err := s.session(ctx, c.AccessKey); err != nil || ok {
			return r.UserID, err
		}
	}
	arn, ok := bus.ParseARN(c.Principal)
	if !ok || arn.Resource == "root" {
		return c.Account, nil
	}
	kind, name, _ := strings.Cut(arn.Resource, "/")
	last := name[strings.LastIndexByte(name, '/')+1:]
	var err error
	switch kind {
	case "user":
		var out *iam.GetUserOutput
		if out, err = bus.Invoke[iam.GetUserOutput](ctx, s.bus, "iam", "GetUser", &iam.GetUserInput{UserName: &last}); err == nil {
			return *out.User.UserId, nil
		}
	case "assumed-role":
		var out *iam.GetRoleOutput
		role, _, _ := strings.Cut(name, "/")
		if out, err = bus.Invoke[iam.GetRoleOutput](ctx, s.bus, "iam", "GetRole", &iam.GetRoleInput{RoleName: &role}); err == nil {
			return *out.Role.RoleId + ":" + last, nil
		}
	}
	if err != nil && awserr.From(err) == nil {
		return "", err
	}
	return last, nil
}

func (s *Service) getAccessKeyInfo(ctx context.Context, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	if c, ok := s.Lookup(ctx, *in.AccessKeyId); ok {
		return &sts.GetAccessKeyInfoOutput{Account: &c.Account}, nil
	}
	account, ok := sigv4.AccountOf(*in.AccessKeyId)
	if !ok {
		return nil, errUnknownKey(*in.AccessKeyId)
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}
