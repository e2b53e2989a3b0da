package iam

import (
	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awserr"
)

func errNoRole(name string) *awserr.Error {
	return iam.NoSuchEntityException("The role with name %s cannot be found.", name)
}

func errNoRolePolicy(name string) *awserr.Error {
	return iam.NoSuchEntityException("The role policy with name %s cannot be found.", name)
}

func errNoPolicy(arn string) *awserr.Error {
	return iam.NoSuchEntityException("Policy %s was not found.", arn)
}

func errNotAttachable(arn string) *awserr.Error {
	return iam.NoSuchEntityException("Policy %s does not exist or is not attachable.", arn)
}

func errRoleExists(name string) *awserr.Error {
	return iam.EntityAlreadyExistsException("Role with name %s already exists.", name)
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
