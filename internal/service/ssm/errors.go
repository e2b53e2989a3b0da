package ssm

import (
	"encoding/base64"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
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

// page cuts a page out of sorted items; the token is the key of the last one
// shown.
func page[T any](all []T, key func(*T) string, token *string, size *int64, most int) (shown []T, next *string, err error) {
	if size != nil {
		most = int(*size)
	}
	shown = []T{}
	after := ""
	if token != nil {
		b, err := base64.RawURLEncoding.DecodeString(*token)
		if err != nil || len(b) == 0 {
			return nil, nil, api.InvalidNextToken("The specified token is not valid.")
		}
		after = string(b)
	}
	for i := range all {
		if k := key(&all[i]); k <= after {
			continue
		}
		if len(shown) == most {
			return shown, new(base64.RawURLEncoding.EncodeToString([]byte(key(&shown[most-1])))), nil
		}
		shown = append(shown, all[i])
	}
	return shown, nil, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func yes(b *bool) bool { return b != nil && *b }
