package redshift

import (
	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
)

func noCluster(id string) *awserr.Error { return api.ClusterNotFoundFault("Cluster %s not found.", id) }

func badValue(format string, args ...any) *awserr.Error {
	return awserr.New(400, "InvalidParameterValue", format, args...)
}

func badCombination(format string, args ...any) *awserr.Error {
	return awserr.New(400, "InvalidParameterCombination", format, args...)
}

func badIdentifier(member string) *awserr.Error {
	return badValue("The parameter %s is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens.", member)
}

func busyCluster() *awserr.Error {
	return api.InvalidClusterStateFault("There is an operation running on the Cluster. Please try to run it at a later time.")
}
