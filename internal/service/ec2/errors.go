package ec2

import "stepwell/internal/awserr"

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(400, "InvalidParameterValue", format, args...)
}

// notFound makes the error of a resource that is not there; format has the id.
func notFound(code, format string) func(string) *awserr.Error {
	return func(id string) *awserr.Error { return awserr.New(400, code, format, id) }
}

// inUse is the answer to deleting what others need.
func inUse(kind, id string) *awserr.Error {
	return awserr.New(400, "DependencyViolation", "The %s '%s' has dependencies and cannot be deleted.", kind, id)
}

func refused(operation, parameter string) *awserr.Error {
	return awserr.NotImplemented("ec2:" + operation + " with " + parameter)
}

// refuse is the error of the first parameter that is set.
func refuse(operation string, set ...any) error {
	for i := 0; i < len(set); i += 2 {
		if set[i+1] == true {
			return refused(operation, set[i].(string))
		}
	}
	return nil
}
