package cloudwatch

import (
	"context"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const maxTags = 50

func checkTags(c bus.Caller, tags []api.Tag) error {
	for _, t := range tags {
		if c.ReservedTag(text(t.Key)) {
			return invalid("Tag keys starting with 'aws:' are reserved for system use.")
		}
	}
	if len(tags) > maxTags {
		return invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	return nil
}

// tagged changes the tags of the alarm that an ARN names.
func (s *Service) tagged(ctx context.Context, arn string, f func(*alarm) error) error {
	a, ok := bus.ParseARN(arn)
	name, isAlarm := strings.CutPrefix(a.Resource, "alarm:")
	if !ok || !isAlarm {
		return awserr.NotImplemented("monitoring tags of " + arn)
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		return s.change(tx, bus.Caller{Account: a.Account, Region: a.Region}, name, f)
	})
	if e := awserr.From(err); e != nil && e.Code == api.ResourceNotFound("").Code {
		return api.ResourceNotFoundException("Alarm %s does not exist", name)
	}
	return err
}

func (s *Service) tagResource(ctx context.Context, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), in.Tags); err != nil {
		return nil, err
	}
	err := s.tagged(ctx, *in.ResourceARN, func(a *alarm) error {
		a.Tags = bus.MergeTags(a.Tags, in.Tags, func(t *api.Tag) *string { return t.Key })
		return checkTags(bus.Caller{Source: "cloudformation"}, a.Tags)
	})
	return &api.TagResourceOutput{}, err
}

func (s *Service) untagResource(ctx context.Context, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.tagged(ctx, *in.ResourceARN, func(a *alarm) error {
		a.Tags = slices.DeleteFunc(a.Tags, func(t api.Tag) bool { return slices.Contains(in.TagKeys, *t.Key) })
		return nil
	})
	return &api.UntagResourceOutput{}, err
}

func (s *Service) listTagsForResource(ctx context.Context, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	err := s.tagged(ctx, *in.ResourceARN, func(a *alarm) error {
		out.Tags = append(out.Tags, a.Tags...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
