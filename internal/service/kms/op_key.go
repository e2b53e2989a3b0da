package kms

import (
	"context"
	"slices"
	"time"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func (s *Service) createKey(ctx context.Context, in *api.CreateKeyInput) (*api.CreateKeyOutput, error) {
	c := bus.From(ctx)
	spec, usage, err := kind(in)
	if err == nil {
		err = checkPolicy(in.Policy)
	}
	if err == nil {
		err = checkTags(c, in.Tags)
	}
	if err != nil {
		return nil, err
	}
	material, err := s.material(spec)
	if err != nil {
		return nil, err
	}
	k := &key{Account: c.Account, Region: c.Region, ID: s.IDs.UUID(), Created: s.Clock.Now(), Description: text(in.Description), Usage: usage, Spec: spec,
		State: api.KeyStateEnabled, Manager: api.KeyManagerTypeCustomer, MultiRegion: yes(in.MultiRegion), Policy: defaultPolicy(c.Account),
		Tags: in.Tags, Material: [][]byte{material}}
	if k.MultiRegion {
		k.ID = "mrk-" + s.IDs.Hex(16)
	}
	if in.Policy != nil {
		k.Policy = *in.Policy
	}
	if err := s.Store.Update(ctx, k.put); err != nil {
		return nil, err
	}
	return &api.CreateKeyOutput{KeyMetadata: k.metadata()}, nil
}

// kind is the spec and the usage of a new key.
func kind(in *api.CreateKeyInput) (spec, usage string, err error) {
	spec, usage = text(in.KeySpec), text(in.KeyUsage)
	if spec == "" {
		spec = text(in.CustomerMasterKeySpec)
	}
	if spec == "" {
		spec = api.KeySpecSymmetricDefault
	}
	able := usages[spec]
	switch {
	case text(in.Origin) != "" && *in.Origin != api.OriginTypeAwsKms:
		return "", "", awserr.NotImplemented("kms:CreateKey with the origin " + *in.Origin)
	case in.CustomKeyStoreId != nil:
		return "", "", awserr.NotImplemented("kms:CreateKey with CustomKeyStoreId")
	case able == nil:
		return "", "", awserr.NotImplemented("kms keys of the spec " + spec)
	case usage == "" && len(able) == 1 && spec == api.KeySpecSymmetricDefault:
		usage = able[0]
	case usage == "":
		return "", "", invalid("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
	case !slices.Contains(able, usage):
		return "", "", invalid("KeyUsage %s is not compatible with KeySpec %s", usage, spec)
	}
	return spec, usage, nil
}

func (k *key) metadata() *api.KeyMetadata {
	m := &api.KeyMetadata{
		AWSAccountId: &k.Account, KeyId: &k.ID, Arn: new(k.arn()), CreationDate: &k.Created, Enabled: new(k.State == api.KeyStateEnabled),
		Description: &k.Description, KeyUsage: &k.Usage, KeyState: &k.State, DeletionDate: k.Deletion, Origin: new(api.OriginTypeAwsKms),
		KeyManager: &k.Manager, CustomerMasterKeySpec: &k.Spec, KeySpec: &k.Spec, MultiRegion: &k.MultiRegion,
	}
	m.EncryptionAlgorithms, m.SigningAlgorithms, m.KeyAgreementAlgorithms, m.MacAlgorithms = k.algorithms()
	if k.MultiRegion {
		m.MultiRegionConfiguration = &api.MultiRegionConfiguration{MultiRegionKeyType: new(api.MultiRegionKeyTypePrimary),
			PrimaryKey: &api.MultiRegionKey{Arn: m.Arn, Region: &k.Region}, ReplicaKeys: []api.MultiRegionKey{}}
	}
	return m
}

func (s *Service) describeKey(ctx context.Context, in *api.DescribeKeyInput) (*api.DescribeKeyOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	return &api.DescribeKeyOutput{KeyMetadata: k.metadata()}, nil
}

func (s *Service) listKeys(ctx context.Context, in *api.ListKeysInput) (*api.ListKeysOutput, error) {
	c := bus.From(ctx)
	var all []key
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = keys.List(tx, c.Account, c.Region)
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(k key) bool { return k.gone(s.Clock.Now()) })
	some, next, truncated, err := page(all, func(k *key) string { return k.ID }, in.Marker, in.Limit, 100)
	if err != nil {
		return nil, err
	}
	out := &api.ListKeysOutput{Keys: []api.KeyListEntry{}, NextMarker: next, Truncated: truncated}
	for i := range some {
		out.Keys = append(out.Keys, api.KeyListEntry{KeyId: &some[i].ID, KeyArn: new(some[i].arn())})
	}
	return out, nil
}

func (s *Service) setState(ctx context.Context, id, state string) error {
	_, err := s.change(ctx, id, func(_ *store.Tx, k *key) error {
		if k.State == api.KeyStatePendingDeletion {
			return k.pending()
		}
		k.State = state
		return nil
	})
	return err
}

func (s *Service) enableKey(ctx context.Context, in *api.EnableKeyInput) (*api.EnableKeyOutput, error) {
	if err := s.setState(ctx, *in.KeyId, api.KeyStateEnabled); err != nil {
		return nil, err
	}
	return &api.EnableKeyOutput{}, nil
}

func (s *Service) disableKey(ctx context.Context, in *api.DisableKeyInput) (*api.DisableKeyOutput, error) {
	if err := s.setState(ctx, *in.KeyId, api.KeyStateDisabled); err != nil {
		return nil, err
	}
	return &api.DisableKeyOutput{}, nil
}

func (s *Service) updateKeyDescription(ctx context.Context, in *api.UpdateKeyDescriptionInput) (*api.UpdateKeyDescriptionOutput, error) {
	_, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		if k.State == api.KeyStatePendingDeletion {
			return k.pending()
		}
		k.Description = *in.Description
		return nil
	})
	return &api.UpdateKeyDescriptionOutput{}, err
}

func (s *Service) scheduleKeyDeletion(ctx context.Context, in *api.ScheduleKeyDeletionInput) (*api.ScheduleKeyDeletionOutput, error) {
	days := int64(30)
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, invalid("PendingWindowInDays must be between 7 and 30, inclusive")
	}
	k, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		if k.State == api.KeyStatePendingDeletion {
			return k.pending()
		}
		k.State, k.Deletion = api.KeyStatePendingDeletion, new(s.Clock.Now().Add(time.Duration(days)*24*time.Hour))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.ScheduleKeyDeletionOutput{KeyId: new(k.arn()), DeletionDate: k.Deletion, KeyState: &k.State, PendingWindowInDays: &days}, nil
}

func (s *Service) cancelKeyDeletion(ctx context.Context, in *api.CancelKeyDeletionInput) (*api.CancelKeyDeletionOutput, error) {
	k, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		if k.State != api.KeyStatePendingDeletion {
			return api.KMSInvalidStateException("%s is not pending deletion.", k.arn())
		}
		k.State, k.Deletion = api.KeyStateDisabled, nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.CancelKeyDeletionOutput{KeyId: new(k.arn())}, nil
}

func checkTags(c bus.Caller, tags []api.Tag) error {
	for _, t := range tags {
		if c.ReservedTag(*t.TagKey) {
			return api.TagException("Tag key may not begin with aws:")
		}
	}
	if len(tags) > 50 {
		return api.LimitExceededException("A KMS key can have at most 50 tags.")
	}
	return nil
}

func (s *Service) tagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		if k.State == api.KeyStatePendingDeletion {
			return k.pending()
		}
		k.Tags = bus.MergeTags(k.Tags, in.Tags, func(t *api.Tag) *string { return t.TagKey })
		return checkTags(bus.Caller{Source: "cloudformation"}, k.Tags)
	})
	return &api.TagResourceOutput{}, err
}

func (s *Service) untagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	_, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		k.Tags = slices.DeleteFunc(k.Tags, func(t api.Tag) bool { return slices.Contains(in.TagKeys, *t.TagKey) })
		return nil
	})
	return &api.UntagResourceOutput{}, err
}

func (s *Service) listResourceTags(ctx context.Context, in *api.ListResourceTagsInput) (*api.ListResourceTagsOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	some, next, err := paging.CutAt(k.Tags, in.Marker, paging.Size(in.Limit, 50))
	return &api.ListResourceTagsOutput{Tags: some, NextMarker: next, Truncated: new(next != nil)}, asMarker(err)
}
