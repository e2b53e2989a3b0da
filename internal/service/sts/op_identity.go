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
	id := userID(c)
	if strings.HasPrefix(c.AccessKey, temporaryPrefix) {
		r, ok, err := s.session(ctx, c.AccessKey)
		if err != nil {
			return nil, err
		}
		if ok {
			id = r.UserID
		}
	} else if name := userName(c); name != "" {
		out, err := bus.Invoke[iam.GetUserOutput](ctx, s.bus, "iam", "GetUser", &iam.GetUserInput{UserName: &name})
		if err == nil {
			id = *out.User.UserId
		} else if awserr.From(err) == nil {
			return nil, err
		}
	}
	return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.Principal, UserId: &id}, nil
}

// userName is the name of the IAM user who calls, "" of others.
func userName(c bus.Caller) string {
	arn, _ := bus.ParseARN(c.Principal)
	path, ok := strings.CutPrefix(arn.Resource, "user/")
	if !ok || arn.Service != "iam" {
		return ""
	}
	return path[strings.LastIndex(path, "/")+1:]
}

// userID is the unique id of a principal without a session: the account id for
// the root user, the user's name for others.
func userID(c bus.Caller) string {
	arn, ok := bus.ParseARN(c.Principal)
	if !ok || arn.Resource == "root" {
		return c.Account
	}
	return arn.Resource[strings.LastIndex(arn.Resource, "/")+1:]
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
