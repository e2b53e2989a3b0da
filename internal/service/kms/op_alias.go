package kms

import (
	"context"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var aliasPattern = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

func checkAlias(name string) error {
	switch {
	case !strings.HasPrefix(name, "alias/"):
		return invalid(`Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case strings.HasPrefix(name, "alias/aws/"):
		return awserr.New(400, "NotAuthorizedException", "")
	case !aliasPattern.MatchString(name):
		return api.InvalidAliasNameException("Alias contains invalid characters for an alias")
	}
	return nil
}

func aliasARN(c bus.Caller, name string) string { return c.ARN("kms", name) }

func (s *Service) createAlias(ctx context.Context, in *api.CreateAliasInput) (*api.CreateAliasOutput, error) {
	c, name := bus.From(ctx), *in.AliasName
	if err := checkAlias(name); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		k, err := s.target(tx, c, *in.TargetKeyId)
		if err != nil {
			return err
		}
		old, ok, err := aliases.Get(tx, c.Account, c.Region, name)
		if err != nil {
			return err
		}
		if ok {
			if _, err := s.find(tx, c, old.Key); err == nil {
				return api.AlreadyExistsException("An alias with the name %s already exists", aliasARN(c, name))
			}
		}
		now := s.Clock.Now()
		return aliases.Put(tx, alias{Name: name, Key: k.ID, Created: now, Changed: now}, c.Account, c.Region, name)
	})
	return &api.CreateAliasOutput{}, err
}

// target is the key that an alias is to name.
func (s *Service) target(tx *store.Tx, c bus.Caller, id string) (*key, error) {
	if strings.Contains(id, "alias/") {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	k, err := s.find(tx, c, id)
	if err == nil && k.State == api.KeyStatePendingDeletion {
		err = k.pending()
	}
	return k, err
}

func (s *Service) updateAlias(ctx context.Context, in *api.UpdateAliasInput) (*api.UpdateAliasOutput, error) {
	c, name := bus.From(ctx), *in.AliasName
	if err := checkAlias(name); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		a, ok, err := aliases.Get(tx, c.Account, c.Region, name)
		if err == nil && !ok {
			err = noAlias(aliasARN(c, name))
		}
		if err != nil {
			return err
		}
		k, err := s.target(tx, c, *in.TargetKeyId)
		if err != nil {
			return err
		}
		if old, err := s.find(tx, c, a.Key); err == nil && (old.Usage != k.Usage) {
			return invalid("Alias %s can only be associated with a KMS key of the usage %s", aliasARN(c, name), old.Usage)
		}
		a.Key, a.Changed = k.ID, s.Clock.Now()
		return aliases.Put(tx, a, c.Account, c.Region, name)
	})
	return &api.UpdateAliasOutput{}, err
}

func (s *Service) deleteAlias(ctx context.Context, in *api.DeleteAliasInput) (*api.DeleteAliasOutput, error) {
	c, name := bus.From(ctx), *in.AliasName
	if err := checkAlias(name); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		ok, err := aliases.Delete(tx, c.Account, c.Region, name)
		if err == nil && !ok {
			err = noAlias(aliasARN(c, name))
		}
		return err
	})
	return &api.DeleteAliasOutput{}, err
}

// listAliases lists the account's aliases. Those of keys that AWS manages and
// that nobody has used yet have no key.
func (s *Service) listAliases(ctx context.Context, in *api.ListAliasesInput) (*api.ListAliasesOutput, error) {
	c := bus.From(ctx)
	var all []alias
	var of *key
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if in.KeyId != nil {
			if of, err = s.find(tx, c, *in.KeyId); err != nil {
				return err
			}
		}
		list, err := aliases.List(tx, c.Account, c.Region)
		for _, a := range list {
			if _, err := s.find(tx, c, a.Key); err == nil && (of == nil || of.ID == a.Key) {
				all = append(all, a)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, service := range strings.Fields(managedServices) {
		name := "alias/aws/" + service
		if of == nil && !slices.ContainsFunc(all, func(a alias) bool { return a.Name == name }) {
			all = append(all, alias{Name: name})
		}
	}
	slices.SortFunc(all, func(a, b alias) int { return strings.Compare(a.Name, b.Name) })
	some, next, truncated, err := page(all, func(a *alias) string { return a.Name }, in.Marker, in.Limit, 50)
	if err != nil {
		return nil, err
	}
	out := &api.ListAliasesOutput{Aliases: []api.AliasListEntry{}, NextMarker: next, Truncated: truncated}
	for i := range some {
		a := &some[i]
		entry := api.AliasListEntry{AliasName: &a.Name, AliasArn: new(aliasARN(c, a.Name))}
		if a.Key != "" {
			entry.TargetKeyId, entry.CreationDate, entry.LastUpdatedDate = &a.Key, &a.Created, &a.Changed
		}
		out.Aliases = append(out.Aliases, entry)
	}
	return out, nil
}
