package iam

import (
	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awserr"
)

// errNo says that there is no user, group or role of the name.
func errNo(kind, name string) *awserr.Error {
	return iam.NoSuchEntityException("The %s with name %s cannot be found.", kind, name)
}

func errNoInline(kind, name string) *awserr.Error {
	return iam.NoSuchEntityException("The %s policy with name %s cannot be found.", kind, name)
}

func errNoPolicy(arn string) *awserr.Error {
	return iam.NoSuchEntityException("Policy %s was not found.", arn)
}

func errNotAttachable(arn string) *awserr.Error {
	return iam.NoSuchEntityException("Policy %s does not exist or is not attachable.", arn)
}

func errNoVersion(arn, id string) *awserr.Error {
	return iam.NoSuchEntityException("Policy %s version %s does not exist or is not attachable.", arn, id)
}

func errNoBoundary(arn string) *awserr.Error {
	return iam.NoSuchEntityException("Scope ARN: %s does not exist or is not attachable.", arn)
}

// errExists says that the name of a user, group or role is taken.
func errExists(kind, name string) *awserr.Error {
	return iam.EntityAlreadyExistsException("%s with name %s already exists.", kind, name)
}

func errPolicyExists(name string) *awserr.Error {
	return iam.EntityAlreadyExistsException("A policy called %s already exists. Duplicate names are not allowed.", name)
}

func errMalformed(text string) *awserr.Error {
	return iam.MalformedPolicyDocumentException("%s", text)
}

func errDuplicateTag() *awserr.Error {
	return iam.InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
}

func errMarker(marker string) *awserr.Error {
	return awserr.New(400, "ValidationError", "Invalid Marker: %s", marker)
}

func errNotUser() *awserr.Error {
	return awserr.New(400, "ValidationError", "Must specify userName when calling with non-User credentials")
}

func errQuota(name string, limit int) *awserr.Error {
	return iam.LimitExceededException("Cannot exceed quota for %s: %d", name, limit)
}

// errConflict says what must be done before an entity can be deleted.
func errConflict(first string) *awserr.Error {
	return iam.DeleteConflictException("Cannot delete entity, must %s first.", first)
}

func errProtected(role string) *awserr.Error {
	return iam.UnmodifiableEntityException("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", role)
}
