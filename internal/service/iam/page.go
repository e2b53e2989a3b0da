package iam

import (
	"context"
	"slices"
	"strings"

	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// page cuts a page out of items sorted by key, 100 where the request does not say,
// and says whether there are more.
func page[T any](all []T, key func(*T) string, marker *string, maxItems *int64) (items []T, truncated *bool, next *string, err error) {
	items, next, err = paging.Cut(all, key, marker, paging.Size(maxItems, 100))
	if err != nil {
		return nil, nil, nil, errMarker(*marker)
	}
	return items, new(next != nil), next, nil
}

// shown cuts a page out of items sorted by key and shows each of them.
func shown[T, S any](all []T, key func(*T) string, show func(*T) S, marker *string, maxItems *int64) (list []S, truncated *bool, next *string, err error) {
	items, truncated, next, err := page(all, key, marker, maxItems)
	list = []S{}
	for i := range items {
		list = append(list, show(&items[i]))
	}
	return list, truncated, next, err
}

// under lists the identities of a table whose paths begin with a prefix, by name.
func under[T any, P interface {
	*T
	self() *identity
}, S any](ctx context.Context, s *Service, t store.Table[T], prefix *string, show func(*T) S, marker *string, maxItems *int64) ([]S, *bool, *string, error) {
	var all []T
	err := s.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = t.List(tx, bus.From(ctx).Account)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	all = slices.DeleteFunc(all, func(x T) bool { return !strings.HasPrefix(P(&x).self().Path, orSlash(prefix)) })
	return shown(all, nameOf[T, P], show, marker, maxItems)
}

// nameOf is an identity's name as it is sorted.
func nameOf[T any, P interface {
	*T
	self() *identity
}](x *T) string {
	return strings.ToLower(P(x).self().Name)
}

// orSlash is a path, "/" where none is given.
func orSlash(path *string) string {
	if path == nil || *path == "" {
		return "/"
	}
	return *path
}
