// Package sqlerr is the error type of the Redshift wire protocol: the fields of
// a PostgreSQL ErrorResponse with the SQLSTATEs Redshift uses.
//
// It holds no logic; the SQL compiler, the warehouse and the wire listener
// share it.
package sqlerr

import (
	"errors"
	"fmt"
)

// SQLSTATE codes, named as in appendix A of the PostgreSQL manual.
const (
	SyntaxError                 = "42601"
	UndefinedTable              = "42P01"
	UndefinedColumn             = "42703"
	UndefinedFunction           = "42883"
	UndefinedObject             = "42704"
	UndefinedSchema             = "3F000"
	UndefinedDatabase           = "3D000"
	UndefinedCursor             = "34000"
	UndefinedPrepared           = "26000"
	DuplicateTable              = "42P07"
	DuplicateSchema             = "42P06"
	DuplicateColumn             = "42701"
	DuplicateDatabase           = "42P04"
	DuplicateObject             = "42710"
	DuplicateAlias              = "42712"
	AmbiguousColumn             = "42702"
	GroupingError               = "42803"
	WindowingError              = "42P20"
	DatatypeMismatch            = "42804"
	InvalidColumnReference      = "42P10"
	InvalidTableDefinition      = "42P16"
	WrongObjectType             = "42809"
	CannotCoerce                = "42846"
	InsufficientPrivilege       = "42501"
	InvalidGrantOperation       = "0LP01"
	FeatureNotSupported         = "0A000"
	DivisionByZero              = "22012"
	NumericOutOfRange           = "22003"
	StringTooLong               = "22001"
	InvalidTextRepresentation   = "22P02"
	InvalidDatetimeFormat       = "22007"
	DatetimeOverflow            = "22008"
	InvalidParameterValue       = "22023"
	NotNullViolation            = "23502"
	InFailedTransaction         = "25P02"
	ActiveTransaction           = "25001"
	NoActiveTransaction         = "25P01"
	ReadOnlyTransaction         = "25006"
	ObjectInUse                 = "55006"
	ObjectNotInPrerequisite     = "55000"
	QueryCanceled               = "57014"
	AdminShutdown               = "57P01"
	CrashShutdown               = "57P02"
	CannotConnectNow            = "57P03"
	InvalidPassword             = "28P01"
	InvalidAuthorization        = "28000"
	ProtocolViolation           = "08P01"
	DiskFull                    = "53100"
	TooManyConnections          = "53300"
	RaiseException              = "P0001"
	InternalError               = "XX000"
	DependentObjectsStillExist  = "2BP01"
	ProgramLimitExceeded        = "54000"
	InvalidRegularExpression    = "2201B"
	CardinalityViolation        = "21000"
	UniqueViolation             = "23505"
	InvalidCatalogName          = UndefinedDatabase
	DependentPrivilegeStillHeld = "2B000"
)

// SerializationViolation is the text of Redshift's error for transactions
// without a serial order; what they are stands in the detail.
const SerializationViolation = "1023"

// Error is a fault reported to an SQL client.
type Error struct {
	Severity string // "ERROR" when empty; "FATAL" ends the connection
	Code     string // SQLSTATE
	Message  string // Redshift's text
	Detail   string
	Hint     string
	Context  string // where inside a procedure
	Position int    // 1-based character in the text the client sent; 0 unknown
}

// New returns an Error with the formatted message.
func New(code, format string, args ...any) *Error {
	msg := format
	if len(args) > 0 {
		msg = fmt.Sprintf(format, args...)
	}
	return &Error{Code: code, Message: msg}
}

// NotImplemented is the answer to a known construct that is missing.
func NotImplemented(feature string) *Error {
	return New(FeatureNotSupported, "not implemented: %s", feature)
}

// At returns a copy of e that points to the 1-based character pos.
func (e *Error) At(pos int) *Error {
	c := *e
	c.Position = pos
	return &c
}

// WithDetail returns a copy of e with the detail text.
func (e *Error) WithDetail(format string, args ...any) *Error {
	c := *e
	c.Detail = fmt.Sprintf(format, args...)
	return &c
}

// WithHint returns a copy of e with the hint text.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

func (e *Error) Error() string { return "ERROR: " + e.Message }

// From returns the Error in err's chain, or an internal one that carries err's text.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(InternalError, "%s", err.Error())
}
