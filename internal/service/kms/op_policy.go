package kms

import (
	"context"
	"slices"
	"time"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/store"
)

func (s *Service) putKeyPolicy(ctx context.Context, in *api.PutKeyPolicyInput) (*api.PutKeyPolicyOutput, error) {
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	if err := onlyDefault(in.PolicyName); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		if k.State == api.KeyStatePendingDeletion {
			return k.pending()
		}
		k.Policy = *in.Policy
		return nil
	})
	return &api.PutKeyPolicyOutput{}, err
}

func onlyDefault(name *string) error {
	if name != nil && *name != "default" {
		return api.NotFoundException("No such policy exists")
	}
	return nil
}

func (s *Service) getKeyPolicy(ctx context.Context, in *api.GetKeyPolicyInput) (*api.GetKeyPolicyOutput, error) {
	if err := onlyDefault(in.PolicyName); err != nil {
		return nil, err
	}
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	return &api.GetKeyPolicyOutput{Policy: &k.Policy, PolicyName: new("default")}, nil
}

func (s *Service) listKeyPolicies(ctx context.Context, in *api.ListKeyPoliciesInput) (*api.ListKeyPoliciesOutput, error) {
	if _, err := s.look(ctx, *in.KeyId); err != nil {
		return nil, err
	}
	return &api.ListKeyPoliciesOutput{PolicyNames: []string{"default"}, Truncated: new(false)}, nil
}

// rotatable is nil for keys whose material can be rotated.
func (k *key) rotatable() error {
	if k.Spec != api.KeySpecSymmetricDefault {
		return api.UnsupportedOperationException("%s key usage is %s which is not valid for rotation.", k.arn(), k.Usage)
	}
	return k.usable()
}

func (s *Service) setRotation(ctx context.Context, id string, on bool, period *int64) error {
	_, err := s.change(ctx, id, func(_ *store.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		if on && !k.Rotates {
			k.Rotated = s.Clock.Now()
		}
		k.Rotates, k.Period = on, 365
		if period != nil {
			k.Period = *period
		}
		return nil
	})
	return err
}

func (s *Service) enableKeyRotation(ctx context.Context, in *api.EnableKeyRotationInput) (*api.EnableKeyRotationOutput, error) {
	if err := s.setRotation(ctx, *in.KeyId, true, in.RotationPeriodInDays); err != nil {
		return nil, err
	}
	return &api.EnableKeyRotationOutput{}, nil
}

func (s *Service) disableKeyRotation(ctx context.Context, in *api.DisableKeyRotationInput) (*api.DisableKeyRotationOutput, error) {
	if err := s.setRotation(ctx, *in.KeyId, false, nil); err != nil {
		return nil, err
	}
	return &api.DisableKeyRotationOutput{}, nil
}

func (s *Service) getKeyRotationStatus(ctx context.Context, in *api.GetKeyRotationStatusInput) (*api.GetKeyRotationStatusOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &api.GetKeyRotationStatusOutput{KeyRotationEnabled: &k.Rotates, KeyId: new(k.arn())}
	if k.Rotates {
		out.RotationPeriodInDays = &k.Period
		next := k.due()
		for now := s.Clock.Now(); !next.After(now); { // it is rotated when it is used next
			next = next.Add(time.Duration(k.Period) * 24 * time.Hour)
		}
		out.NextRotationDate = &next
	}
	return out, nil
}

const maxRotations = 10 // on demand, of one key

func (s *Service) rotateKeyOnDemand(ctx context.Context, in *api.RotateKeyOnDemandInput) (*api.RotateKeyOnDemandOutput, error) {
	material, err := s.material(api.KeySpecSymmetricDefault)
	if err != nil {
		return nil, err
	}
	k, err := s.change(ctx, *in.KeyId, func(_ *store.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		if n := len(slices.DeleteFunc(slices.Clone(k.Rotations), func(r rotation) bool { return !r.OnDemand })); n == maxRotations {
			return api.LimitExceededException("%s has been rotated on demand %d times, the most there can be.", k.arn(), maxRotations)
		}
		k.Material, k.Rotations = append(k.Material, material), append(k.Rotations, rotation{s.Clock.Now(), true})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RotateKeyOnDemandOutput{KeyId: new(k.arn())}, nil
}

// rotate gives a key that rotates automatically its new material once that is
// due: when it is used to encrypt.
func (s *Service) rotate(ctx context.Context, k *key) (*key, error) {
	now := s.Clock.Now()
	if !k.Rotates || now.Before(k.due()) {
		return k, nil
	}
	material, err := s.material(api.KeySpecSymmetricDefault)
	if err != nil {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		newer, ok, err := keys.Get(tx, k.Account, k.Region, k.ID)
		if err != nil || !ok || !newer.Rotates || now.Before(newer.due()) {
			return err
		}
		for due := newer.due(); !due.After(now); due = newer.due() {
			newer.Rotated = due
		}
		newer.Material, newer.Rotations = append(newer.Material, material), append(newer.Rotations, rotation{newer.Rotated, false})
		k = &newer
		return k.put(tx)
	})
	return k, err
}

func (s *Service) listKeyRotations(ctx context.Context, in *api.ListKeyRotationsInput) (*api.ListKeyRotationsOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &api.ListKeyRotationsOutput{Rotations: []api.RotationsListEntry{}, Truncated: new(false)}
	for _, r := range k.Rotations {
		kind := api.RotationTypeAutomatic
		if r.OnDemand {
			kind = api.RotationTypeOnDemand
		}
		out.Rotations = append(out.Rotations, api.RotationsListEntry{KeyId: new(k.arn()), RotationDate: &r.At, RotationType: &kind})
	}
	return out, nil
}
