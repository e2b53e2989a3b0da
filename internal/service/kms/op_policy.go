package kms

import (
	"context"
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
	if err != nil {
		return nil, err
	}
	return &api.PutKeyPolicyOutput{}, nil
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
		out.NextRotationDate = new(k.Created.Add(time.Duration(k.Period) * 24 * time.Hour))
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
		if len(k.Rotations) == maxRotations {
			return api.LimitExceededException("%s has been rotated on demand %d times, the most there can be.", k.arn(), maxRotations)
		}
		k.Material, k.Rotations = append(k.Material, material), append(k.Rotations, s.Clock.Now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RotateKeyOnDemandOutput{KeyId: new(k.arn())}, nil
}

func (s *Service) listKeyRotations(ctx context.Context, in *api.ListKeyRotationsInput) (*api.ListKeyRotationsOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &api.ListKeyRotationsOutput{Rotations: []api.RotationsListEntry{}, Truncated: new(false)}
	for i := range k.Rotations {
		out.Rotations = append(out.Rotations, api.RotationsListEntry{KeyId: new(k.arn()), RotationDate: &k.Rotations[i], RotationType: new(api.RotationTypeOnDemand)})
	}
	return out, nil
}
