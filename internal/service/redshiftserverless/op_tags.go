package redshiftserverless

import (
	"context"
	"slices"

	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const maxTags = 200

// checkTags refuses tags that only CloudFormation sets.
func checkTags(c bus.Caller, tags []api.Tag) error {
	for _, t := range tags {
		if c.ReservedTag(*t.Key) {
			return invalid(bus.ReservedTags)
		}
	}
	if len(tags) > maxTags {
		return api.TooManyTagsException("The request exceeds the limit of %d tags.", maxTags)
	}
	return nil
}

// tagged finds the tags of what an ARN names, and what keeps them.
func tagged(tx *store.Tx, c bus.Caller, arn string) (tags *[]api.Tag, put func() error, err error) {
	all, err := namespaces.List(tx, c.Account, c.Region)
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		if all[i].arn() == arn {
			return &all[i].Tags, func() error { return all[i].put(tx) }, nil
		}
	}
	groups, err := workgroups.List(tx, c.Account, c.Region)
	if err != nil {
		return nil, nil, err
	}
	for i := range groups {
		if groups[i].arn() == arn {
			return &groups[i].Tags, func() error { return groups[i].put(tx) }, nil
		}
	}
	return nil, nil, noResource(arn)
}

func (s *Service) retag(ctx context.Context, arn string, f func([]api.Tag) []api.Tag) error {
	c := bus.From(ctx)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		tags, put, err := tagged(tx, c, arn)
		if err != nil {
			return err
		}
		if *tags = f(*tags); len(*tags) > maxTags {
			return api.TooManyTagsException("The request exceeds the limit of %d tags.", maxTags)
		}
		return put()
	})
}

// TagResource adds tags, or replaces those of the same key.
func (s *Service) TagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, s.retag(ctx, *in.ResourceArn, func(tags []api.Tag) []api.Tag {
		for _, t := range in.Tags {
			tags = append(without(tags, *t.Key), t)
		}
		return tags
	})
}

func without(tags []api.Tag, keys ...string) []api.Tag {
	return slices.DeleteFunc(tags, func(t api.Tag) bool { return slices.Contains(keys, *t.Key) })
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.retag(ctx, *in.ResourceArn, func(tags []api.Tag) []api.Tag { return without(tags, in.TagKeys...) })
}

// ListTagsForResource lists the tags of a namespace or workgroup.
func (s *Service) ListTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		tags, _, err := tagged(tx, bus.From(ctx), *in.ResourceArn)
		if err == nil {
			out.Tags = append(out.Tags, *tags...)
		}
		return err
	})
}
