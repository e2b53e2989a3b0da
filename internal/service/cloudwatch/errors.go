package cloudwatch

import (
	api "stepwell/internal/awsapi/cloudwatch"
	"stepwell/internal/awserr"
	"stepwell/internal/paging"
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
func page[T any](all []T, key func(*T) string, token *string, size *int64, usual int) (shown []T, next *string, err error) {
	shown, next, err = paging.Cut(all, key, token, paging.Size(size, usual))
	if err != nil {
		return nil, nil, api.InvalidNextToken("The specified nextToken is invalid.")
	}
	return shown, next, nil
}
