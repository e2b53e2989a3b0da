package redshiftserverless

import (
	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/awserr"
)

func noNamespace(name string) *awserr.Error {
	return api.ResourceNotFoundException("Serverless namespace %s not found.", name)
}

func noWorkgroup(name string) *awserr.Error {
	return api.ResourceNotFoundException("Serverless workgroup %s not found.", name)
}

func noResource(arn string) *awserr.Error {
	return api.ResourceNotFoundException("The resource %s doesn't exist.", arn)
}

func isMissing(err error) bool {
	e := awserr.From(err)
	return e != nil && e.Code == "ResourceNotFoundException"
}

func busy(kind string) *awserr.Error {
	return api.ConflictException("There is an operation running on the %s. Try again later.", kind)
}

func invalid(format string, args ...any) *awserr.Error {
	return api.ValidationException(format, args...)
}
