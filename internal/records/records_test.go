package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// read prints the records of one file: fields in brackets, NULL as a dash,
// faults with their code.
func read(t testing.TB, s Spec, content []byte) string {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	s.Files = []File{{Path: path, Name: "f"}}
	r := Open(s).Reader()
	defer r.Close()
	var out strings.Builder
	var rec Record
	for {
		err := r.Next(&rec)
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			return out.String() + err.Error()
		}
		if f := rec.Fault; f != nil {
			fmt.Fprintf(&out, "%d:!%d ", rec.Line, f.Code)
			continue
		}
		fmt.Fprintf(&out, "%d:", rec.Line)
		for _, v := range rec.Fields {
			if v == nil {
				out.WriteString("-")
			} else {
				fmt.Fprintf(&out, "[%s]", v)
			}
		}
		out.WriteString(" ")
	}
}

func columns(n int) []Column { return make([]Column, n) }

func TestRecords(t *testing.T) {
	null := `\N`
	text := Spec{Format: Text, Delimiter: "|", Columns: columns(2), Null: &null}
	with := func(edit func(*Spec)) Spec { s := text; edit(&s); return s }
	csv := with(func(s *Spec) { s.Format, s.Delimiter, s.Quote = CSV, ",", `"` })
	names := []Column{{Name: "a"}, {Name: "b", Whole: true}}
	for _, c := range []struct {
		name string
		spec Spec
		in   string
		want string
	}{
		{"plain", text, "1|a\n2|\\N\r\n3|c", "1:[1][a] 2:[2]- 3:[3][c] "},
		{"delimiter at the end", text, "1|a|\n", "1:[1][a] "},
		{"few, many", text, "1\n1|2|3\n1|2\n", "1:!1214 2:!1202 3:[1][2] "},
		{"fill", with(func(s *Spec) { s.Fill = true }), "1\n", "1:[1][] "},
		{"lenient", with(func(s *Spec) { s.Lenient = true }), "1\n1|2|3\n", "1:[1]- 2:[1][2] "},
		{"escape", with(func(s *Spec) { s.Escape = `\` }), "a\\|b|c\\\nd\n\\N|x\\\\\n", "1:[a|b][c\nd] 3:-[x\\] "},
		{"remove quotes", with(func(s *Spec) { s.RemoveQuotes = true }), "\"a|b\"|'c'\n\"a|b\n", "1:[a|b][c] 2:!1216 "},
		{"skip", with(func(s *Spec) { s.Skip, s.SkipBlank = 1, true }), "head\n\n1|2\n", "3:[1][2] "},
		{"invalid text", text, "\xe9|x\nx|\xff\n", "1:!1220 2:!1220 "},
		{"replaced text", with(func(s *Spec) { s.Replace = "?" }), "\xe2\x82|x\n", "1:[??][x] "},
		{"csv", csv, "a,\"b \"\"c\"\"\"\n\"x\ny\",\n", "1:[a][b \"c\"] 2:[x\ny][] "},
		{"csv quotes", csv, "\"a\"b,c\na\"b,c\n", "1:!1216 2:!1216 "},
		{"latin", with(func(s *Spec) { s.Encoding = "iso88591" }), "\xe9|x\n", "1:[é][x] "},
		{"utf16", with(func(s *Spec) { s.Encoding = "utf16" }), "\xfe\xff\x00a\x00|\xd8\x3d\xde\x00\x00\n", "1:[a][😀] "},
		{"mark", text, "\ufeff1|2\n", "1:[1][2] "},
		{"fixed", Spec{Format: Fixed, Columns: []Column{{Width: 2}, {Width: 3}}}, "a éb \nabcde\nabcdef\n", "1:[a][éb] 2:[ab][cde] 3:!1202 "},
		{"json", Spec{Format: JSON, Columns: names}, `{"b":[1, 2],"a":"x\"y"} {"a":null,"c":{"a":1}}` + "\n{\"a\":1.50}", `1:[x"y][[1, 2]] 1:-- 2:[1.50]- `},
		{"json faults", Spec{Format: JSON, Columns: names}, "{\"a\":1\n}\nstray\n{\"a\":}\n{\"a\":", "1:[1]- 3:!1216 4:!1216 5:!1216 "},
		{"json list", Spec{Format: JSON, Columns: names, Outer: true}, `[{"a":1},` + "\n" + `{"a":2}]`, "1:[1]- 2:[2]- "},
		{"json paths", Spec{Format: JSON, Columns: []Column{{Path: []Step{{Name: "a"}, {Index: 1, List: true}}}, {Root: true}}}, `{"a":[1,"two"]}`, `1:[two][{"a":[1,"two"]}] `},
		{"pairs", Spec{Format: JSON, Columns: []Column{{Name: "a", Whole: true, Pairs: true}}}, `{"a":{"k":1}}`, `1:[[{"key":"k","value":1}]] `},
		{"regex", Spec{Format: Regex, Pattern: `(\d+) (\w+)`, Columns: columns(2), Lenient: true}, "1 a\nb\n", "1:[1][a] 2:-- "},
	} {
		if got := read(t, c.spec, []byte(c.in)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPath(t *testing.T) {
	for text, want := range map[string]string{
		"$.a.b[0]": "[{a 0 false} {b 0 false} { 0 true}]", `$['a b']["c"][12]`: "[{a b 0 false} {c 0 false} { 12 true}]",
		"a": "error", "$": "error", "$.": "error", "$[x]": "error", "$['a": "error", "$a": "error", "$[-1]": "error",
	} {
		steps, err := Path(text)
		got := fmt.Sprint(steps)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestLongLine: a line beyond the limit is a fault, the next one is read.
func TestLongLine(t *testing.T) {
	s := Spec{Format: Text, Delimiter: "|", Columns: columns(1)}
	in := append(bytes.Repeat([]byte("x"), MaxRecord+1<<19), "\nnext\n"...)
	if got := read(t, s, in); got != "1:!1204 2:[next] " {
		t.Errorf("got %.40q", got)
	}
}

// TestOpenQuote: a quote that is not closed takes the lines up to the limit, in
// a time that grows with their number only.
func TestOpenQuote(t *testing.T) {
	for _, escape := range []string{"", `\`} {
		s := Spec{Format: CSV, Delimiter: ",", Quote: `"`, Escape: escape, Columns: columns(1)}
		in := append([]byte("\"a\nb\"\n\"open\n"), bytes.Repeat([]byte("\n"), MaxRecord)...)
		if got := read(t, s, append(in, "\"next\"\n"...)); !strings.HasPrefix(got, "1:[a\nb] 3:!1204 ") {
			t.Errorf("got %.40q", got)
		}
	}
}

// FuzzRecords reads whatever comes as every format: no panic, no hang, and no
// record whose fields are not as many as the columns.
func FuzzRecords(f *testing.F) {
	for _, in := range []string{"1|a\n2|b\n", "a,\"b\"\n", `{"a":[1,{"b":null}]}`, "Obj\x01\x02\x16avro.schema\x0a\"int\"\x00", "ORC\x08\x00\x10\x00\"\x02ORC\x05", "\x1f\x8b", "BZh9", "\x89LZO\x00\r\n\x1a\n"} {
		for kind := range byte(12) {
			f.Add([]byte(in), kind)
		}
	}
	null := `\N`
	f.Fuzz(func(t *testing.T, in []byte, kind byte) {
		s := Spec{Delimiter: "|", Quote: `"`, Null: &null, Columns: []Column{{Name: "a", Width: 2}, {Name: "b", Width: 3, Whole: true}}, Compression: "auto", Trace: true}
		s.Format = []string{Text, CSV, Fixed, JSON, Avro, ORC, Regex}[kind%7]
		s.Pattern = `(.)(.*)`
		s.Lenient, s.Fill, s.RemoveQuotes = kind&8 != 0, kind&16 != 0, kind&32 != 0
		if kind&64 != 0 {
			s.Escape = `\`
		}
		s.Encoding = []string{"", "iso88591", "utf16le", "utf16be"}[kind%4]
		read(t, s, in)
	})
}
