package diag

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlaces(t *testing.T) {
	source := "a\näöü x\n\nlast"
	lines := NewLines(source)
	for offset := range source {
		line, column := Position(source, offset)
		if got := lines.Offset(line, column); got != offset {
			t.Errorf("offset %d is at %d:%d, which is offset %d", offset, line, column, got)
		}
	}
	if got := lines.Offset(9, 1); got != len(source) {
		t.Errorf("a line that is not there is at %d", got)
	}
	for text, want := range map[string][2]int{"at L2.C6: x": {2, 6}, "at L2.C6-L3.C1: x": {3, 1}, "no place": {1, 1}} {
		if line, column := YAMLError(errors.New(text)); line != want[0] || column != want[1] {
			t.Errorf("%s: %d, %d", text, line, column)
		}
	}
}

func TestRender(t *testing.T) {
	source := "buckets:\n\t- ä name: x\n"
	at := strings.Index(source, "name")
	var b strings.Builder
	Render(&b, "file", source, List{{Span: Span{at, at + 4}, Text: "unknown field", Notes: []string{"it is new"}, Suggestion: "names"}})
	want := "file:2:6: error: unknown field\n  2 | \t- ä name: x\n    | \t    ^^^^\n  note: it is new\n  did you mean \"names\"?\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestRenderLongLine: only what is near the place is shown of a long line, and
// nothing that steers a terminal.
func TestRenderLongLine(t *testing.T) {
	source := strings.Repeat("ä", 500) + "\x1bWORD" + strings.Repeat("z", 500) + "\r\nx"
	at := strings.Index(source, "WORD")
	for _, span := range []Span{{at, at + 4}, {at, len(source)}, {0, 2}, {at + 504, at + 504}} {
		var b strings.Builder
		Render(&b, "f", source, List{{Span: span, Text: "t"}})
		lines := strings.Split(b.String(), "\n")
		line, marks := []rune(lines[1]), []rune(lines[2])
		if len(line) > 240 || len(marks) > 240 || strings.ContainsRune(lines[1], '\x1b') {
			t.Errorf("%v: %d and %d characters: %q", span, len(line), len(marks), lines[1])
		}
		first := strings.IndexRune(string(marks), '^')
		if want, _ := utf8.DecodeRuneInString(source[span.Start:]); first < len(line) && line[first] != want {
			t.Errorf("%v: the mark stands under %q, want %q", span, line[first], want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"Parameters", "Resources", "Outputs"}
	for word, want := range map[string]string{"Resource": "Resources", "resources": "Resources", "Ouptuts": "Outputs", "Anything": ""} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
