package logs

import (
	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
)

func errNoGroup() *awserr.Error {
	return logs.ResourceNotFoundException("The specified log group does not exist.")
}

func errNoStream() *awserr.Error {
	return logs.ResourceNotFoundException("The specified log stream does not exist.")
}

func errGroupExists() *awserr.Error {
	return logs.ResourceAlreadyExistsException("The specified log group already exists")
}

func errStreamExists() *awserr.Error {
	return logs.ResourceAlreadyExistsException("The specified log stream already exists")
}

func errToken() *awserr.Error {
	return logs.InvalidParameterException("The specified nextToken is invalid.")
}

func errPattern(text string) *awserr.Error {
	return logs.InvalidParameterException("Invalid filter pattern: %s", text)
}
