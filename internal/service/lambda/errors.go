package lambda

import (
	"fmt"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/awserr"
)

// user marks an error as the caller's, as Lambda does in the member Type.
func user(e *awserr.Error) *awserr.Error { return e.With("Type", "User") }

func invalid(format string, args ...any) *awserr.Error {
	return user(api.InvalidParameterValueException(format, args...))
}

func functionNotFound(r ref) *awserr.Error {
	return user(api.ResourceNotFoundException("Function not found: %s", r.arn()))
}

func aliasNotFound(r ref, alias string) *awserr.Error {
	return user(api.ResourceNotFoundException("Cannot find alias arn: %s:%s", r.unqualified(), alias))
}

func functionExists(name string) *awserr.Error {
	return user(api.ResourceConflictException("Function already exist: %s", name))
}

func revisionChanged() *awserr.Error {
	return user(api.PreconditionFailedException("The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"))
}

func badZip() *awserr.Error {
	return invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
}

func layerNotFound() *awserr.Error {
	return user(api.ResourceNotFoundException("The resource you requested does not exist."))
}

func notRunnable(state, reason string) *awserr.Error {
	return user(api.ResourceConflictException("The operation cannot be performed at this time. The function is currently in the following state: %s. %s", state, reason))
}

func throttled(reason string) *awserr.Error {
	return user(api.TooManyRequestsException("Rate Exceeded.")).With("Reason", reason)
}

// tooLarge is the answer to a payload that is larger than invokes of its type take.
func tooLarge(size int, invocation string, limit int) *awserr.Error {
	return user(api.RequestTooLargeException("%d byte payload is too large for the %s invocation type (limit %d bytes)", size, invocation, limit))
}

func notImplemented(format string, args ...any) *awserr.Error {
	return awserr.NotImplemented("lambda: " + fmt.Sprintf(format, args...))
}
