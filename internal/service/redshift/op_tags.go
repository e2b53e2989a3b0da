package redshift

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const maxTags = 50

// resource is something with tags.
type resource struct {
	arn, kind string
	tags      []api.Tag
	put       func(tx *store.Tx, tags []api.Tag) error
}

// resources lists what has tags in an account and region.
func (s *Service) resources(tx *store.Tx, c bus.Caller) ([]resource, error) {
	all, err := s.all(tx, c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	var list []resource
	for _, x := range all {
		list = append(list, resource{x.arn(), "cluster", x.Tags, func(tx *store.Tx, tags []api.Tag) error {
			x.Tags = tags
			return x.put(tx)
		}})
	}
	parameterGroups, err := groups.List(tx, c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	for _, g := range parameterGroups {
		list = append(list, resource{c.ARN("redshift", "parametergroup:"+g.Name), "parametergroup", g.Tags, func(tx *store.Tx, tags []api.Tag) error {
			g.Tags = tags
			return groups.Put(tx, g, g.Account, g.Region, g.Name)
		}})
	}
	subnetGroups, err := subnets.List(tx, c.Account, c.Region)
	if err != nil {
		return nil, err
	}
	for _, g := range subnetGroups {
		list = append(list, resource{c.ARN("redshift", "subnetgroup:"+g.Name), "subnetgroup", g.Tags, func(tx *store.Tx, tags []api.Tag) error {
			g.Tags = tags
			return subnets.Put(tx, g, g.Account, g.Region, g.Name)
		}})
	}
	return list, nil
}

// retag changes the tags of the resource with the ARN.
func (s *Service) retag(ctx context.Context, arn string, f func([]api.Tag) []api.Tag) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		list, err := s.resources(tx, bus.From(ctx))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(r resource) bool { return r.arn == arn })
		if i < 0 {
			return api.ResourceNotFoundFault("Resource not found: %s", arn)
		}
		tags := f(slices.Clone(list[i].tags))
		if len(tags) > maxTags {
			return api.TagLimitExceededFault("The number of tags of a resource can't exceed %d.", maxTags)
		}
		return list[i].put(tx, tags)
	})
}

// CreateTags adds tags, or replaces those of the same key.
func (s *Service) CreateTags(ctx context.Context, in *api.CreateTagsInput) (*api.CreateTagsOutput, error) {
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	return &api.CreateTagsOutput{}, s.retag(ctx, *in.ResourceName, func(tags []api.Tag) []api.Tag { return withTags(tags, in.Tags) })
}

// checkTags refuses tags that nobody can set: names that begin with aws: are
// CloudFormation's.
func checkTags(ctx context.Context, tags []api.Tag) error {
	ours := bus.From(ctx).Source == "cloudformation"
	for _, t := range tags {
		if key := text(t.Key); key == "" || !ours && strings.HasPrefix(key, "aws:") {
			return api.InvalidTagFault("Invalid tag key: %s", key)
		}
	}
	return checkBinding(tags)
}

// withTags adds tags to others, replacing those of the same key.
func withTags(tags, added []api.Tag) []api.Tag {
	for _, t := range added {
		tags = slices.DeleteFunc(tags, func(old api.Tag) bool { return text(old.Key) == text(t.Key) })
		tags = append(tags, t)
	}
	return tags
}

// DeleteTags removes tags.
func (s *Service) DeleteTags(ctx context.Context, in *api.DeleteTagsInput) (*api.DeleteTagsOutput, error) {
	return &api.DeleteTagsOutput{}, s.retag(ctx, *in.ResourceName, func(tags []api.Tag) []api.Tag {
		return slices.DeleteFunc(tags, func(old api.Tag) bool { return slices.Contains(in.TagKeys, text(old.Key)) })
	})
}

// DescribeTags lists tags with what they are on.
func (s *Service) DescribeTags(ctx context.Context, in *api.DescribeTagsInput) (*api.DescribeTagsOutput, error) {
	if in.ResourceName != nil && in.ResourceType != nil {
		return nil, badCombination("ResourceName and ResourceType can't both be specified.")
	}
	out := &api.DescribeTagsOutput{TaggedResources: []api.TaggedResource{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, err := s.resources(tx, bus.From(ctx))
		if err != nil {
			return err
		}
		var all []api.TaggedResource
		for _, r := range list {
			if in.ResourceName != nil && *in.ResourceName != r.arn || in.ResourceType != nil && *in.ResourceType != r.kind {
				continue
			}
			for _, t := range r.tags {
				if tagged([]api.Tag{t}, in.TagKeys, in.TagValues) {
					all = append(all, api.TaggedResource{Tag: new(t), ResourceName: &r.arn, ResourceType: &r.kind})
				}
			}
		}
		key := func(t *api.TaggedResource) string { return *t.ResourceName + " " + text(t.Tag.Key) }
		shown, next, err := paged(all, key, in.Marker, in.MaxRecords)
		out.TaggedResources, out.Marker = append(out.TaggedResources, shown...), next
		return err
	})
}
