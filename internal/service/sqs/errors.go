package sqs

import (
	api "stepwell/internal/awsapi/sqs"
	"stepwell/internal/awserr"
)

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(400, "InvalidParameterValue", format, args...)
}

// badValue words what is wrong with a parameter's value.
func badValue(value any, parameter, reason string) *awserr.Error {
	return invalid("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

func noQueue() *awserr.Error { return api.QueueDoesNotExist("The specified queue does not exist.") }

func badHandle(handle string) *awserr.Error {
	return api.ReceiptHandleIsInvalid("The input receipt handle %q is not a valid receipt handle.", handle)
}

func missing(parameter string) *awserr.Error {
	return awserr.New(400, "MissingParameter", "The request must contain the parameter %s.", parameter)
}
