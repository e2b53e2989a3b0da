package events

import (
	api "stepwell/internal/awsapi/events"
	"stepwell/internal/awserr"
)

func validation(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationException", format, args...)
}

func noConnection(name string) *awserr.Error {
	return api.ResourceNotFoundException("Failed to describe the connection(s). Connection '%s' does not exist.", name)
}

func connectionExists(name string) *awserr.Error {
	return api.ResourceAlreadyExistsException("Connection %s already exists.", name)
}

func noDestination(name string) *awserr.Error {
	return api.ResourceNotFoundException("Failed to describe the api-destination(s). Api-destination '%s' does not exist.", name)
}

func destinationExists(name string) *awserr.Error {
	return api.ResourceAlreadyExistsException("An api-destination '%s' already exists.", name)
}
