package syntax

import (
	"fmt"
	"strings"
	"testing"

	"stepwell/internal/diag"
)

func TestFromYAML(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"StartAt: A\nStates:\n  A: {Type: Pass, End: true}\n", `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`},
		{"a: 1\nb: 1.50\nc: 0x10\nd: yes\ne: null\nf: ~\ng: '1'\nh: .inf\n", `{"a":1,"b":1.50,"c":16,"d":"yes","e":null,"f":null,"g":"1","h":".inf"}`},
		{"t: 2026-01-02T03:04:05Z\nu: 2026-01-02\n", `{"t":"2026-01-02T03:04:05Z","u":"2026-01-02"}`},
		{"1: a\ntrue: b\n", `{"1":"a","true":"b"}`},
		{"p: >-\n  States.Format('{}',\n  $.a)\n", `{"p":"States.Format('{}', $.a)"}`},
		{"r: &r [{ErrorEquals: [States.ALL]}]\ns: *r\n", `{"r":[{"ErrorEquals":["States.ALL"]}],"s":[{"ErrorEquals":["States.ALL"]}]}`},
		{"", "null"},
		{"a: [1", "the definition is not well-formed YAML"},
		{"a: &a [*a]", "nested deeper"},
		{"a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n" +
			"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", "more than 1000000 values"},
	} {
		y, fault := FromYAML(c.yaml)
		switch {
		case fault != nil && !strings.Contains(fault.Text, c.want):
			t.Errorf("%q: %s, want %s", c.yaml, fault.Text, c.want)
		case fault == nil && y.JSON != c.want:
			t.Errorf("%q: %.200s, want %s", c.yaml, y.JSON, c.want)
		}
	}
}

// TestYAMLSpan finds keys and values of the JSON text in the YAML text.
func TestYAMLSpan(t *testing.T) {
	const text = "# a machine\nStartAt: Frist\nStates:\n  First:\n    Type: \"Pass\"\n"
	y, fault := FromYAML(text)
	if fault != nil {
		t.Fatal(fault.Text)
	}
	for json, want := range map[string]string{`"Frist"`: "2:10 Frist", `"First"`: "4:3 First", `"Type"`: "5:5 Type", `"Pass"`: `5:11 "Pas`, `{"Type"`: "5:5 T"} {
		at := strings.Index(y.JSON, json)
		span := y.Span(diag.Span{Start: at, End: at + len(json)})
		line, column := diag.Position(text, span.Start)
		if got := fmt.Sprintf("%d:%d %s", line, column, text[span.Start:span.End]); got != want {
			t.Errorf("%s: %s, want %s", json, got, want)
		}
	}
}
