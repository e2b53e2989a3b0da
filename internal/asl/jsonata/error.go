package jsonata

import (
	"regexp"
	"strconv"

	"stepwell/internal/asl/value"
)

// Error is what is wrong with an expression, or what went wrong in evaluating it.
type Error struct {
	Code     string // as in the reference: S0201, T1006, D3030, U1001, ...
	Message  string // the text of the reference, without the code
	Position int    // where in the text: UTF-16 code units from its start to the end of the token; 0 if unknown
	Token    string // operator or function that failed

	value, value2 any
	index         int
	hasToken      bool
	detail        string // type, name of a function, or the whole text of D3137 and D3141
}

// Error is the code and the text, as Step Functions words it: "T1006: Attempted to invoke a non-function".
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

func fault(code string) *Error { return &Error{Code: code} }

func faultOf(code string, v any) *Error { return &Error{Code: code, value: v} }

// at adds where the error is, if nobody did before.
func at(err error, pos int, token string) error {
	e, ok := err.(*Error)
	if !ok {
		return err
	}
	if e.Position == 0 {
		e.Position = pos
	}
	if !e.hasToken {
		e.Token, e.hasToken = token, true
	}
	return e
}

var hole = regexp.MustCompile(`\{\{\{?(\w+)\}?\}\}`)

// complete writes the message; it is done once, when the error leaves the package.
func (e *Error) complete() *Error {
	text, ok := messages[e.Code]
	if !ok || e.Message != "" {
		return e
	}
	e.Message = hole.ReplaceAllStringFunc(text, func(h string) string {
		raw := h[2] == '{'
		name := hole.FindStringSubmatch(h)[1]
		switch {
		case name == "token" && raw, name == "functionName", name == "message":
			if name == "token" {
				return e.Token
			}
			return e.detail
		case name == "token" && !e.hasToken:
			return "undefined"
		case name == "token":
			return quoted(e.Token)
		case name == "index":
			return strconv.Itoa(e.index)
		case name == "type":
			return quoted(e.detail)
		case name == "value2" || name == "exp":
			return shown(e.value2)
		}
		return shown(e.value)
	})
	e.value, e.value2 = nil, nil
	return e
}

func quoted(s string) string { return string(value.AppendString(nil, s)) }

// shown is JSON.stringify of a value in a message, cut where it is long.
func shown(v any) string {
	if f, ok := v.(float64); ok && f-f != 0 {
		return "null"
	}
	text, err := (&writer{max: 1000}).write(v)
	if err != nil || isUndef(v) || text == "" {
		return "undefined"
	}
	return text
}
