package ssm

import (
	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/paging"
)

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationException", format, args...)
}

func noParameter() *awserr.Error { return api.ParameterNotFound("") }

func noVersion(name, version string) *awserr.Error {
	return api.ParameterVersionNotFound("Systems Manager could not find version %s of %s. Verify the version and try again.", version, name)
}

func badName() *awserr.Error {
	return invalid(`Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive). If formed as a path, it can consist of ` +
		`sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`)
}

func badPath() *awserr.Error {
	return invalid(`The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". ` +
		`It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: ` +
		`. (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". ` +
		`Valid example: /get/parameters2-/by1./path0_.`)
}

// page cuts a page out of items sorted by key.
func page[T any](all []T, key func(*T) string, token *string, size *int64, usual int) (shown []T, next *string, err error) {
	shown, next, err = paging.Cut(all, key, token, paging.Size(size, usual))
	if err != nil {
		return nil, nil, api.InvalidNextToken("The specified token is not valid.")
	}
	return shown, next, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func yes(b *bool) bool { return b != nil && *b }
