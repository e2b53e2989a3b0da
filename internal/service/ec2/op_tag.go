package ec2

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// tagged is a kind as the tag operations see it.
type tagged interface {
	owns(id string) bool
	retag(tx *store.Tx, c bus.Caller, id string, change func([]api.Tag) []api.Tag) error
	described(tx *store.Tx, c bus.Caller) ([]api.TagDescription, error)
}

func (k kind[T]) owns(id string) bool { return strings.HasPrefix(id, k.prefix) }

func (k kind[T]) retag(tx *store.Tx, c bus.Caller, id string, change func([]api.Tag) []api.Tag) error {
	v, err := k.get(tx, c, id)
	if err != nil {
		return err
	}
	tags := k.tags(&v)
	*tags = change(*tags)
	if err := checkTags(bus.Caller{Source: "cloudformation"}, *tags); err != nil {
		return err
	}
	return k.put(tx, c, v)
}

func (k kind[T]) described(tx *store.Tx, c bus.Caller) (all []api.TagDescription, err error) {
	list, err := k.list(tx, c, nil)
	for i := range list {
		for _, t := range *k.tags(&list[i]) {
			all = append(all, api.TagDescription{Key: t.Key, Value: t.Value, ResourceId: k.id(&list[i]), ResourceType: &k.name})
		}
	}
	return all, err
}

// kinds are those that have tags, by the prefixes of their ids.
func (s *Service) kinds() []tagged {
	return []tagged{s.vpcs, s.subnets, s.gateways, s.nats, s.addresses, s.tables, s.groups, s.endpoints, s.acls, s.options, s.interfaces, ruleTags{s}}
}

// ruleTags are the tags of the rules of security groups.
type ruleTags struct{ s *Service }

func (ruleTags) owns(id string) bool { return strings.HasPrefix(id, "sgr-") }

func (r ruleTags) retag(tx *store.Tx, c bus.Caller, id string, change func([]api.Tag) []api.Tag) error {
	groups, err := r.s.groups.list(tx, c, nil)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if i := slices.IndexFunc(g.Rules, func(x api.SecurityGroupRule) bool { return *x.SecurityGroupRuleId == id }); i >= 0 {
			g.Rules[i].Tags = change(g.Rules[i].Tags)
			return r.s.groups.put(tx, c, g)
		}
	}
	return noRule(id)
}

func (r ruleTags) described(tx *store.Tx, c bus.Caller) (all []api.TagDescription, err error) {
	groups, err := r.s.groups.list(tx, c, nil)
	for _, g := range groups {
		for _, x := range g.Rules {
			for _, t := range x.Tags {
				all = append(all, api.TagDescription{Key: t.Key, Value: t.Value, ResourceId: x.SecurityGroupRuleId, ResourceType: new("security-group-rule")})
			}
		}
	}
	return all, err
}

func (s *Service) retagAll(ctx context.Context, ids []string, change func([]api.Tag) []api.Tag) error {
	return s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		for _, id := range ids {
			i := slices.IndexFunc(s.kinds(), func(k tagged) bool { return k.owns(id) })
			if i < 0 {
				return awserr.New(400, "InvalidID", "The ID '%s' is not valid", id)
			}
			if err := s.kinds()[i].retag(tx, c, id, change); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) createTags(ctx context.Context, in *api.CreateTagsInput) (*api.CreateTagsOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	err := s.retagAll(ctx, in.Resources, func(tags []api.Tag) []api.Tag {
		for _, t := range in.Tags {
			if t.Value == nil {
				t.Value = new("")
			}
			if i := slices.IndexFunc(tags, func(o api.Tag) bool { return text(o.Key) == text(t.Key) }); i >= 0 {
				tags[i] = t
			} else {
				tags = append(tags, t)
			}
		}
		return tags
	})
	return &api.CreateTagsOutput{}, err
}

// deleteTags removes tags by key, or by key and value where one is given; all of
// the user's own where none are named.
func (s *Service) deleteTags(ctx context.Context, in *api.DeleteTagsInput) (*api.DeleteTagsOutput, error) {
	err := s.retagAll(ctx, in.Resources, func(tags []api.Tag) []api.Tag {
		return slices.DeleteFunc(tags, func(o api.Tag) bool {
			if len(in.Tags) == 0 {
				return !strings.HasPrefix(text(o.Key), "aws:")
			}
			return slices.ContainsFunc(in.Tags, func(t api.Tag) bool {
				return text(o.Key) == text(t.Key) && (t.Value == nil || *t.Value == text(o.Value))
			})
		})
	})
	return &api.DeleteTagsOutput{}, err
}

func (s *Service) describeTags(ctx context.Context, in *api.DescribeTagsInput) (*api.DescribeTagsOutput, error) {
	var all []api.TagDescription
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		for _, k := range s.kinds() {
			some, err := k.described(tx, bus.From(ctx))
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tags := kind[api.TagDescription]{filters: map[string]func(*api.TagDescription) []string{
		"key": func(t *api.TagDescription) []string { return one(t.Key) }, "value": func(t *api.TagDescription) []string { return one(t.Value) },
		"resource-id": func(t *api.TagDescription) []string { return one(t.ResourceId) }, "resource-type": func(t *api.TagDescription) []string { return one(t.ResourceType) },
	}}
	for _, f := range in.Filters {
		has := tags.filters[text(f.Name)]
		if has == nil {
			return nil, invalid("The filter '%s' is invalid", text(f.Name))
		}
		all = slices.DeleteFunc(all, func(t api.TagDescription) bool { return !matches(has(&t), f.Values) })
	}
	key := func(t *api.TagDescription) string { return *t.ResourceId + "\x1f" + *t.Key }
	slices.SortFunc(all, func(a, b api.TagDescription) int { return strings.Compare(key(&a), key(&b)) })
	page, next, err := cut(all, key, in.NextToken, in.MaxResults)
	return &api.DescribeTagsOutput{Tags: page, NextToken: next}, err
}

func (s *Service) describeNetworkAcls(ctx context.Context, in *api.DescribeNetworkAclsInput) (*api.DescribeNetworkAclsOutput, error) {
	page, next, err := s.acls.describe(ctx, s, in.NetworkAclIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeNetworkAclsOutput{NetworkAcls: page, NextToken: next}, err
}

func (s *Service) describeDhcpOptions(ctx context.Context, in *api.DescribeDhcpOptionsInput) (*api.DescribeDhcpOptionsOutput, error) {
	page, next, err := s.options.describe(ctx, s, in.DhcpOptionsIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeDhcpOptionsOutput{DhcpOptions: page, NextToken: next}, err
}

func (s *Service) describeNetworkInterfaces(ctx context.Context, in *api.DescribeNetworkInterfacesInput) (*api.DescribeNetworkInterfacesOutput, error) {
	page, next, err := s.interfaces.describe(ctx, s, in.NetworkInterfaceIds, in.Filters, in.NextToken, in.MaxResults)
	return &api.DescribeNetworkInterfacesOutput{NetworkInterfaces: page, NextToken: next}, err
}
