package lambda

import (
	"context"
	"strconv"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/store"
)

// publish makes a version of what $LATEST is. Where nothing has changed since
// the last version, that one is the answer.
func (s *Service) publish(tx *store.Tx, to ref, f *function, description *string) (*function, error) {
	set, _, err := settings.Get(tx, to.key(to.Name)...)
	if err != nil {
		return nil, err
	}
	if set.Versions > 0 {
		last, there, err := functions.Get(tx, to.key(to.Name, versionKey(strconv.FormatInt(set.Versions, 10)))...)
		if err != nil {
			return nil, err
		}
		if there && last.Of == *f.Config.RevisionId {
			return &last, nil
		}
	}
	set.Versions++
	v := *f
	version := strconv.FormatInt(set.Versions, 10)
	v.Of, v.Config.Version, v.Config.FunctionArn = *f.Config.RevisionId, &version, new(to.unqualified()+":"+version)
	prefer(&v.Config.Description, description)
	v.Config.RevisionId = new(s.IDs.UUID())
	if err := settings.Put(tx, set, to.key(to.Name)...); err != nil {
		return nil, err
	}
	if err := functions.Put(tx, v, to.key(to.Name, versionKey(version))...); err != nil {
		return nil, err
	}
	if value(v.Config.State) == api.StateActive && value(v.Config.LastUpdateStatus) == api.LastUpdateStatusSuccessful {
		return &v, nil
	}
	return &v, s.submitPreparation(tx, to.scope, &v)
}

func (s *Service) publishVersion(ctx context.Context, r *api.PublishVersionInput) (*api.PublishVersionOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	to.Qualifier = ""
	var v *function
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		f, err := find(tx, to, nil)
		switch {
		case err != nil:
			return err
		case r.RevisionId != nil && *r.RevisionId != *f.Config.RevisionId:
			return revisionChanged()
		case r.CodeSha256 != nil && *r.CodeSha256 != "" && *r.CodeSha256 != *f.Config.CodeSha256:
			return invalid("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", *r.CodeSha256, *f.Config.CodeSha256)
		}
		v, err = s.publish(tx, to, f, r.Description)
		return err
	})
	if err != nil {
		return nil, err
	}
	c, err := s.configuration(v)
	return (*api.PublishVersionOutput)(c), err
}

func (s *Service) listVersionsByFunction(ctx context.Context, r *api.ListVersionsByFunctionInput) (*api.ListVersionsByFunctionOutput, error) {
	to, err := refer(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	to.Qualifier = ""
	out := &api.ListVersionsByFunctionOutput{Versions: []api.FunctionConfiguration{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		list, next, err := page(tx, functions, r.Marker, r.MaxItems, 50, to.key(to.Name)...)
		if err != nil {
			return err
		}
		out.NextMarker = next
		for i := range list {
			c, err := s.configuration(&list[i])
			if err != nil {
				return err
			}
			c.FunctionArn = new(*c.FunctionArn + suffix(*c))
			out.Versions = append(out.Versions, *c)
		}
		return nil
	})
}
