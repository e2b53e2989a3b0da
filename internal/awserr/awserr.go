// Package awserr is the error type of the AWS protocols: a code, a message in
// AWS's words, an HTTP status and the extra members a modelled error may have.
//
// It knows no service and no protocol; package wire turns an Error into the
// bytes each protocol wants. Everything may import it.
package awserr

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an answer of an AWS service that reports a fault.
type Error struct {
	Code    string         // error code, e.g. "ResourceNotFoundException"
	Message string         // text for the caller, in AWS's words
	Status  int            // HTTP status; 400 when zero
	Fields  map[string]any // further members of a modelled error shape, by member name
}

// New returns an Error with the formatted message.
func New(status int, code, format string, args ...any) *Error {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, Message: msg, Status: status}
}

// With returns e with a further member set.
func (e *Error) With(member string, value any) *Error {
	if e.Fields == nil {
		e.Fields = map[string]any{}
	}
	e.Fields[member] = value
	return e
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// HTTPStatus returns the status to answer with.
func (e *Error) HTTPStatus() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// throttled are the codes with which services say that there are too many
// requests ("Retry behavior", AWS SDKs and Tools Reference Guide).
var throttled = map[string]bool{
	"Throttling": true, "ThrottlingException": true, "ThrottledException": true, "RequestThrottledException": true, "TooManyRequestsException": true,
	"ProvisionedThroughputExceededException": true, "TransactionInProgressException": true, "RequestLimitExceeded": true,
	"BandwidthLimitExceeded": true, "RequestThrottled": true, "SlowDown": true, "PriorRequestNotComplete": true, "EC2ThrottledException": true,
	"RequestTimeout": true, "RequestTimeoutException": true,
}

// Temporary says that the request may succeed when it is made again, as SDKs
// judge it: throttling, and a server that could not answer.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return throttled[e.Code]
}

// From returns the Error in err's chain, or nil where there is none: such an
// error is internal, to be logged and answered as Internal.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// Internal is what a caller sees of an error that is not an Error.
func Internal() *Error {
	return New(http.StatusInternalServerError, "InternalFailure",
		"The request processing has failed because of an unknown error, exception or failure.")
}

// NotImplemented is the answer of an operation that is known and missing.
// feature names it, e.g. "glue:CreateDevEndpoint".
func NotImplemented(feature string) *Error {
	return New(http.StatusNotImplemented, "NotImplemented", "not implemented: %s", feature)
}
