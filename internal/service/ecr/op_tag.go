package ecr

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ecr"
	"stepwell/internal/bus"
)

const maxTags = 50

func checkTags(c bus.Caller, tags []tag) error {
	for _, t := range tags {
		if c.ReservedTag(*t.Key) {
			return api.InvalidTagParameterException("Tag key '%s' is invalid: it may not begin with 'aws:'.", *t.Key)
		}
	}
	if len(tags) > maxTags {
		return api.TooManyTagsException("A repository can have at most %d tags.", maxTags)
	}
	return nil
}

// named splits the ARN of a repository.
func named(arn string) (registry, name *string, err error) {
	a, ok := bus.ParseARN(arn)
	rest, isRepository := strings.CutPrefix(a.Resource, "repository/")
	if !ok || a.Service != "ecr" || !isRepository {
		return nil, nil, api.InvalidParameterException("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	return &a.Account, &rest, nil
}

func (s *Service) tagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	registry, name, err := named(*in.ResourceArn)
	if err == nil {
		err = checkTags(bus.From(ctx), in.Tags)
	}
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, registry, name, func(r *repository) error {
		r.Tags = bus.MergeTags(r.Tags, in.Tags, func(t *tag) *string { return t.Key })
		return checkTags(bus.Caller{Source: "cloudformation"}, r.Tags)
	})
	return &api.TagResourceOutput{}, err
}

func (s *Service) untagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	registry, name, err := named(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, registry, name, func(r *repository) error {
		r.Tags = slices.DeleteFunc(r.Tags, func(t tag) bool { return slices.Contains(in.TagKeys, *t.Key) })
		return nil
	})
	return &api.UntagResourceOutput{}, err
}

func (s *Service) listTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	registry, name, err := named(*in.ResourceArn)
	if err != nil {
		return nil, err
	}
	r, err := s.look(ctx, registry, name)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: append([]tag{}, r.Tags...)}, nil
}
