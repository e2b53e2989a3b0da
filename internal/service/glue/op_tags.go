package glue

import (
	"context"
	"maps"
	"strings"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// maxTags is how many tags a resource can have.
const maxTags = 50

// checkTags refuses tags that only AWS gives.
func checkTags(c bus.Caller, set map[string]string) error {
	for key := range set {
		if c.ReservedTag(key) {
			return glue.InvalidInputException(bus.ReservedTags)
		}
	}
	return nil
}

// putTags sets a new resource's tags.
func putTags(tx *store.Tx, c bus.Caller, arn string, set map[string]string) error {
	if len(set) == 0 {
		return nil
	}
	if err := checkTags(c, set); err != nil {
		return err
	}
	return tags.Put(tx, set, arn)
}

// taggable checks that an ARN is one of this service and that what it names is there.
func taggable(tx *store.Tx, arn string) error {
	a, ok := bus.ParseARN(arn)
	if !ok || a.Service != "glue" {
		return glue.InvalidInputException("Invalid ARN: %s", arn)
	}
	at := scope{a.Account, a.Region}
	kind, name, _ := strings.Cut(a.Resource, "/")
	var there bool
	var err error
	switch kind {
	case "job":
		_, there, err = jobs.Get(tx, at.key(name)...)
	case "connection":
		_, there, err = connections.Get(tx, at.key(name)...)
	case "database":
		_, there, err = databases.Get(tx, at.key(name)...)
	default:
		return glue.InvalidInputException("Tagging is not supported for resource: %s", arn)
	}
	if err == nil && !there {
		err = glue.EntityNotFoundException("Entity not found: %s", arn)
	}
	return err
}

func (s *Service) tagResource(ctx context.Context, r *glue.TagResourceInput) (*glue.TagResourceOutput, error) {
	if err := checkTags(bus.From(ctx), r.TagsToAdd); err != nil {
		return nil, err
	}
	return &glue.TagResourceOutput{}, s.changeTags(ctx, *r.ResourceArn, func(set map[string]string) {
		maps.Copy(set, r.TagsToAdd)
	})
}

func (s *Service) untagResource(ctx context.Context, r *glue.UntagResourceInput) (*glue.UntagResourceOutput, error) {
	return &glue.UntagResourceOutput{}, s.changeTags(ctx, *r.ResourceArn, func(set map[string]string) {
		for _, k := range r.TagsToRemove {
			delete(set, k)
		}
	})
}

func (s *Service) changeTags(ctx context.Context, arn string, change func(map[string]string)) error {
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := taggable(tx, arn); err != nil {
			return err
		}
		set, _, err := tags.Get(tx, arn)
		if err != nil {
			return err
		}
		if set == nil {
			set = map[string]string{}
		}
		if change(set); len(set) > maxTags {
			return glue.InvalidInputException("Too many tags: a resource can have %d.", maxTags)
		}
		return tags.Put(tx, set, arn)
	})
}

func (s *Service) getTags(ctx context.Context, r *glue.GetTagsInput) (*glue.GetTagsOutput, error) {
	out := &glue.GetTagsOutput{Tags: map[string]string{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if err := taggable(tx, *r.ResourceArn); err != nil {
			return err
		}
		set, _, err := tags.Get(tx, *r.ResourceArn)
		maps.Copy(out.Tags, set)
		return err
	})
}
