package jsonpath

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
	"stepwell/internal/asl/value"
)

// TestData evaluates the paths of a case on its document.
func TestData(t *testing.T) {
	datatest.Run(t, "testdata/*.txt", func(t *testing.T, c *datatest.Case) string {
		doc, err := value.Parse([]byte(c.Args["doc"]))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, text := range strings.Split(c.Args["paths"], "\n") {
			text = strings.TrimSpace(text)
			p, err := Parse(text)
			if err != nil {
				fmt.Fprintf(&b, "%s => %v\n", text, err)
				continue
			}
			kind := ""
			if p.Reference() {
				kind = " (reference)"
			}
			if v, err := p.Eval(doc); err != nil {
				fmt.Fprintf(&b, "%s => error: %v%s\n", text, err, kind)
			} else {
				fmt.Fprintf(&b, "%s => %s%s\n", text, value.Text(v), kind)
			}
			if s, ok := c.Args["set"]; ok {
				v, _ := value.Parse([]byte(s))
				out, ok := p.Set(doc, v)
				if !ok {
					out = "(does not fit)"
				}
				fmt.Fprintf(&b, "  set => %s\n", value.Text(out))
			}
		}
		return b.String()
	})
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/paths.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if path, _, ok := strings.Cut(line, " => "); ok {
			f.Add(path)
		}
	}
	doc, err := value.Parse([]byte(`{"a":[1,{"b":"x"},[2,3]],"s":"t","n":null}`))
	if err != nil {
		f.Fatal(err)
	}
	before := string(value.Text(doc))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		begun := time.Now()
		if v, err := p.Eval(doc); err == nil {
			value.Text(v) // panics on what is no JSON
		}
		if p.Reference() {
			if out, ok := p.Set(doc, "new"); ok {
				value.Text(out)
			}
		}
		if d := time.Since(begun); d > 2*time.Second {
			t.Fatalf("%q takes %v", text, d)
		}
		if string(value.Text(doc)) != before {
			t.Fatalf("%q changes its input", text)
		}
	})
}
