// Package diag holds diagnostics on the programs of users: SQL, state machine
// definitions, templates and pipeline files. A diagnostic points into the
// source; one renderer shows the line.
//
// It knows none of those languages. Everything may import it.
package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Span is a half-open range of byte offsets into a source text.
type Span struct{ Start, End int }

// Severity says whether a diagnostic stops the program.
type Severity uint8

const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one finding.
type Diagnostic struct {
	Span       Span
	Severity   Severity
	Code       string   // stable short name; may be empty
	Text       string   // what is wrong, one line
	Notes      []string // further lines
	Suggestion string   // what was probably meant; may be empty
}

// List is what a check returns. It is an error when it is not empty.
type List []Diagnostic

func (l List) Error() string {
	texts := make([]string, len(l))
	for i, d := range l {
		texts[i] = d.Text
	}
	return strings.Join(texts, "; ")
}

// HasErrors reports whether any diagnostic is of severity Error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Position returns the 1-based line and column (in characters) of offset.
func Position(source string, offset int) (line, column int) {
	offset = min(max(offset, 0), len(source))
	before := source[:offset]
	line = 1 + strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	return line, 1 + utf8.RuneCountInString(before[start:])
}

// Render writes the diagnostics with the source line each points to:
//
//	pipeline.yaml:3:5: error: unknown field "bukets"
//	  3 |     bukets:
//	    |     ^^^^^^
//	  did you mean "buckets"?
func Render(w io.Writer, name, source string, list List) {
	for _, d := range list {
		line, col := Position(source, d.Span.Start)
		fmt.Fprintf(w, "%s:%d:%d: %s: %s\n", name, line, col, d.Severity, d.Text)
		renderLine(w, source, d.Span, line)
		for _, n := range d.Notes {
			fmt.Fprintf(w, "  note: %s\n", n)
		}
		if d.Suggestion != "" {
			fmt.Fprintf(w, "  did you mean %q?\n", d.Suggestion)
		}
	}
}

func renderLine(w io.Writer, source string, span Span, line int) {
	start := min(max(span.Start, 0), len(source))
	begin := strings.LastIndexByte(source[:start], '\n') + 1
	end := len(source)
	if i := strings.IndexByte(source[start:], '\n'); i >= 0 {
		end = start + i
	}
	text := strings.TrimRight(source[begin:end], "\r")
	if text == "" {
		return
	}
	number := fmt.Sprint(line)
	fmt.Fprintf(w, "  %s | %s\n", number, text)
	lead := strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, source[begin:start])
	marked := source[start:min(max(span.End, start), end)]
	marks := max(utf8.RuneCountInString(marked), 1)
	fmt.Fprintf(w, "  %s | %s%s\n", strings.Repeat(" ", len(number)), lead, strings.Repeat("^", marks))
}
