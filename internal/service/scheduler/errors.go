package scheduler

import (
	api "stepwell/internal/awsapi/scheduler"
	"stepwell/internal/awserr"
)

func invalid(format string, args ...any) *awserr.Error {
	return api.ValidationException(format, args...)
}

func noSchedule(name string) *awserr.Error {
	return api.ResourceNotFoundException("Schedule %s does not exist.", name)
}

func scheduleExists(name string) *awserr.Error {
	return api.ConflictException("Schedule %s already exists.", name)
}

func noGroup(name string) *awserr.Error {
	return api.ResourceNotFoundException("Schedule group %s does not exist.", name)
}

func groupExists(name string) *awserr.Error {
	return api.ConflictException("Schedule group %s already exists.", name)
}
