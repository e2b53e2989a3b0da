package secretsmanager

import (
	"context"
	"slices"
	"time"

	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// GetSecretValue returns the value of a version: AWSCURRENT where the request
// names none.
func (s *Service) GetSecretValue(ctx context.Context, in *api.GetSecretValueInput) (*api.GetSecretValueOutput, error) {
	var out *api.GetSecretValueOutput
	var x *secret
	var id string
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if x, err = s.living(tx, bus.From(ctx), *in.SecretId); err != nil {
			return err
		}
		if id, err = x.choose(in.VersionId, in.VersionStage); err != nil {
			return err
		}
		out, err = s.read(tx, x, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, s.touch(ctx, x, id)
}

// choose finds the version a request means.
func (x *secret) choose(id, stage *string) (string, error) {
	if id == nil {
		label := current
		if stage != nil {
			label = *stage
		}
		if found := x.staged(label); found != "" {
			return found, nil
		}
		return "", noStage(label)
	}
	v, ok := x.Versions[*id]
	if !ok {
		return "", noVersion(*id)
	}
	if stage != nil && !slices.Contains(v.Stages, *stage) {
		return "", api.InvalidRequestException("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	return *id, nil
}

func (s *Service) read(tx *store.Tx, x *secret, id string) (*api.GetSecretValueOutput, error) {
	plain, binary, err := s.open(tx, x, id)
	if err != nil {
		return nil, err
	}
	v := x.Versions[id]
	out := &api.GetSecretValueOutput{ARN: &x.ARN, Name: &x.Name, VersionId: &id, VersionStages: v.Stages, CreatedDate: &v.Created}
	if binary {
		out.SecretBinary = plain
	} else {
		out.SecretString = new(string(plain))
	}
	return out, nil
}

// touch records the day of an access.
func (s *Service) touch(ctx context.Context, x *secret, id string) error {
	today := s.Clock.Now().Truncate(day)
	if x.Accessed.Equal(today) && x.Versions[id].Accessed.Equal(today) {
		return nil
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		x, ok, err := secrets.Get(tx, x.Account, x.Region, x.Name)
		if err != nil || !ok {
			return err
		}
		x.Accessed = today
		if v, ok := x.Versions[id]; ok {
			v.Accessed = today
			x.Versions[id] = v
		}
		return x.put(tx)
	})
}

// BatchGetSecretValue returns the current values of the secrets named or
// matched. Secrets that cannot be read are listed as errors.
func (s *Service) BatchGetSecretValue(ctx context.Context, in *api.BatchGetSecretValueInput) (*api.BatchGetSecretValueOutput, error) {
	if (len(in.SecretIdList) > 0) == (len(in.Filters) > 0) {
		return nil, api.InvalidParameterException("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
	}
	if len(in.SecretIdList) > 0 && in.MaxResults != nil {
		return nil, api.InvalidParameterException("'MaxResults' can't be used with 'SecretIdList'.")
	}
	ids, next := in.SecretIdList, (*string)(nil)
	if len(in.Filters) > 0 {
		size := in.MaxResults
		if size == nil {
			size = new(int64(20))
		}
		found, err := s.ListSecrets(ctx, &api.ListSecretsInput{Filters: in.Filters, NextToken: in.NextToken, MaxResults: size})
		if err != nil {
			return nil, err
		}
		next = found.NextToken
		for _, e := range found.SecretList {
			ids = append(ids, *e.ARN)
		}
	}
	out := &api.BatchGetSecretValueOutput{SecretValues: []api.SecretValueEntry{}, Errors: []api.APIErrorType{}, NextToken: next}
	for _, id := range ids {
		v, err := s.GetSecretValue(ctx, &api.GetSecretValueInput{SecretId: &id})
		if e := awserr.From(err); e != nil {
			out.Errors = append(out.Errors, api.APIErrorType{SecretId: new(id), ErrorCode: &e.Code, Message: &e.Message})
		} else if err != nil {
			return nil, err
		} else {
			out.SecretValues = append(out.SecretValues, api.SecretValueEntry(*v))
		}
	}
	return out, nil
}

// DescribeSecret tells all of a secret but its values; also of one that is
// marked for deletion.
func (s *Service) DescribeSecret(ctx context.Context, in *api.DescribeSecretInput) (*api.DescribeSecretOutput, error) {
	x, err := s.look(ctx, *in.SecretId)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeSecretOutput{
		ARN: &x.ARN, Name: &x.Name, Description: x.Description, KmsKeyId: x.KmsKeyID, Type: x.Type, Tags: x.Tags,
		CreatedDate: &x.Created, LastChangedDate: &x.Changed, LastAccessedDate: when(x.Accessed), DeletedDate: when(x.Deleted),
		VersionIdsToStages: x.stages(),
	}
	if r := x.Rotation; r != nil {
		out.RotationEnabled, out.RotationLambdaARN, out.RotationRules = &r.Enabled, &r.Lambda, r.Rules
		out.LastRotatedDate, out.NextRotationDate = when(r.Last), when(r.Next)
	}
	return out, nil
}

// look reads a secret, marked for deletion or not.
func (s *Service) look(ctx context.Context, id string) (x *secret, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		x, err = s.get(tx, bus.From(ctx), id)
		return err
	})
	return x, err
}

// when is nil for no time.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// stages maps the versions that carry labels to them.
func (x *secret) stages() map[string][]string {
	m := map[string][]string{}
	for id, v := range x.Versions {
		if len(v.Stages) > 0 {
			m[id] = v.Stages
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}
