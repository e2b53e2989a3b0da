package intrinsic

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
	"stepwell/internal/asl/jsonpath"
	"stepwell/internal/asl/value"
)

type fixedEnv struct{ doc value.Value }

func (e fixedEnv) Path(p *jsonpath.Path) (value.Value, error) { return p.Eval(e.doc) }
func (fixedEnv) UUID() string                                 { return "ca4c1140-dcc1-40cd-ad05-7b4aa23df4a8" }
func (fixedEnv) Random() float64                              { return 0.75 }

// TestData evaluates the calls of a case; paths look into its document.
func TestData(t *testing.T) {
	datatest.Run(t, "testdata/*.txt", func(t *testing.T, c *datatest.Case) string {
		env := fixedEnv{}
		if doc, ok := c.Args["doc"]; ok {
			v, err := value.Parse([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			env.doc = v
		}
		var b strings.Builder
		for _, text := range strings.Split(c.Args["calls"], "\n") {
			text = strings.TrimSpace(text)
			call, err := Parse(text)
			if err != nil {
				fmt.Fprintf(&b, "%s => %v\n", text, err)
				continue
			}
			if v, err := call.Eval(env); err != nil {
				fmt.Fprintf(&b, "%s => error: %v\n", text, err)
			} else {
				fmt.Fprintf(&b, "%s => %s\n", text, value.Text(v))
			}
		}
		return b.String()
	})
}

func FuzzCall(f *testing.F) {
	text, err := os.ReadFile("testdata/calls.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if call, _, ok := strings.Cut(line, " => "); ok {
			f.Add(call)
		}
	}
	doc, err := value.Parse([]byte(`{"l":[1,"a",null,{"b":2}],"o":{"x":1},"s":"text","n":-3.5}`))
	if err != nil {
		f.Fatal(err)
	}
	before := string(value.Text(doc))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		begun := time.Now()
		if v, err := c.Eval(fixedEnv{doc}); err == nil {
			value.Text(v) // panics on what is no JSON
		}
		if d := time.Since(begun); d > 2*time.Second {
			t.Fatalf("%q takes %v", text, d)
		}
		if string(value.Text(doc)) != before {
			t.Fatalf("%q changes its input", text)
		}
	})
}
