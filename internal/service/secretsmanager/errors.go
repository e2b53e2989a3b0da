package secretsmanager

import (
	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
)

func notFound() *awserr.Error {
	return api.ResourceNotFoundException("Secrets Manager can't find the specified secret.")
}

func noStage(stage string) *awserr.Error {
	return api.ResourceNotFoundException("Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

func noVersion(id string) *awserr.Error {
	return api.ResourceNotFoundException("Secrets Manager can't find the specified secret value for VersionId: %s", id)
}

func exists(name string) *awserr.Error {
	return api.ResourceExistsException("The operation failed because the secret %s already exists.", name)
}

func deletedName() *awserr.Error {
	return api.InvalidRequestException("You can't create this secret because a secret with this name is already scheduled for deletion.")
}

func marked() *awserr.Error {
	return api.InvalidRequestException("You can't perform this operation on the secret because it was marked for deletion.")
}

func tokenUsed(token, arn string) *awserr.Error {
	return api.ResourceExistsException("You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, arn)
}

func bothValues() *awserr.Error {
	return api.InvalidParameterException("You can't specify both a binary secret value and a string secret value in the same secret.")
}

func noValue() *awserr.Error {
	return api.InvalidRequestException("You must provide either SecretString or SecretBinary.")
}

func badName() *awserr.Error {
	return awserr.New(400, "ValidationException",
		"Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
}
