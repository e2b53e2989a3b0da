package ecr

import (
	"encoding/base64"

	api "stepwell/internal/awsapi/ecr"
	"stepwell/internal/awserr"
)

func noRepository(name, registry string) *awserr.Error {
	return api.RepositoryNotFoundException("The repository with name '%s' does not exist in the registry with id '%s'", name, registry)
}

// page cuts a page out of items sorted by key.
func page[T any](all []T, key func(*T) string, token *string, size *int64) (shown []T, next *string, err error) {
	most, after := 100, ""
	if size != nil {
		most = int(*size)
	}
	if token != nil {
		b, err := base64.StdEncoding.DecodeString(*token)
		if err != nil {
			return nil, nil, api.InvalidParameterException("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
		}
		after = string(b)
	}
	for i := range all {
		if key(&all[i]) <= after {
			continue
		}
		if len(shown) == most {
			return shown, new(base64.StdEncoding.EncodeToString([]byte(key(&shown[most-1])))), nil
		}
		shown = append(shown, all[i])
	}
	return shown, nil, nil
}
