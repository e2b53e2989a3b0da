package logs

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func retentionSet() string {
	var b strings.Builder
	for i, days := range retentions {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.FormatInt(days, 10))
	}
	return "[" + b.String() + "]"
}

// checkTags refuses tags that only AWS gives.
func checkTags(c bus.Caller, tags map[string]string) error {
	for key := range tags {
		if c.ReservedTag(key) {
			return logs.InvalidParameterException(bus.ReservedTags)
		}
	}
	return nil
}

func (s *Service) tag(ctx context.Context, name string, tags map[string]string) error {
	if err := checkTags(bus.From(ctx), tags); err != nil {
		return err
	}
	return s.changeGroup(ctx, name, func(g *group) error {
		if g.Tags == nil {
			g.Tags = map[string]string{}
		}
		maps.Copy(g.Tags, tags)
		if len(g.Tags) > 50 {
			return logs.TooManyTagsException("The resource has too many tags.")
		}
		return nil
	})
}

func (s *Service) untag(ctx context.Context, name string, keys []string) error {
	return s.changeGroup(ctx, name, func(g *group) error {
		for _, k := range keys {
			delete(g.Tags, k)
		}
		return nil
	})
}

func (s *Service) tags(ctx context.Context, name string) (map[string]string, error) {
	var g group
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		g, err = findGroup(tx, bus.From(ctx), name)
		return err
	})
	if g.Tags == nil {
		g.Tags = map[string]string{}
	}
	return g.Tags, err
}

func (s *Service) tagLogGroup(ctx context.Context, in *logs.TagLogGroupInput) (*logs.TagLogGroupOutput, error) {
	if err := s.tag(ctx, *in.LogGroupName, in.Tags); err != nil {
		return nil, err
	}
	return &logs.TagLogGroupOutput{}, nil
}

func (s *Service) untagLogGroup(ctx context.Context, in *logs.UntagLogGroupInput) (*logs.UntagLogGroupOutput, error) {
	if err := s.untag(ctx, *in.LogGroupName, in.Tags); err != nil {
		return nil, err
	}
	return &logs.UntagLogGroupOutput{}, nil
}

func (s *Service) listTagsLogGroup(ctx context.Context, in *logs.ListTagsLogGroupInput) (*logs.ListTagsLogGroupOutput, error) {
	tags, err := s.tags(ctx, *in.LogGroupName)
	return &logs.ListTagsLogGroupOutput{Tags: tags}, err
}

func (s *Service) tagResource(ctx context.Context, in *logs.TagResourceInput) (*logs.TagResourceOutput, error) {
	if err := s.tag(ctx, nameOf(*in.ResourceArn), in.Tags); err != nil {
		return nil, err
	}
	return &logs.TagResourceOutput{}, nil
}

func (s *Service) untagResource(ctx context.Context, in *logs.UntagResourceInput) (*logs.UntagResourceOutput, error) {
	if err := s.untag(ctx, nameOf(*in.ResourceArn), in.TagKeys); err != nil {
		return nil, err
	}
	return &logs.UntagResourceOutput{}, nil
}

func (s *Service) listTagsForResource(ctx context.Context, in *logs.ListTagsForResourceInput) (*logs.ListTagsForResourceOutput, error) {
	tags, err := s.tags(ctx, nameOf(*in.ResourceArn))
	return &logs.ListTagsForResourceOutput{Tags: tags}, err
}
