package iam

import (
	"encoding/base64"
)

// page cuts a sorted list after the marker: up to maxItems (100 where nil)
// items, whether there are more, and the marker to go on from.
func page[T any](all []T, key func(T) string, marker *string, maxItems *int64) (items []T, truncated *bool, next *string, err error) {
	after := ""
	if marker != nil {
		b, err := base64.RawURLEncoding.DecodeString(*marker)
		if err != nil {
			return nil, nil, nil, errMarker(*marker)
		}
		after = string(b)
	}
	limit := 100
	if maxItems != nil {
		limit = int(*maxItems)
	}
	items = []T{}
	for _, item := range all {
		if marker != nil && key(item) <= after {
			continue
		}
		if len(items) == limit {
			return items, new(true), new(base64.RawURLEncoding.EncodeToString([]byte(key(items[limit-1])))), nil
		}
		items = append(items, item)
	}
	return items, new(false), nil, nil
}

// orSlash is a path, "/" where none is given.
func orSlash(path *string) string {
	if path == nil || *path == "" {
		return "/"
	}
	return *path
}
