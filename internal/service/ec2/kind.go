package ec2

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/ec2"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// kind is a kind of resource: where its records are and what is common to all
// kinds. Keys of records are account, region and id.
type kind[T any] struct {
	table   store.Table[T]
	name    string // in tag specifications, e.g. route-table
	prefix  string // of ids
	missing func(id string) *awserr.Error
	broken  string // code of an id of the wrong form
	id      func(*T) *string
	tags    func(*T) *[]api.Tag
	filters map[string]func(*T) []string
}

func (k kind[T]) get(tx *store.Tx, c bus.Caller, id string) (T, error) {
	v, ok, err := k.table.Get(tx, c.Account, c.Region, id)
	switch {
	case err != nil || ok:
		return v, err
	case !strings.HasPrefix(id, k.prefix):
		return v, awserr.New(400, k.broken, "Invalid id: %q (expecting %q)", id, k.prefix+"...")
	}
	return v, k.missing(id)
}

func (k kind[T]) put(tx *store.Tx, c bus.Caller, v T) error {
	return k.table.Put(tx, v, c.Account, c.Region, *k.id(&v))
}

// change runs f on a resource as the caller and keeps what it made of it.
func (k kind[T]) change(ctx context.Context, s *Service, id string, f func(tx *store.Tx, c bus.Caller, v *T) error) error {
	return s.update(ctx, func(tx *store.Tx, c bus.Caller) error {
		v, err := k.get(tx, c, id)
		if err == nil {
			err = f(tx, c, &v)
		}
		if err != nil {
			return err
		}
		return k.put(tx, c, v)
	})
}

func (k kind[T]) remove(tx *store.Tx, c bus.Caller, id string) error {
	_, err := k.table.Delete(tx, c.Account, c.Region, id)
	return err
}

// list lists the resources that are wanted, by id.
func (k kind[T]) list(tx *store.Tx, c bus.Caller, wanted func(*T) bool) ([]T, error) {
	all, err := k.table.List(tx, c.Account, c.Region)
	some := []T{}
	for i := range all {
		if wanted == nil || wanted(&all[i]) {
			some = append(some, all[i])
		}
	}
	return some, err
}

// describe is a Describe operation: the resources of the ids, all where there
// are none, that match every filter, a page of them.
func (k kind[T]) describe(ctx context.Context, s *Service, ids []string, filters []api.Filter, token *string, size *int64) (page []T, next *string, err error) {
	c := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		for _, id := range ids {
			if _, err := k.get(tx, c, id); err != nil {
				return err
			}
		}
		page, err = k.list(tx, c, func(v *T) bool { return len(ids) == 0 || slices.Contains(ids, *k.id(v)) })
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	for _, f := range filters {
		has, err := k.filter(c, text(f.Name))
		if err != nil {
			return nil, nil, err
		}
		page = slices.DeleteFunc(page, func(v T) bool { return !matches(has(&v), f.Values) })
	}
	return cut(page, func(v *T) string { return *k.id(v) }, token, size)
}

// filter returns what a filter compares of a resource.
func (k kind[T]) filter(c bus.Caller, name string) (func(*T) []string, error) {
	if f := k.filters[name]; f != nil {
		return f, nil
	}
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		return func(v *T) []string {
			for _, t := range *k.tags(v) {
				if text(t.Key) == key {
					return []string{text(t.Value)}
				}
			}
			return nil
		}, nil
	}
	switch name {
	case "tag-key":
		return func(v *T) (keys []string) {
			for _, t := range *k.tags(v) {
				keys = append(keys, text(t.Key))
			}
			return keys
		}, nil
	case "owner-id":
		return func(*T) []string { return []string{c.Account} }, nil
	}
	return nil, invalid("The filter '%s' is invalid", name)
}

// matches says whether any value matches any pattern: * stands for any text, ?
// for one character.
func matches(values, patterns []string) bool {
	for _, p := range patterns {
		re := regexp.MustCompile("^(?s:" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(p)) + ")$")
		if slices.ContainsFunc(values, re.MatchString) {
			return true
		}
	}
	return false
}

// cut cuts a page out of items sorted by key.
func cut[T any](all []T, key func(*T) string, token *string, size *int64) (page []T, next *string, err error) {
	if size != nil && (*size < 5 || *size > 1000) {
		return nil, nil, invalid("Value ( %d ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.", *size)
	}
	page, next, err = paging.Cut(all, key, token, paging.Size(size, 1000))
	if err != nil {
		return nil, nil, invalid("Value ( %s ) for parameter nextToken is invalid.", *token)
	}
	return page, next, nil
}

// newTags are the tags that a request gives a new resource.
func (k kind[T]) newTags(c bus.Caller, specifications []api.TagSpecification) ([]api.Tag, error) {
	var tags []api.Tag
	for _, sp := range specifications {
		if text(sp.ResourceType) != k.name {
			return nil, invalid("'%s' is not a valid taggable resource type for this operation.", text(sp.ResourceType))
		}
		tags = append(tags, sp.Tags...)
	}
	return tags, checkTags(c, tags)
}

const maxTags = 50

func checkTags(c bus.Caller, tags []api.Tag) error {
	seen, own := map[string]bool{}, 0
	for _, t := range tags {
		key := text(t.Key)
		switch {
		case key == "":
			return invalid("Tag key cannot be empty.")
		case c.ReservedTag(key):
			return invalid("Tag keys starting with 'aws:' are reserved for internal use")
		case len([]rune(key)) > 127:
			return invalid("Tag key exceeds the maximum length of 127 characters")
		case seen[key]:
			return invalid("Duplicate tag key '%s' specified.", key)
		}
		seen[key] = true
		if !strings.HasPrefix(key, "aws:") {
			own++
		}
	}
	if own > maxTags {
		return awserr.New(400, "TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	return nil
}

// The fields of filters.

func one(s *string) []string {
	if s == nil {
		return nil
	}
	return []string{*s}
}

func truth(b *bool) []string { return []string{strconv.FormatBool(yes(b))} }
