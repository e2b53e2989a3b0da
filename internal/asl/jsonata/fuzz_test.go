package jsonata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/value"
)

// seedExpressions are the expressions of the data tests.
func seedExpressions(f *testing.F) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if e, _, ok := strings.Cut(line, " => "); ok {
				out = append(out, strings.TrimSpace(strings.TrimPrefix(e, "expr:")))
			}
		}
	}
	return out
}

func FuzzCompile(f *testing.F) {
	for _, s := range seedExpressions(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Compile(s)
		if err == nil {
			e.Free()
			return
		}
		if err := err.(*Error); err.Code == "" || err.Message == "" {
			t.Fatalf("%q: error without a code or a message: %+v", s, err)
		}
	})
}

func FuzzEval(f *testing.F) {
	for _, s := range seedExpressions(f) {
		f.Add(s)
	}
	doc, err := value.Parse([]byte(`{"l":[1,"a",null,{"b":2,"c":[{"d":1},{"d":2}]}],"o":{"x":1,"y":[1,[2,3]]},"s":"text a b","n":-3.5,"e":[],"t":true}`))
	if err != nil {
		f.Fatal(err)
	}
	before := string(value.Text(doc))
	f.Fuzz(func(t *testing.T, s string) {
		e, failed := Compile(s)
		if failed != nil {
			return
		}
		begun := time.Now()
		r, err := e.Eval(&Options{Input: doc, HasInput: true, Vars: Vars{"states": doc},
			MaxSteps: 200_000, MaxBytes: 16 << 20, MaxDepth: 1000})
		if d := time.Since(begun); d > 2*time.Second {
			t.Fatalf("%q takes %v", s, d)
		}
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code == "" || e.Message == "" {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		if r.Kind == Defined {
			value.Text(r.Value) // panics on what is no JSON
		}
		if string(value.Text(doc)) != before {
			t.Fatalf("%q changes its input", s)
		}
	})
}
