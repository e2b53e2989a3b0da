package ssm

import (
	"context"
	"slices"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const maxTags = 50

// checkTags refuses what only AWS's own services may set.
func checkTags(c bus.Caller, tags []api.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		if c.ReservedTag(*t.Key) {
			return invalid(bus.ReservedTags)
		}
		if seen[*t.Key] {
			return invalid("Duplicate tag keys found: %s", *t.Key)
		}
		seen[*t.Key] = true
	}
	return nil
}

func checkResource(kind string) error {
	if kind != api.ResourceTypeForTaggingParameter {
		return awserr.NotImplemented("ssm tags of the resource type " + kind)
	}
	return nil
}

func noResource(name string) *awserr.Error {
	return api.InvalidResourceId("The resource ID %q is not valid. Verify the ID and try again.", name)
}

func (s *Service) addTagsToResource(ctx context.Context, in *api.AddTagsToResourceInput) (*api.AddTagsToResourceOutput, error) {
	if err := checkResource(*in.ResourceType); err != nil {
		return nil, err
	}
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	err := s.change(ctx, *in.ResourceId, noResource(*in.ResourceId), func(_ *store.Tx, p *parameter) error {
		p.Tags = bus.MergeTags(p.Tags, in.Tags, func(t *api.Tag) *string { return t.Key })
		if len(p.Tags) > maxTags {
			return api.TooManyTagsError("The Targets parameter includes too many tags. Remove one or more tags and try the command again.")
		}
		return nil
	})
	return &api.AddTagsToResourceOutput{}, err
}

func (s *Service) removeTagsFromResource(ctx context.Context, in *api.RemoveTagsFromResourceInput) (*api.RemoveTagsFromResourceOutput, error) {
	if err := checkResource(*in.ResourceType); err != nil {
		return nil, err
	}
	err := s.change(ctx, *in.ResourceId, noResource(*in.ResourceId), func(_ *store.Tx, p *parameter) error {
		p.Tags = slices.DeleteFunc(p.Tags, func(t api.Tag) bool { return slices.Contains(in.TagKeys, *t.Key) })
		return nil
	})
	return &api.RemoveTagsFromResourceOutput{}, err
}

func (s *Service) listTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	if err := checkResource(*in.ResourceType); err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{TagList: []api.Tag{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		p, err := find(tx, bus.From(ctx), *in.ResourceId)
		if awserr.From(err) != nil {
			return noResource(*in.ResourceId)
		}
		if err == nil {
			out.TagList = append(out.TagList, p.Tags...)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
