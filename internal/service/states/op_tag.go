package states

import (
	"context"
	"slices"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// taggable is a resource with tags: how to read and how to keep them.
type taggable struct {
	tags []api.Tag
	keep func([]api.Tag) error
}

func getTaggable(tx *store.Tx, r resource) (taggable, error) {
	if r.Kind == kindActivity {
		a, ok, err := activities.Get(tx, r.Account, r.Region, r.Name)
		if err != nil {
			return taggable{}, err
		}
		if !ok {
			return taggable{}, noResource(r.ARN)
		}
		return taggable{a.Tags, func(tags []api.Tag) error {
			a.Tags = tags
			return activities.Put(tx, a, r.Account, r.Region, r.Name)
		}}, nil
	}
	m, ok, err := machines.Get(tx, r.Account, r.Region, r.Name)
	if err != nil {
		return taggable{}, err
	}
	if !ok || r.Qualifier != "" {
		return taggable{}, noResource(r.ARN)
	}
	return taggable{m.Tags, func(tags []api.Tag) error {
		m.Tags = tags
		return machines.Put(tx, m, r.Account, r.Region, r.Name)
	}}, nil
}

func (s *Service) tagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, *in.ResourceArn, func(old []api.Tag) ([]api.Tag, *awserr.Error) {
		merged := mergeTags(old, in.Tags)
		return merged, checkTags(bus.From(ctx), *in.ResourceArn, in.Tags, merged)
	})
	return &api.TagResourceOutput{}, err
}

func (s *Service) untagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.retag(ctx, *in.ResourceArn, func(old []api.Tag) ([]api.Tag, *awserr.Error) {
		return slices.DeleteFunc(old, func(t api.Tag) bool { return slices.Contains(in.TagKeys, value(t.Key)) }), nil
	})
	return &api.UntagResourceOutput{}, err
}

func (s *Service) retag(ctx context.Context, arn string, change func([]api.Tag) ([]api.Tag, *awserr.Error)) error {
	r, err := parseARN(ctx, arn, kindMachine, kindActivity)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := getTaggable(tx, r)
		if err != nil {
			return err
		}
		tags, fault := change(t.tags)
		if fault != nil {
			return fault
		}
		return t.keep(tags)
	})
}

func (s *Service) listTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	r, err := parseARN(ctx, *in.ResourceArn, kindMachine, kindActivity)
	if err != nil {
		return nil, err
	}
	return view(ctx, s.Store, func(tx *store.Tx) (*api.ListTagsForResourceOutput, error) {
		t, err := getTaggable(tx, r)
		if err != nil {
			return nil, err
		}
		return &api.ListTagsForResourceOutput{Tags: append([]api.Tag{}, t.tags...)}, nil
	})
}
