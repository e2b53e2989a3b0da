package cloudwatch

import (
	"encoding/base64"

	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
)

func invalid(format string, args ...any) *awserr.Error {
	return api.InvalidParameterValueException(format, args...)
}

func combination(format string, args ...any) *awserr.Error {
	return api.InvalidParameterCombinationException(format, args...)
}

func malformed(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationError", format, args...)
}

// page cuts a page out of items sorted by key.
func page[T any](all []T, key func(*T) string, token *string, most int) (shown []T, next *string, err error) {
	after := ""
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil {
			return nil, nil, api.InvalidNextToken("The specified nextToken is invalid.")
		}
		after = string(b)
	}
	shown = []T{}
	for i := range all {
		if key(&all[i]) <= after {
			continue
		}
		if len(shown) == most {
			return shown, new(base64.RawURLEncoding.EncodeToString([]byte(key(&shown[most-1])))), nil
		}
		shown = append(shown, all[i])
	}
	return shown, nil, nil
}

func limit(size *int64, most int) int {
	if size != nil {
		return int(*size)
	}
	return most
}
