package states

import (
	"strings"

	api "stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
)

// The texts are the service's own, as recorded from AWS.

func invalidARN(reason string) *awserr.Error {
	return api.InvalidArn("Invalid Arn: '%s'", reason)
}

func invalidName(name string) *awserr.Error {
	return api.InvalidName("Invalid Name: '%s'", name)
}

func noStateMachine(arn string) *awserr.Error {
	return api.StateMachineDoesNotExist("State Machine Does Not Exist: '%s'", arn)
}

func noExecution(arn string) *awserr.Error {
	return api.ExecutionDoesNotExist("Execution Does Not Exist: '%s'", arn)
}

func noActivity(arn string) *awserr.Error {
	return api.ActivityDoesNotExist("Activity Does Not Exist: '%s'", arn)
}

func noResource(arn string) *awserr.Error {
	return api.ResourceNotFound("Resource not found: '%s'", arn).With("resourceName", arn)
}

func machineExists(arn string) *awserr.Error {
	return api.StateMachineAlreadyExists("State Machine Already Exists: '%s'", arn)
}

func machineDeleting(arn string) *awserr.Error {
	return api.StateMachineDeleting("State Machine Is Being Deleted: '%s'", arn)
}

func executionExists(arn string) *awserr.Error {
	return api.ExecutionAlreadyExists("Execution Already Exists: '%s'", arn)
}

func typeNotSupported() *awserr.Error {
	return api.StateMachineTypeNotSupported("This operation is not supported by this type of state machine")
}

func invalidInput(reason string) *awserr.Error {
	return api.InvalidExecutionInput("Invalid State Machine Execution Input: '%s'", reason)
}

func invalidOutput(reason string) *awserr.Error {
	return api.InvalidOutput("Invalid Output: '%s'", reason)
}

func invalidPageToken() *awserr.Error {
	return api.InvalidToken("Invalid Token: 'Invalid token'")
}

func invalidTaskToken() *awserr.Error {
	return api.InvalidToken("Invalid Token: 'Invalid token'")
}

func taskGone() *awserr.Error {
	return api.TaskTimedOut("Task Timed Out: 'Provided task does not exist anymore'")
}

func validation(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationException", format, args...)
}

func accessDenied(principal string) *awserr.Error {
	return awserr.New(400, "AccessDeniedException", "User: %s is not authorized to access this resource", principal)
}

func invalidDefinition(texts []string) *awserr.Error {
	return api.InvalidDefinition("Invalid State Machine Definition: '%s'", strings.Join(texts, ", "))
}
