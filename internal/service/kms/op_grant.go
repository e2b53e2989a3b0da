package kms

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// grant is what is kept of a grant: its record's key is account, region, key id
// and grant id.
type grant struct {
	Shape api.GrantListEntry
	Token string
}

func (s *Service) createGrant(ctx context.Context, in *api.CreateGrantInput) (*api.CreateGrantOutput, error) {
	c := bus.From(ctx)
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	g := grant{Token: s.IDs.Hex(48), Shape: api.GrantListEntry{
		KeyId: new(k.arn()), GrantId: new(s.IDs.Hex(32)), Name: in.Name, CreationDate: new(s.Clock.Now()), GranteePrincipal: in.GranteePrincipal,
		RetiringPrincipal: in.RetiringPrincipal, IssuingAccount: new("arn:aws:iam::" + c.Account + ":root"), Operations: in.Operations, Constraints: in.Constraints,
	}}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if in.Name != nil { // the same request again finds the grant it made
			list, err := grants.List(tx, k.Account, k.Region, k.ID)
			if err != nil {
				return err
			}
			for _, old := range list {
				if text(old.Shape.Name) == *in.Name && *old.Shape.GranteePrincipal == *in.GranteePrincipal && slices.Equal(old.Shape.Operations, in.Operations) {
					g = old
					return nil
				}
			}
		}
		return grants.Put(tx, g, k.Account, k.Region, k.ID, *g.Shape.GrantId)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGrantOutput{GrantToken: &g.Token, GrantId: g.Shape.GrantId}, nil
}

// grantsWhere lists grants below a prefix of their keys.
func (s *Service) grantsWhere(ctx context.Context, wanted func(*grant) bool, prefix ...string) (all []grant, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := grants.List(tx, prefix...)
		for i := range list {
			if wanted(&list[i]) {
				all = append(all, list[i])
			}
		}
		return err
	})
	slices.SortFunc(all, func(a, b grant) int { return strings.Compare(*a.Shape.GrantId, *b.Shape.GrantId) })
	return all, err
}

func shownGrants(all []grant, marker *string, limit *int64) (entries []api.GrantListEntry, next *string, truncated *bool, err error) {
	some, next, truncated, err := page(all, func(g *grant) string { return *g.Shape.GrantId }, marker, limit, 50)
	entries = []api.GrantListEntry{}
	for _, g := range some {
		entries = append(entries, g.Shape)
	}
	return entries, next, truncated, err
}

func (s *Service) listGrants(ctx context.Context, in *api.ListGrantsInput) (*api.ListGrantsOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	all, err := s.grantsWhere(ctx, func(g *grant) bool {
		return (in.GrantId == nil || *in.GrantId == *g.Shape.GrantId) && (in.GranteePrincipal == nil || *in.GranteePrincipal == *g.Shape.GranteePrincipal)
	}, k.Account, k.Region, k.ID)
	if err != nil {
		return nil, err
	}
	out := &api.ListGrantsOutput{}
	if out.Grants, out.NextMarker, out.Truncated, err = shownGrants(all, in.Marker, in.Limit); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) listRetirableGrants(ctx context.Context, in *api.ListRetirableGrantsInput) (*api.ListRetirableGrantsOutput, error) {
	c := bus.From(ctx)
	all, err := s.grantsWhere(ctx, func(g *grant) bool { return text(g.Shape.RetiringPrincipal) == *in.RetiringPrincipal }, c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	out := &api.ListRetirableGrantsOutput{}
	if out.Grants, out.NextMarker, out.Truncated, err = shownGrants(all, in.Marker, in.Limit); err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) removeGrant(ctx context.Context, keyID, id string) error {
	k, err := s.look(ctx, keyID)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		ok, err := grants.Delete(tx, k.Account, k.Region, k.ID, id)
		if err == nil && !ok {
			err = api.NotFoundException("Grant ID %s not found", id)
		}
		return err
	})
}

func (s *Service) revokeGrant(ctx context.Context, in *api.RevokeGrantInput) (*api.RevokeGrantOutput, error) {
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	if err := s.removeGrant(ctx, *in.KeyId, *in.GrantId); err != nil {
		return nil, err
	}
	return &api.RevokeGrantOutput{}, nil
}

func (s *Service) retireGrant(ctx context.Context, in *api.RetireGrantInput) (*api.RetireGrantOutput, error) {
	keyID, id := text(in.KeyId), text(in.GrantId)
	if in.GrantToken != nil {
		c := bus.From(ctx)
		all, err := s.grantsWhere(ctx, func(g *grant) bool { return g.Token == *in.GrantToken }, c.Account, c.Region)
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			return nil, api.InvalidGrantTokenException("The grant token is not valid.")
		}
		keyID, id = *all[0].Shape.KeyId, *all[0].Shape.GrantId
	}
	switch {
	case keyID == "" || id == "":
		return nil, invalid("To identify the grant to retire, use a grant token or both the grant ID and a key identifier (key ID or key ARN) of the KMS key.")
	case yes(in.DryRun):
		return nil, dryRun()
	}
	if err := s.removeGrant(ctx, keyID, id); err != nil {
		return nil, err
	}
	return &api.RetireGrantOutput{}, nil
}

func dryRun() *awserr.Error {
	return api.DryRunOperationException("The request would have succeeded, but the DryRun option is set.")
}
