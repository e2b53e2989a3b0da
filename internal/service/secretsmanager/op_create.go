package secretsmanager

import (
	"context"
	"regexp"
	"slices"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]+$`)

// CreateSecret makes a secret and, where a value is given, its first version.
func (s *Service) CreateSecret(ctx context.Context, in *api.CreateSecretInput) (*api.CreateSecretOutput, error) {
	switch {
	case !namePattern.MatchString(*in.Name):
		return nil, badName()
	case in.SecretString != nil && in.SecretBinary != nil:
		return nil, bothValues()
	case len(in.AddReplicaRegions) > 0:
		return nil, awserr.NotImplemented("secretsmanager:CreateSecret with AddReplicaRegions")
	}
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	token := s.token(in.ClientRequestToken)
	hasValue := in.SecretString != nil || in.SecretBinary != nil
	var x *secret
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		x, err = s.vacant(tx, bus.From(ctx), *in.Name, token)
		if err != nil {
			return err
		}
		if x.Created.IsZero() {
			x.Created = s.Clock.Now()
			x.Changed = x.Created
			x.Description, x.KmsKeyID, x.Type, x.Tags = in.Description, in.KmsKeyId, in.Type, in.Tags
		}
		if hasValue {
			if err := s.add(tx, x, token, in.SecretString, in.SecretBinary, nil); err != nil {
				return err
			}
		}
		return x.put(tx)
	})
	if err != nil {
		return nil, err
	}
	out := &api.CreateSecretOutput{ARN: &x.ARN, Name: &x.Name}
	if hasValue {
		out.VersionId = &token
	}
	return out, nil
}

// vacant returns a new secret, or the one that an earlier request with the
// token made.
func (s *Service) vacant(tx *store.Tx, c bus.Caller, name, token string) (*secret, error) {
	old, ok, err := secrets.Get(tx, c.Account, c.Region, name)
	if err != nil {
		return nil, err
	}
	if ok && !old.gone(s.Clock.Now()) {
		_, repeated := old.Versions[token]
		switch {
		case !old.Deleted.IsZero():
			return nil, deletedName()
		case !repeated:
			return nil, exists(name)
		}
		return &old, nil
	}
	if ok {
		if err := old.remove(tx); err != nil {
			return nil, err
		}
	}
	return &secret{ARN: newARN(c, name), Name: name, Account: c.Account, Region: c.Region}, nil
}

// token is the id of the version a request makes.
func (s *Service) token(given *string) string {
	if given != nil {
		return *given
	}
	return s.IDs.UUID()
}

// PutSecretValue makes a version with staging labels.
func (s *Service) PutSecretValue(ctx context.Context, in *api.PutSecretValueInput) (*api.PutSecretValueOutput, error) {
	switch {
	case in.SecretString != nil && in.SecretBinary != nil:
		return nil, bothValues()
	case in.SecretString == nil && in.SecretBinary == nil:
		return nil, noValue()
	}
	token := s.token(in.ClientRequestToken)
	x, err := s.change(ctx, *in.SecretId, func(tx *store.Tx, x *secret) error {
		return s.add(tx, x, token, in.SecretString, in.SecretBinary, in.VersionStages)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutSecretValueOutput{ARN: &x.ARN, Name: &x.Name, VersionId: &token, VersionStages: x.Versions[token].Stages}, nil
}

// UpdateSecret changes the description and key, and makes a version where a
// value is given.
func (s *Service) UpdateSecret(ctx context.Context, in *api.UpdateSecretInput) (*api.UpdateSecretOutput, error) {
	if in.SecretString != nil && in.SecretBinary != nil {
		return nil, bothValues()
	}
	token := s.token(in.ClientRequestToken)
	hasValue := in.SecretString != nil || in.SecretBinary != nil
	x, err := s.change(ctx, *in.SecretId, func(tx *store.Tx, x *secret) error {
		for _, m := range []struct{ kept, given **string }{{&x.Description, &in.Description}, {&x.KmsKeyID, &in.KmsKeyId}, {&x.Type, &in.Type}} {
			if *m.given != nil {
				*m.kept = *m.given
			}
		}
		x.Changed = s.Clock.Now()
		if !hasValue {
			return nil
		}
		return s.add(tx, x, token, in.SecretString, in.SecretBinary, nil)
	})
	if err != nil {
		return nil, err
	}
	out := &api.UpdateSecretOutput{ARN: &x.ARN, Name: &x.Name}
	if hasValue {
		out.VersionId = &token
	}
	return out, nil
}

// UpdateSecretVersionStage moves a staging label between versions.
func (s *Service) UpdateSecretVersionStage(ctx context.Context, in *api.UpdateSecretVersionStageInput) (*api.UpdateSecretVersionStageOutput, error) {
	label := *in.VersionStage
	x, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *secret) error {
		holder := x.staged(label)
		if in.RemoveFromVersionId != nil {
			if _, ok := x.Versions[*in.RemoveFromVersionId]; !ok {
				return noVersion(*in.RemoveFromVersionId)
			}
			if holder != *in.RemoveFromVersionId {
				return api.InvalidParameterException("The parameter RemoveFromVersionId can't be %s because staging label %s is not attached to it.", *in.RemoveFromVersionId, label)
			}
		}
		if in.MoveToVersionId == nil {
			return x.unstage(label, in.RemoveFromVersionId)
		}
		target := *in.MoveToVersionId
		if _, ok := x.Versions[target]; !ok {
			return noVersion(target)
		}
		if holder != "" && holder != target && in.RemoveFromVersionId == nil {
			return api.InvalidParameterException("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", label, holder)
		}
		x.move(target, label)
		x.Changed = s.Clock.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateSecretVersionStageOutput{ARN: &x.ARN, Name: &x.Name}, nil
}

func (x *secret) unstage(label string, from *string) error {
	switch {
	case from == nil:
		return api.InvalidParameterException("You must specify RemoveFromVersionId or MoveToVersionId.")
	case label == current:
		return api.InvalidParameterException("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	}
	x.detach(*from, label)
	return nil
}

// checkTags refuses names of tags that only CloudFormation gives.
func checkTags(ctx context.Context, tags []api.Tag) error {
	for _, t := range tags {
		if bus.From(ctx).ReservedTag(text(t.Key)) {
			return api.InvalidParameterException(bus.ReservedTags)
		}
	}
	return nil
}

// TagResource adds tags, or replaces those of the same key.
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	_, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *secret) error {
		for _, t := range in.Tags {
			x.untag([]string{text(t.Key)})
			x.Tags = append(x.Tags, t)
		}
		if len(x.Tags) > 50 {
			return api.LimitExceededException("The request failed because it would exceed one of the Secrets Manager quotas: 50 tags.")
		}
		return nil
	})
	return &api.TagResourceOutput{}, err
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	_, err := s.change(ctx, *in.SecretId, func(_ *store.Tx, x *secret) error {
		x.untag(in.TagKeys)
		return nil
	})
	return &api.UntagResourceOutput{}, err
}

func (x *secret) untag(keys []string) {
	x.Tags = slices.DeleteFunc(x.Tags, func(t api.Tag) bool { return slices.Contains(keys, text(t.Key)) })
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
