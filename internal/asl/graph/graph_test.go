package graph

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/asl/internal/datatest"
	"stepwell/internal/asl/syntax"
)

func parse(t *testing.T, text string) *syntax.Definition {
	t.Helper()
	def, _ := syntax.Parse(text)
	if def == nil {
		t.Fatalf("cannot parse %s", text)
	}
	return def
}

// TestData draws definitions as text, and cuts their tails off.
func TestData(t *testing.T) {
	datatest.Run(t, "testdata/*.txt", func(t *testing.T, c *datatest.Case) string {
		def := parse(t, c.Args["definition"])
		if from := c.Args["tail"]; from != "" {
			text, err := Tail(def, from)
			if err != nil {
				return "ERROR " + err.Error()
			}
			return text
		}
		if name := c.Args["alone"]; name != "" {
			s := Find(def.Machine, name)
			if s == nil {
				return "not found"
			}
			text, err := Alone(def, s)
			if err != nil {
				return "ERROR " + err.Error()
			}
			return text
		}
		var b bytes.Buffer
		if err := Text(&b, def.Machine); err != nil {
			return "ERROR " + err.Error()
		}
		return strings.ReplaceAll(b.String(), "\n\n", "\n.\n")
	})
}

// definitions are those of the test data and of the examples.
func definitions(t *testing.T) map[string]*syntax.Definition {
	t.Helper()
	all := map[string]*syntax.Definition{}
	files, err := filepath.Glob("../../../examples/*/state_machine.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[f] = parse(t, string(text))
	}
	text, err := os.ReadFile("testdata/text.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		if d, ok := strings.CutPrefix(line, "definition: "); ok {
			all[fmt.Sprint("line ", i+1)] = parse(t, d)
		}
	}
	return all
}

// TestLayout: nothing lies on anything else, edges lead down unless they lead
// back, what is within a box is within its borders.
func TestLayout(t *testing.T) {
	for name, def := range definitions(t) {
		g := build(def.Machine, "", true)
		g.layout()
		checkLayout(t, name, g)
	}
}

func checkLayout(t *testing.T, name string, g *graph) {
	t.Helper()
	all := g.all()
	for i, a := range all {
		if a.x-a.w/2 < -0.01 || a.x+a.w/2 > g.w+0.01 || a.y-a.h/2 < -0.01 || a.y+a.h/2 > g.h+0.01 {
			t.Errorf("%s: %s %q is outside of its graph", name, a.kind, a.name)
		}
		for _, b := range all[i+1:] {
			if a.x-a.w/2 < b.x+b.w/2-0.01 && b.x-b.w/2 < a.x+a.w/2-0.01 && a.y-a.h/2 < b.y+b.h/2-0.01 && b.y-b.h/2 < a.y+a.h/2-0.01 {
				t.Errorf("%s: %q and %q overlap", name, a.name, b.name)
			}
		}
		inside := 0.0
		for _, in := range a.inner {
			checkLayout(t, name, in)
			inside += in.w
			if in.h+boxHead > a.h {
				t.Errorf("%s: a machine sticks out of %q", name, a.name)
			}
		}
		if inside > a.w {
			t.Errorf("%s: machines stick out of %q", name, a.name)
		}
	}
	for _, e := range g.edges {
		top, bottom := e.ends()
		if top != bottom && top.rank >= bottom.rank {
			t.Errorf("%s: the edge from %q to %q does not lead down", name, e.from.name, e.to.name)
		}
	}
}

// TestSVG: the drawing is well formed and says every state's name.
func TestSVG(t *testing.T) {
	for name, def := range definitions(t) {
		var b bytes.Buffer
		if err := SVG(&b, def.Machine); err != nil {
			t.Fatal(err)
		}
		var texts strings.Builder
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if c, ok := token.(xml.CharData); ok {
				texts.Write(c)
				texts.WriteByte('\n')
			}
		}
		for _, s := range def.Machine.States {
			if !strings.Contains(texts.String(), s.Type+": "+s.Name+"\n") {
				t.Errorf("%s: state %q is not drawn", name, s.Name)
			}
		}
	}
}

// TestStraightChain: states that follow each other stand below each other.
func TestStraightChain(t *testing.T) {
	g := build(parse(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"A much longer name"},"A much longer name":{"Type":"Pass","Next":"C"},"C":{"Type":"Pass","End":true}}}`).Machine, "", true)
	g.layout()
	for _, n := range g.nodes {
		if n.x != g.nodes[0].x {
			t.Errorf("%q stands at %v, not at %v", n.name, n.x, g.nodes[0].x)
		}
	}
}
