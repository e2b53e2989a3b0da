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
	"unicode"
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
	if strings.TrimRight(source[begin:end], "\r") == "" {
		return
	}
	before := []rune(source[max(begin, start-4*mostBefore):start])
	stop := min(max(span.End, start), end, start+4*mostAfter)
	marked := []rune(source[start:stop])
	after := []rune(strings.TrimRight(source[stop:min(end, stop+4*mostAfter)], "\r"))
	open, shut := "", ""
	if cut := len(before) - mostBefore; cut > 0 {
		open, before = "... ", before[cut:]
	}
	if room := mostAfter; len(marked)+len(after) > room {
		shut = " ..."
		marked = marked[:min(len(marked), room)]
		after = after[:min(len(after), room-len(marked))]
	}
	number := fmt.Sprint(line)
	fmt.Fprintf(w, "  %s | %s%s%s\n", number, open, strings.Map(printable, string(before)+string(marked)+string(after)), shut)
	lead := strings.Map(func(r rune) rune {
		if r == '\t' {
			return '\t'
		}
		return ' '
	}, open+string(before))
	fmt.Fprintf(w, "  %s | %s%s\n", strings.Repeat(" ", len(number)), lead, strings.Repeat("^", max(len(marked), 1)))
}

// A line is shown as far as it is near the place: definitions can be one line
// of a megabyte. In characters.
const (
	mostBefore = 100
	mostAfter  = 120
)

// printable keeps what a source holds from steering the terminal.
func printable(r rune) rune {
	if r != '\t' && unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}
