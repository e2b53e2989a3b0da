package sdkjson

import (
	"fmt"
	"strings"
	"unicode"

	"stepwell/internal/awsapi"
	"stepwell/internal/awserr"
)

// Name is the name of a member in the AWS SDK for Java 2.x, in PascalCase:
// stateMachineArn is StateMachineArn, DBName is DbName, SSEKMSKeyId is
// SsekmsKeyId, ETag stays. A run of capitals is lowered except before a small
// letter.
func Name(member string) string {
	r := []rune(member)
	for i := 1; i < len(r) && unicode.IsUpper(r[0]) && unicode.IsUpper(r[i]); i++ {
		if i < len(r)-1 && unicode.IsLower(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// Service is the name of a service in errors: "SFN" is Sfn, "Secrets Manager"
// SecretsManager, "DynamoDB" DynamoDb.
func Service(m *awsapi.Model) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(m.ServiceID, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r := []rune(word)
		for i, c := range r {
			start := i == 0 || unicode.IsUpper(c) && unicode.IsLower(r[i-1])
			if start {
				b.WriteRune(unicode.ToUpper(c))
			} else if i+1 < len(r) && unicode.IsUpper(c) && unicode.IsLower(r[i+1]) {
				b.WriteRune(c)
			} else {
				b.WriteRune(unicode.ToLower(c))
			}
		}
	}
	return b.String()
}

// ErrorName is the name of a service's error in a state machine:
// Service.SomethingException; errors that the model does not list are
// Service.ServiceException.
func ErrorName(m *awsapi.Model, e *awserr.Error) string {
	service := Service(m)
	known := m.Error(e.Code)
	if known == nil {
		return service + "." + service + "Exception"
	}
	name := strings.ToUpper(known.Name[:1]) + known.Name[1:]
	if base, ok := strings.CutSuffix(name, "Fault"); ok {
		name = base
	}
	if !strings.HasSuffix(name, "Exception") {
		name += "Exception"
	}
	return service + "." + name
}

// Cause is the text of a service's error in a state machine: the message of the
// AWS SDK for Java 2.x, which since 2.30 (2025) ends in the number of attempts.
// A Task state makes one.
func Cause(m *awsapi.Model, e *awserr.Error, requestID string) string {
	extended := ""
	if m.Service == "s3" {
		extended = ", Extended Request ID: " + requestID
	}
	return fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s%s) (SDK Attempt Count: 1)", e.Message, Service(m), e.HTTPStatus(), requestID, extended)
}
