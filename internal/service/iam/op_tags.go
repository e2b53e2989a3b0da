package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxTags is how many tags something can have.
const maxTags = 50

// keptTags checks tags and makes records of them.
func keptTags(c bus.Caller, tags []iam.Tag) ([]tag, error) {
	var kept []tag
	seen := map[string]bool{}
	for _, t := range tags {
		lower := strings.ToLower(*t.Key)
		switch {
		case seen[lower]:
			return nil, errDuplicateTag()
		case c.ReservedTag(*t.Key):
			return nil, iam.InvalidInputException(bus.ReservedTags)
		}
		seen[lower] = true
		kept = append(kept, tag{*t.Key, *t.Value})
	}
	if len(kept) > maxTags {
		return nil, errTags()
	}
	return kept, nil
}

func errTags() *awserr.Error {
	return iam.LimitExceededException("The number of tags has reached the maximum limit.")
}

func shownTags(tags []tag) []iam.Tag {
	var shown []iam.Tag
	for _, t := range tags {
		shown = append(shown, iam.Tag{Key: &t.Key, Value: &t.Value})
	}
	return shown
}

// tagged finds the tags of something, and what keeps it.
func tagged(tx *store.Tx, account, kind, name string) (tags *[]tag, put func() error, err error) {
	switch kind {
	case "policy":
		p, ok, err := findPolicy(tx, account, name)
		if err == nil && !ok {
			err = errNoPolicy(name)
		}
		return &p.Tags, func() error { return putPolicy(tx, account, p) }, err
	case "profile":
		p, err := findProfile(tx, account, name)
		return &p.Tags, func() error { return p.put(tx, account) }, err
	case "oidc", "saml":
		p, err := findProvider(tx, account, kind, name)
		return &p.Tags, func() error { return p.put(tx, account) }, err
	}
	p, err := find(tx, account, kind, name)
	if err != nil {
		return nil, nil, err
	}
	return &p.self().Tags, func() error { return p.put(tx, account) }, nil
}

func (s *Service) tag(ctx context.Context, kind, name string, add []iam.Tag) error {
	c := bus.From(ctx)
	kept, err := keptTags(c, add)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		tags, put, err := tagged(tx, c.Account, kind, name)
		if err != nil {
			return err
		}
		for _, t := range kept {
			if i := slices.IndexFunc(*tags, func(old tag) bool { return strings.EqualFold(old.Key, t.Key) }); i >= 0 {
				(*tags)[i] = t
			} else {
				*tags = append(*tags, t)
			}
		}
		if len(*tags) > maxTags {
			return errTags()
		}
		return put()
	})
}

func (s *Service) untag(ctx context.Context, kind, name string, keys []string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		tags, put, err := tagged(tx, bus.From(ctx).Account, kind, name)
		if err != nil {
			return err
		}
		*tags = slices.DeleteFunc(*tags, func(t tag) bool {
			return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
		})
		return put()
	})
}

func (s *Service) listTags(ctx context.Context, kind, name string, marker *string, most *int64) (shown []iam.Tag, truncated *bool, next *string, err error) {
	err = s.store.View(ctx, func(tx *store.Tx) error {
		tags, _, err := tagged(tx, bus.From(ctx).Account, kind, name)
		if err != nil {
			return err
		}
		all := slices.Clone(*tags)
		slices.SortFunc(all, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
		items, more, after, err := page(all, func(t *tag) string { return t.Key }, marker, most)
		if shown = shownTags(items); shown == nil {
			shown = []iam.Tag{}
		}
		truncated, next = more, after
		return err
	})
	return shown, truncated, next, err
}

func (s *Service) tagUser(ctx context.Context, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	return &iam.TagUserOutput{}, s.tag(ctx, "user", *in.UserName, in.Tags)
}

func (s *Service) untagUser(ctx context.Context, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	return &iam.UntagUserOutput{}, s.untag(ctx, "user", *in.UserName, in.TagKeys)
}

func (s *Service) listUserTags(ctx context.Context, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	tags, truncated, next, err := s.listTags(ctx, "user", *in.UserName, in.Marker, in.MaxItems)
	return &iam.ListUserTagsOutput{Tags: tags, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) tagRole(ctx context.Context, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	return &iam.TagRoleOutput{}, s.tag(ctx, "role", *in.RoleName, in.Tags)
}

func (s *Service) untagRole(ctx context.Context, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	return &iam.UntagRoleOutput{}, s.untag(ctx, "role", *in.RoleName, in.TagKeys)
}

func (s *Service) listRoleTags(ctx context.Context, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	tags, truncated, next, err := s.listTags(ctx, "role", *in.RoleName, in.Marker, in.MaxItems)
	return &iam.ListRoleTagsOutput{Tags: tags, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) tagPolicy(ctx context.Context, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
	return &iam.TagPolicyOutput{}, s.tag(ctx, "policy", *in.PolicyArn, in.Tags)
}

func (s *Service) untagPolicy(ctx context.Context, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
	return &iam.UntagPolicyOutput{}, s.untag(ctx, "policy", *in.PolicyArn, in.TagKeys)
}

func (s *Service) listPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
	tags, truncated, next, err := s.listTags(ctx, "policy", *in.PolicyArn, in.Marker, in.MaxItems)
	return &iam.ListPolicyTagsOutput{Tags: tags, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) tagInstanceProfile(ctx context.Context, in *iam.TagInstanceProfileInput) (*iam.TagInstanceProfileOutput, error) {
	return &iam.TagInstanceProfileOutput{}, s.tag(ctx, "profile", *in.InstanceProfileName, in.Tags)
}

func (s *Service) untagInstanceProfile(ctx context.Context, in *iam.UntagInstanceProfileInput) (*iam.UntagInstanceProfileOutput, error) {
	return &iam.UntagInstanceProfileOutput{}, s.untag(ctx, "profile", *in.InstanceProfileName, in.TagKeys)
}

func (s *Service) listInstanceProfileTags(ctx context.Context, in *iam.ListInstanceProfileTagsInput) (*iam.ListInstanceProfileTagsOutput, error) {
	tags, truncated, next, err := s.listTags(ctx, "profile", *in.InstanceProfileName, in.Marker, in.MaxItems)
	return &iam.ListInstanceProfileTagsOutput{Tags: tags, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) tagOpenIDConnectProvider(ctx context.Context, in *iam.TagOpenIDConnectProviderInput) (*iam.TagOpenIDConnectProviderOutput, error) {
	return &iam.TagOpenIDConnectProviderOutput{}, s.tag(ctx, "oidc", *in.OpenIDConnectProviderArn, in.Tags)
}

func (s *Service) untagOpenIDConnectProvider(ctx context.Context, in *iam.UntagOpenIDConnectProviderInput) (*iam.UntagOpenIDConnectProviderOutput, error) {
	return &iam.UntagOpenIDConnectProviderOutput{}, s.untag(ctx, "oidc", *in.OpenIDConnectProviderArn, in.TagKeys)
}

func (s *Service) listOpenIDConnectProviderTags(ctx context.Context, in *iam.ListOpenIDConnectProviderTagsInput) (*iam.ListOpenIDConnectProviderTagsOutput, error) {
	tags, truncated, next, err := s.listTags(ctx, "oidc", *in.OpenIDConnectProviderArn, in.Marker, in.MaxItems)
	return &iam.ListOpenIDConnectProviderTagsOutput{Tags: tags, IsTruncated: truncated, Marker: next}, err
}

func (s *Service) tagSAMLProvider(ctx context.Context, in *iam.TagSAMLProviderInput) (*iam.TagSAMLProviderOutput, error) {
	return &iam.TagSAMLProviderOutput{}, s.tag(ctx, "saml", *in.SAMLProviderArn, in.Tags)
}

func (s *Service) untagSAMLProvider(ctx context.Context, in *iam.UntagSAMLProviderInput) (*iam.UntagSAMLProviderOutput, error) {
	return &iam.UntagSAMLProviderOutput{}, s.untag(ctx, "saml", *in.SAMLProviderArn, in.TagKeys)
}

func (s *Service) listSAMLProviderTags(ctx context.Context, in *iam.ListSAMLProviderTagsInput) (*iam.ListSAMLProviderTagsOutput, error) {
	tags, truncated, next, err := s.listTags(ctx, "saml", *in.SAMLProviderArn, in.Marker, in.MaxItems)
	return &iam.ListSAMLProviderTagsOutput{Tags: tags, IsTruncated: truncated, Marker: next}, err
}
