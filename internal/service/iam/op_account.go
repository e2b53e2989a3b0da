package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) changeAccount(ctx context.Context, change func(*store.Tx, *account) error) error {
	id := bus.From(ctx).Account
	return s.store.Update(ctx, func(tx *store.Tx) error {
		a, _, err := accounts.Get(tx, id)
		if err != nil {
			return err
		}
		if err := change(tx, &a); err != nil {
			return err
		}
		return accounts.Put(tx, a, id)
	})
}

func (s *Service) account(ctx context.Context) (a account, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		a, _, err = accounts.Get(tx, bus.From(ctx).Account)
		return err
	})
	return a, err
}

func (s *Service) createAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	return &iam.CreateAccountAliasOutput{}, s.changeAccount(ctx, func(tx *store.Tx, a *account) error {
		all, err := accounts.List(tx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(other account) bool { return other.Alias == *in.AccountAlias }) && a.Alias != *in.AccountAlias {
			return iam.EntityAlreadyExistsException("The account alias %s already exists.", *in.AccountAlias)
		}
		a.Alias = *in.AccountAlias
		return nil
	})
}

func (s *Service) deleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	return &iam.DeleteAccountAliasOutput{}, s.changeAccount(ctx, func(_ *store.Tx, a *account) error {
		if a.Alias != *in.AccountAlias {
			return iam.NoSuchEntityException("The account alias with name %s cannot be found.", *in.AccountAlias)
		}
		a.Alias = ""
		return nil
	})
}

func (s *Service) listAccountAliases(ctx context.Context, _ *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	a, err := s.account(ctx)
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}, IsTruncated: new(false)}
	if a.Alias != "" {
		out.AccountAliases = append(out.AccountAliases, a.Alias)
	}
	return out, err
}

// updateAccountPasswordPolicy keeps a policy; what is not given has AWS's
// default again.
func (s *Service) updateAccountPasswordPolicy(ctx context.Context, in *iam.UpdateAccountPasswordPolicyInput) (*iam.UpdateAccountPasswordPolicyOutput, error) {
	yes := func(b *bool) *bool { return new(b != nil && *b) }
	p := &iam.PasswordPolicy{MinimumPasswordLength: new(int64(6)), RequireSymbols: yes(in.RequireSymbols), RequireNumbers: yes(in.RequireNumbers),
		RequireUppercaseCharacters: yes(in.RequireUppercaseCharacters), RequireLowercaseCharacters: yes(in.RequireLowercaseCharacters),
		AllowUsersToChangePassword: yes(in.AllowUsersToChangePassword), ExpirePasswords: new(in.MaxPasswordAge != nil && *in.MaxPasswordAge > 0),
		MaxPasswordAge: in.MaxPasswordAge, PasswordReusePrevention: in.PasswordReusePrevention, HardExpiry: in.HardExpiry}
	if in.MinimumPasswordLength != nil {
		p.MinimumPasswordLength = in.MinimumPasswordLength
	}
	return &iam.UpdateAccountPasswordPolicyOutput{}, s.changeAccount(ctx, func(_ *store.Tx, a *account) error {
		a.Password = p
		return nil
	})
}

func errNoPasswordPolicy(ctx context.Context) error {
	return iam.NoSuchEntityException("The Password Policy with domain name %s cannot be found.", bus.From(ctx).Account)
}

func (s *Service) getAccountPasswordPolicy(ctx context.Context, _ *iam.GetAccountPasswordPolicyInput) (*iam.GetAccountPasswordPolicyOutput, error) {
	a, err := s.account(ctx)
	if err == nil && a.Password == nil {
		err = errNoPasswordPolicy(ctx)
	}
	return &iam.GetAccountPasswordPolicyOutput{PasswordPolicy: a.Password}, err
}

func (s *Service) deleteAccountPasswordPolicy(ctx context.Context, _ *iam.DeleteAccountPasswordPolicyInput) (*iam.DeleteAccountPasswordPolicyOutput, error) {
	return &iam.DeleteAccountPasswordPolicyOutput{}, s.changeAccount(ctx, func(_ *store.Tx, a *account) error {
		if a.Password == nil {
			return errNoPasswordPolicy(ctx)
		}
		a.Password = nil
		return nil
	})
}

// getAccountSummary counts what there is and tells the quotas that are kept.
func (s *Service) getAccountSummary(ctx context.Context, _ *iam.GetAccountSummaryInput) (*iam.GetAccountSummaryOutput, error) {
	id := bus.From(ctx).Account
	m := map[string]int64{
		"AccessKeysPerUserQuota": maxKeys, "AttachedPoliciesPerGroupQuota": maxAttached, "AttachedPoliciesPerRoleQuota": maxAttached,
		"AttachedPoliciesPerUserQuota": maxAttached, "GroupsPerUserQuota": maxGroups, "VersionsPerPolicyQuota": maxVersions, "PolicySizeQuota": maxPolicySize,
		"UserPolicySizeQuota": int64(inlineQuota["user"]), "GroupPolicySizeQuota": int64(inlineQuota["group"]), "AssumeRolePolicySizeQuota": 2048,
		"RolePolicySizeQuota": int64(inlineQuota["role"]), "AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0, "AccountSigningCertificatesPresent": 0,
		"AccountPasswordPresent": 1, "MFADevices": 0, "MFADevicesInUse": 0, "ServerCertificates": 0, "GlobalEndpointTokenVersion": 1,
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: m}, s.store.View(ctx, func(tx *store.Tx) error {
		all, err := everybody(tx, id)
		if err != nil {
			return err
		}
		for _, p := range all {
			m[kindOf(p)+"s"]++
		}
		for _, name := range []string{"Users", "Groups", "Roles"} {
			m[name] += 0 // told where there is none, too
		}
		kept, err := policies.List(tx, id)
		if err != nil {
			return err
		}
		m["Policies"], m["PolicyVersionsInUse"] = int64(len(kept)), 0
		for _, p := range kept {
			m["PolicyVersionsInUse"] += int64(max(1, len(p.Versions)))
		}
		instance, err := profiles.List(tx, id)
		if err != nil {
			return err
		}
		m["InstanceProfiles"] = int64(len(instance))
		federated, err := providers.List(tx, id)
		m["Providers"] = int64(len(federated))
		return err
	})
}

// detail is an entry of GetAccountAuthorizationDetails, with the key by which
// pages are cut.
type detail struct {
	key    string
	user   *iam.UserDetail
	group  *iam.GroupDetail
	role   *iam.RoleDetail
	policy *iam.ManagedPolicyDetail
}

func (s *Service) getAccountAuthorizationDetails(ctx context.Context, in *iam.GetAccountAuthorizationDetailsInput) (*iam.GetAccountAuthorizationDetailsOutput, error) {
	var all []detail
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = details(tx, bus.From(ctx).Account)
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(d detail) bool {
		kind, _, _ := strings.Cut(d.key, " ")
		return len(in.Filter) > 0 && !slices.Contains(in.Filter, kind)
	})
	slices.SortFunc(all, func(a, b detail) int { return strings.Compare(a.key, b.key) })
	items, truncated, next, err := page(all, func(d *detail) string { return d.key }, in.Marker, in.MaxItems)
	out := &iam.GetAccountAuthorizationDetailsOutput{UserDetailList: []iam.UserDetail{}, GroupDetailList: []iam.GroupDetail{},
		RoleDetailList: []iam.RoleDetail{}, Policies: []iam.ManagedPolicyDetail{}, IsTruncated: truncated, Marker: next}
	for _, d := range items {
		switch {
		case d.user != nil:
			out.UserDetailList = append(out.UserDetailList, *d.user)
		case d.group != nil:
			out.GroupDetailList = append(out.GroupDetailList, *d.group)
		case d.role != nil:
			out.RoleDetailList = append(out.RoleDetailList, *d.role)
		default:
			out.Policies = append(out.Policies, *d.policy)
		}
	}
	return out, err
}

// details are all entries; a key is the filter's word and the name.
func details(tx *store.Tx, account string) (all []detail, err error) {
	people, err := everybody(tx, account)
	if err != nil {
		return nil, err
	}
	instance, err := profiles.List(tx, account)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		all = append(all, personDetail(p, instance))
	}
	kept, err := policies.List(tx, account)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		p, _, err := findPolicy(tx, account, k.ARN)
		if err != nil {
			return nil, err
		}
		shape := p.shape()
		d := &iam.ManagedPolicyDetail{PolicyName: shape.PolicyName, PolicyId: shape.PolicyId, Arn: shape.Arn, Path: shape.Path, DefaultVersionId: shape.DefaultVersionId,
			AttachmentCount: shape.AttachmentCount, PermissionsBoundaryUsageCount: shape.PermissionsBoundaryUsageCount, IsAttachable: shape.IsAttachable,
			Description: shape.Description, CreateDate: shape.CreateDate, UpdateDate: shape.UpdateDate}
		for i := range p.Versions {
			d.PolicyVersionList = append(d.PolicyVersionList, *p.version(&p.Versions[i], true))
		}
		all = append(all, detail{key: "LocalManagedPolicy " + p.Name, policy: d})
	}
	used, err := inUse(tx, account)
	for _, p := range used {
		all = append(all, detail{key: "AWSManagedPolicy " + *p.PolicyName, policy: &iam.ManagedPolicyDetail{PolicyName: p.PolicyName, Arn: p.Arn, Path: p.Path,
			AttachmentCount: p.AttachmentCount, PermissionsBoundaryUsageCount: p.PermissionsBoundaryUsageCount, IsAttachable: p.IsAttachable}})
	}
	return all, err
}

func personDetail(p principal, instance []instanceProfile) detail {
	id := p.self()
	inlines := []iam.PolicyDetail{}
	for _, i := range id.Inline {
		inlines = append(inlines, iam.PolicyDetail{PolicyName: &i.Name, PolicyDocument: encoded(i.Document)})
	}
	key := kindOf(p) + " " + strings.ToLower(id.Name)
	switch p := p.(type) {
	case *user:
		return detail{key: key, user: &iam.UserDetail{Path: &id.Path, UserName: &id.Name, UserId: &id.ID, Arn: &id.ARN, CreateDate: &id.Created,
			UserPolicyList: inlines, GroupList: orNone(p.Groups), AttachedManagedPolicies: attachedPolicies(id.Attached),
			PermissionsBoundary: shownBoundary(id.Boundary), Tags: shownTags(id.Tags)}}
	case *group:
		return detail{key: key, group: &iam.GroupDetail{Path: &id.Path, GroupName: &id.Name, GroupId: &id.ID, Arn: &id.ARN, CreateDate: &id.Created,
			GroupPolicyList: inlines, AttachedManagedPolicies: attachedPolicies(id.Attached)}}
	}
	r := p.(*role)
	list := []iam.InstanceProfile{}
	for i := range instance {
		if slices.Contains(instance[i].Roles, id.Name) {
			list = append(list, *instance[i].shape([]iam.Role{r.listed()}))
		}
	}
	return detail{key: key, role: &iam.RoleDetail{Path: &id.Path, RoleName: &id.Name, RoleId: &id.ID, Arn: &id.ARN, CreateDate: &id.Created,
		AssumeRolePolicyDocument: encoded(r.Trust), InstanceProfileList: list, RolePolicyList: inlines,
		AttachedManagedPolicies: attachedPolicies(id.Attached), PermissionsBoundary: shownBoundary(id.Boundary), Tags: shownTags(id.Tags),
		RoleLastUsed: &iam.RoleLastUsed{}}}
}
