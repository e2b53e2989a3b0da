package project

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/diag"
)

func TestFaultsOfPipelineFiles(t *testing.T) {
	data, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split("\n"+string(data), "\n=== ")[1:]
	for _, c := range cases {
		name, rest, _ := strings.Cut(c, "\n")
		text, want, ok := strings.Cut("\n"+rest+"\n", "\n--- want\n")
		if !ok {
			t.Fatalf("%s: no answer", name)
		}
		text = strings.TrimPrefix(text, "\n")
		if text != "" {
			text += "\n"
		}
		_, found := Parse(text)
		var out bytes.Buffer
		diag.Render(&out, FileName, text, found)
		got, want := strings.TrimSpace(out.String()), strings.TrimSpace(want)
		if strings.HasSuffix(want, "SYNTAX") { // the library's words may change, that there is one must not
			if len(found) != 1 || found[0].Code != "syntax" {
				t.Errorf("%s: found %v, want a syntax error", name, found)
			}
			continue
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestExamplesAreWellFormed(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/" + FileName)
	if err != nil || len(files) < 2 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, found := Parse(string(text)); len(found) > 0 {
			t.Errorf("%s: %v", f, found)
		}
	}
}

func TestVariables(t *testing.T) {
	v := Variables{"account": "1", "topic.alarm": "arn:x"}
	for text, want := range map[string]string{
		"${topic.alarm}":              "arn:x",
		"a ${account} b":              "a 1 b",
		"$$.Execution.Id and $.x":     "$$.Execution.Id and $.x",
		"${unknown} stays":            "${unknown} stays",
		"$":                           "$",
		"States.Format('{}', $$.a.b)": "States.Format('{}', $$.a.b)",
	} {
		if got := v.expand(text); got != want {
			t.Errorf("expand(%q) = %q, want %q", text, got, want)
		}
	}
	got := v.expandAny(map[string]any{"a": []any{"${account}", 2}, "b": map[any]any{3: "$.x"}})
	m, ok := got.(map[string]any)
	if !ok || m["a"].([]any)[0] != "1" || m["b"].(map[string]any)["3"] != "$.x" {
		t.Errorf("expandAny = %v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("name: x\nbuckets: [{name: a}]\n")
	f.Add("- [")
	position := regexp.MustCompile(`^stepwell.yaml:[1-9][0-9]*:[1-9][0-9]*: `)
	f.Fuzz(func(t *testing.T, text string) {
		_, found := Parse(text)
		var out bytes.Buffer
		diag.Render(&out, FileName, text, found)
		if len(found) > 0 && !position.Match(out.Bytes()) {
			t.Errorf("no position in %q", out.String())
		}
	})
}
