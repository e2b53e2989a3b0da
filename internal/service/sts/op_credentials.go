package sts

import (
	"context"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awsapi/sts"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
)

func (s *Service) assumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	arn, ok := bus.ParseARN(*in.RoleArn)
	path, isRole := strings.CutPrefix(arn.Resource, "role/")
	if !ok || arn.Service != "iam" || arn.Region != "" || len(arn.Account) != 12 || !isRole {
		return nil, errInvalidARN(*in.RoleArn)
	}
	name := path[strings.LastIndex(path, "/")+1:]
	seconds := int64(3600)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	id, longest, err := s.role(ctx, arn.Account, name, in)
	if err != nil {
		return nil, err
	}
	if seconds > longest {
		return nil, errTooLong()
	}
	user := "arn:aws:sts::" + arn.Account + ":assumed-role/" + name + "/" + *in.RoleSessionName
	id += ":" + *in.RoleSessionName
	c, err := s.grant(ctx, arn.Account, user, id, seconds)
	if err != nil {
		return nil, err
	}
	return &sts.AssumeRoleOutput{
		Credentials:     c,
		AssumedRoleUser: &sts.AssumedRoleUser{Arn: &user, AssumedRoleId: &id},
		SourceIdentity:  in.SourceIdentity,
	}, nil
}

// role returns the id and the longest session, in seconds, of a role that trusts
// the caller. A role that does not exist has made-up ones.
func (s *Service) role(ctx context.Context, account, name string, in *sts.AssumeRoleInput) (id string, longest int64, err error) {
	c := bus.From(ctx)
	asking := c
	if c.Account != account {
		c.Account, c.Principal = account, ""
	}
	out, err := bus.Invoke[iam.GetRoleOutput](bus.With(ctx, c), s.bus, "iam", "GetRole", &iam.GetRoleInput{RoleName: &name})
	if e := awserr.From(err); e != nil && (e.Code == "NoSuchEntity" || e.Code == "NotImplemented") {
		return "AROA" + strings.ToUpper(s.ids.Hex(9))[:17], 43200, nil
	}
	if err != nil {
		return "", 0, err
	}
	if out.Role.AssumeRolePolicyDocument != nil && !trusts(*out.Role.AssumeRolePolicyDocument, asking, in.ExternalId) {
		return "", 0, errNotTrusted(asking, *in.RoleArn)
	}
	longest = 3600
	if out.Role.MaxSessionDuration != nil {
		longest = *out.Role.MaxSessionDuration
	}
	return *out.Role.RoleId, longest, nil
}

func (s *Service) getSessionToken(ctx context.Context, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	seconds := int64(43200)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	caller := bus.From(ctx)
	id, err := s.userID(ctx, caller)
	if err != nil {
		return nil, err
	}
	c, err := s.grant(ctx, caller.Account, caller.Principal, id, seconds)
	return &sts.GetSessionTokenOutput{Credentials: c}, err
}

func (s *Service) getFederationToken(ctx context.Context, in *sts.GetFederationTokenInput) (*sts.GetFederationTokenOutput, error) {
	seconds := int64(43200)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	account := bus.From(ctx).Account
	user, id := "arn:aws:sts::"+account+":federated-user/"+*in.Name, account+":"+*in.Name
	c, err := s.grant(ctx, account, user, id, seconds)
	if err != nil {
		return nil, err
	}
	return &sts.GetFederationTokenOutput{Credentials: c, FederatedUser: &sts.FederatedUser{Arn: &user, FederatedUserId: &id}}, nil
}
