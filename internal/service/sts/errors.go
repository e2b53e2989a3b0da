package sts

import "stepwell/internal/awserr"

func errInvalidARN(arn string) *awserr.Error {
	return awserr.New(400, "ValidationError", "%s is invalid", arn)
}

func errTooLong() *awserr.Error {
	return awserr.New(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
}

func errUnknownKey(key string) *awserr.Error {
	return awserr.New(400, "ValidationError", "Invalid access key id: %s", key)
}
