package states

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPayload is the size limit of inputs and outputs in bytes.
const maxPayload = 262144

// jsonFault says what is wrong with a text that should be one JSON value, in
// the words of the parser AWS uses (Jackson); "" where nothing is.
func jsonFault(text string) string {
	if json.Valid([]byte(text)) {
		return ""
	}
	s := strings.TrimLeft(text, " \t\r\n")
	if s == "" {
		return "Invalid execution input."
	}
	if word := leadingWord(s); word != "" && word != "true" && word != "false" && word != "null" {
		return fmt.Sprintf("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", word)
	}
	if s[0] == '{' {
		if c, _ := utf8.DecodeRuneInString(strings.TrimLeft(s[1:], " \t\r\n")); c != '"' && c != '}' && c != utf8.RuneError {
			return fmt.Sprintf("Unexpected character ('%c' (code %d)): was expecting double-quote to start field name", c, c)
		}
	}
	return describeFault(s)
}

func leadingWord(s string) string {
	end := strings.IndexFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' && c != '$' })
	if end < 0 {
		end = len(s)
	}
	if first, _ := utf8.DecodeRuneInString(s); !unicode.IsLetter(first) {
		return ""
	}
	return s[:end]
}

// describeFault words the position at which Go's parser gave up.
func describeFault(s string) string {
	var v any
	err := json.Unmarshal([]byte(s), &v)
	syntax, ok := err.(*json.SyntaxError)
	if !ok {
		return "Invalid execution input."
	}
	if int(syntax.Offset) >= len(s) {
		return "Unexpected end-of-input"
	}
	c, _ := utf8.DecodeRuneInString(s[max(syntax.Offset-1, 0):])
	return fmt.Sprintf("Unexpected character ('%c' (code %d))", c, c)
}
