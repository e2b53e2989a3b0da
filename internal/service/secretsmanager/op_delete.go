package secretsmanager

import (
	"context"
	"errors"
	"time"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// DeleteSecret marks a secret for deletion after its recovery window (7 to 30
// days, 30 by default), or removes it at once.
func (s *Service) DeleteSecret(ctx context.Context, in *api.DeleteSecretInput) (*api.DeleteSecretOutput, error) {
	force := in.ForceDeleteWithoutRecovery != nil && *in.ForceDeleteWithoutRecovery
	days := int64(30)
	switch {
	case force && in.RecoveryWindowInDays != nil:
		return nil, api.InvalidParameterException("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case in.RecoveryWindowInDays != nil:
		days = *in.RecoveryWindowInDays
	}
	if days < 7 || days > 30 {
		return nil, api.InvalidParameterException("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	c, now := bus.From(ctx), s.Clock.Now()
	var x *secret
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		x, err = s.get(tx, c, *in.SecretId)
		var missing *awserr.Error
		switch {
		case force && errors.As(err, &missing): // not an error, says the API reference
			p := locate(c, *in.SecretId)
			x = &secret{Name: p.name, ARN: p.arn, Gone: now}
			if x.ARN == "" {
				x.ARN = newARN(c, p.name)
			}
			return nil
		case err != nil:
			return err
		case force:
			x.Gone = now
			return x.remove(tx)
		case !x.Deleted.IsZero():
			return marked()
		}
		x.Deleted, x.Gone = now, now.Add(time.Duration(days)*day)
		return x.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteSecretOutput{ARN: &x.ARN, Name: &x.Name, DeletionDate: &x.Gone}, nil
}

// RestoreSecret takes back a deletion. A secret that is not marked stays as it is.
func (s *Service) RestoreSecret(ctx context.Context, in *api.RestoreSecretInput) (*api.RestoreSecretOutput, error) {
	var x *secret
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if x, err = s.get(tx, bus.From(ctx), *in.SecretId); err != nil {
			return err
		}
		x.Deleted, x.Gone = time.Time{}, time.Time{}
		return x.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.RestoreSecretOutput{ARN: &x.ARN, Name: &x.Name}, nil
}
