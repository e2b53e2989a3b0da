package ecr

import (
	api "stepwell/internal/awsapi/ecr"
	"stepwell/internal/awserr"
)

func noRepository(name, registry string) *awserr.Error {
	return api.RepositoryNotFoundException("The repository with name '%s' does not exist in the registry with id '%s'", name, registry)
}

func badToken() *awserr.Error {
	return api.InvalidParameterException("Invalid parameter at 'nextToken' failed to satisfy constraint: 'Invalid token'")
}
