package cloudformation

import (
	"fmt"
	"strings"

	"stepwell/internal/awserr"
)

// invalid is CloudFormation's answer to most of what is wrong with a request.
func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(400, "ValidationError", format, args...)
}

// noStack words, as the operations do in two ways, that a stack is not there.
func noStack(name string) *awserr.Error { return invalid("Stack [%s] does not exist", name) }

func noStackID(name string) *awserr.Error { return invalid("Stack with id %s does not exist", name) }

// unusable is a fault of a template: what is not implemented keeps its code.
func unusable(text string) *awserr.Error {
	if feature, ok := strings.CutPrefix(text, "not implemented: "); ok {
		return awserr.NotImplemented(feature)
	}
	return invalid("%s", text)
}

// handlerCodes are the error codes of resource handlers ("Handler error codes"
// of the CloudFormation CLI guide) by what the services' codes contain.
var handlerCodes = []struct{ part, code string }{
	{"AlreadyExist", "AlreadyExists"}, {"AlreadyOwned", "AlreadyExists"}, {"EntityAlreadyExists", "AlreadyExists"}, {"ResourceConflict", "AlreadyExists"},
	{"QueueNameExists", "AlreadyExists"},
	{"NotFound", "NotFound"}, {"NoSuch", "NotFound"}, {"NonExistent", "NotFound"}, {"DoesNotExist", "NotFound"},
	{"AccessDenied", "AccessDenied"}, {"AuthorizationError", "AccessDenied"},
	{"LimitExceeded", "ServiceLimitExceeded"}, {"QuotaExceeded", "ServiceLimitExceeded"},
	{"Throttl", "Throttling"}, {"InternalFailure", "ServiceInternalError"},
	{"Validation", "InvalidRequest"}, {"Invalid", "InvalidRequest"}, {"Malformed", "InvalidRequest"},
}

// reason words why a resource could not be made, changed or deleted.
func (s *Service) reason(typ string, err error) string {
	e := awserr.From(err)
	if e == nil {
		return err.Error()
	}
	if e.Code == "NotImplemented" || typ == stackType {
		return e.Message
	}
	code := "GeneralServiceException"
	for _, h := range handlerCodes {
		if strings.Contains(e.Code, h.part) {
			code = h.code
			break
		}
	}
	service := typ
	if parts := strings.Split(typ, "::"); len(parts) == 3 {
		service = parts[1]
	}
	return fmt.Sprintf("Resource handler returned message: \"%s\" (RequestToken: %s, HandlerErrorCode: %s)",
		fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s)", e.Message, service, e.HTTPStatus(), s.IDs.UUID()), s.IDs.UUID(), code)
}
