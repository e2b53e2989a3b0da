package sns

import (
	"strings"

	api "stepwell/internal/awsapi/sns"
	"stepwell/internal/awserr"
)

func invalid(format string, args ...any) *awserr.Error {
	return api.InvalidParameterException("Invalid parameter: "+format, args...)
}

func noTopic() *awserr.Error { return api.NotFoundException("Topic does not exist") }

func noSubscription() *awserr.Error { return api.NotFoundException("Subscription does not exist") }

func noResource() *awserr.Error { return api.ResourceNotFoundException("Resource does not exist") }

// badARN words what is wrong with a string given as the ARN named by a member.
func badARN(member, arn string) *awserr.Error {
	if n := len(strings.Split(arn, ":")); n < 6 {
		return invalid("%s Reason: An ARN must have at least 6 elements, not %d", member, n)
	}
	return invalid("%s", member)
}
