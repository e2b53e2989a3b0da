package kms

import (
	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/paging"
)

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationException", format, args...)
}

func noKey(arn string) *awserr.Error { return api.NotFoundException("Key '%s' does not exist", arn) }

func noAlias(arn string) *awserr.Error { return api.NotFoundException("Alias %s is not found.", arn) }

// page cuts a page out of items sorted by key.
func page[T any](all []T, key func(*T) string, marker *string, limit *int64, most int) (shown []T, next *string, truncated *bool, err error) {
	shown, next, err = paging.Cut(all, key, marker, paging.Size(limit, most))
	return shown, next, new(next != nil), asMarker(err)
}

// asMarker words a marker that was made up.
func asMarker(err error) error {
	if err != nil {
		return api.InvalidMarkerException("Invalid Marker")
	}
	return nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func yes(b *bool) bool { return b != nil && *b }
