package kms

import (
	"encoding/base64"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
)

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationException", format, args...)
}

func noKey(arn string) *awserr.Error { return api.NotFoundException("Key '%s' does not exist", arn) }

func noAlias(arn string) *awserr.Error { return api.NotFoundException("Alias %s is not found.", arn) }

// page cuts a page out of items sorted by key.
func page[T any](all []T, key func(*T) string, marker *string, limit *int64, most int) (shown []T, next *string, truncated *bool, err error) {
	after := ""
	if limit != nil {
		most = int(*limit)
	}
	if marker != nil {
		b, err := base64.RawURLEncoding.DecodeString(*marker)
		if err != nil {
			return nil, nil, nil, api.InvalidMarkerException("Invalid Marker")
		}
		after = string(b)
	}
	shown = []T{}
	for i := range all {
		if key(&all[i]) <= after {
			continue
		}
		if len(shown) == most {
			return shown, new(base64.RawURLEncoding.EncodeToString([]byte(key(&shown[most-1])))), new(true), nil
		}
		shown = append(shown, all[i])
	}
	return shown, nil, new(false), nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func yes(b *bool) bool { return b != nil && *b }
