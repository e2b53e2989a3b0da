package secretsmanager

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// ListSecrets lists the secrets that match all filters, by default in the order
// they were made.
func (s *Service) ListSecrets(ctx context.Context, in *api.ListSecretsInput) (*api.ListSecretsOutput, error) {
	c := bus.From(ctx)
	var all []secret
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = secrets.List(tx, c.Account, c.Region)
		return err
	})
	if err != nil {
		return nil, err
	}
	planned := in.IncludePlannedDeletion != nil && *in.IncludePlannedDeletion
	all = slices.DeleteFunc(all, func(x secret) bool {
		return x.gone(s.Clock.Now()) || !planned && !x.Deleted.IsZero() || !x.matchesAll(in.Filters)
	})
	slices.SortFunc(all, func(a, b secret) int {
		n := cmp.Or(order(text(in.SortBy), &a, &b), strings.Compare(a.Name, b.Name))
		if text(in.SortOrder) == "desc" {
			n = -n
		}
		return n
	})
	shown, next, err := paged(all, func(x *secret) string { return x.ARN }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &api.ListSecretsOutput{SecretList: []api.SecretListEntry{}, NextToken: next}
	for i := range shown {
		x := &shown[i]
		entry := api.SecretListEntry{
			ARN: &x.ARN, Name: &x.Name, Description: x.Description, KmsKeyId: x.KmsKeyID, Type: x.Type, Tags: x.Tags,
			CreatedDate: &x.Created, LastChangedDate: &x.Changed, LastAccessedDate: when(x.Accessed), DeletedDate: when(x.Deleted),
			SecretVersionsToStages: x.stages(),
		}
		if r := x.Rotation; r != nil {
			entry.RotationEnabled, entry.RotationLambdaARN, entry.RotationRules = &r.Enabled, &r.Lambda, r.Rules
			entry.LastRotatedDate, entry.NextRotationDate = when(r.Last), when(r.Next)
		}
		out.SecretList = append(out.SecretList, entry)
	}
	return out, nil
}

func order(by string, a, b *secret) int {
	switch by {
	case "name":
		return strings.Compare(a.Name, b.Name)
	case "last-changed-date":
		return a.Changed.Compare(b.Changed)
	case "last-accessed-date":
		return a.Accessed.Compare(b.Accessed)
	}
	return a.Created.Compare(b.Created)
}

// paged cuts a page out of all; the token is the key of the last entry shown, in
// whatever order they are.
func paged[T any](all []T, key func(*T) string, next *string, size *int64) (shown []T, token *string, err error) {
	last, err := paging.Position(next)
	from := 0
	if last != "" {
		from = 1 + slices.IndexFunc(all, func(x T) bool { return key(&x) == last })
	}
	if err != nil || last != "" && from == 0 {
		return nil, nil, api.InvalidNextTokenException("The NextToken value is invalid.")
	}
	to := min(from+paging.Size(size, 100), len(all))
	if to < len(all) {
		token = paging.Token(key(&all[to-1]))
	}
	return all[from:to], token, nil
}

// matchesAll applies filters: every filter must match, by any of its values. A
// value that begins with ! must not match.
func (x *secret) matchesAll(filters []api.Filter) bool {
	for _, f := range filters {
		matched := slices.ContainsFunc(f.Values, func(v string) bool {
			if rest, negated := strings.CutPrefix(v, "!"); negated {
				return !x.matches(text(f.Key), rest)
			}
			return x.matches(text(f.Key), v)
		})
		if !matched && len(f.Values) > 0 {
			return false
		}
	}
	return true
}

func (x *secret) matches(key, v string) bool {
	switch key {
	case "name":
		return strings.HasPrefix(x.Name, v)
	case "description":
		return wordPrefix(text(x.Description), v)
	case "tag-key":
		return slices.ContainsFunc(x.Tags, func(t api.Tag) bool { return strings.HasPrefix(text(t.Key), v) })
	case "tag-value":
		return slices.ContainsFunc(x.Tags, func(t api.Tag) bool { return strings.HasPrefix(text(t.Value), v) })
	case "all":
		everything := []string{x.Name, text(x.Description)}
		for _, t := range x.Tags {
			everything = append(everything, text(t.Key), text(t.Value))
		}
		return wordPrefix(strings.Join(everything, " "), v)
	}
	return false // primary-region, owning-service: no secret here has one
}

// wordPrefix reports whether every word of v begins a word of s, whatever the case.
func wordPrefix(s, v string) bool {
	split := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	words := split(s)
	for _, want := range split(v) {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, want) }) {
			return false
		}
	}
	return true
}

// ListSecretVersionIds lists the versions of a secret, the oldest first.
func (s *Service) ListSecretVersionIds(ctx context.Context, in *api.ListSecretVersionIdsInput) (*api.ListSecretVersionIdsOutput, error) {
	x, err := s.look(ctx, *in.SecretId)
	if err != nil {
		return nil, err
	}
	deprecated := in.IncludeDeprecated != nil && *in.IncludeDeprecated
	all := []api.SecretVersionsListEntry{}
	for id, v := range x.Versions {
		if len(v.Stages) > 0 || deprecated {
			all = append(all, api.SecretVersionsListEntry{VersionId: &id, VersionStages: v.Stages, CreatedDate: &v.Created,
				LastAccessedDate: when(v.Accessed), KmsKeyIds: []string{cmp.Or(text(x.KmsKeyID), "DefaultEncryptionKey")}})
		}
	}
	slices.SortFunc(all, func(a, b api.SecretVersionsListEntry) int {
		return cmp.Or(a.CreatedDate.Compare(*b.CreatedDate), strings.Compare(*a.VersionId, *b.VersionId))
	})
	shown, next, err := paged(all, func(v *api.SecretVersionsListEntry) string { return *v.VersionId }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &api.ListSecretVersionIdsOutput{ARN: &x.ARN, Name: &x.Name, Versions: shown, NextToken: next}, nil
}
