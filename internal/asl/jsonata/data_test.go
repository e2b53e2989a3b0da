package jsonata

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/asl/internal/datatest"
	"stepwell/internal/asl/value"
)

// TestData evaluates the expressions of a case: each line is one. doc is the input,
// vars an object with the variables.
func TestData(t *testing.T) {
	datatest.Run(t, "testdata/*.txt", func(t *testing.T, c *datatest.Case) string {
		o := &Options{MaxSteps: 2_000_000, MaxBytes: 32 << 20,
			Now:    func() time.Time { return time.Date(2024, 2, 29, 13, 14, 15, 678e6, time.UTC) },
			Random: func() float64 { return 0.75 },
			UUID:   func() string { return "ca4c1140-dcc1-40cd-ad05-7b4aa23df4a8" },
		}
		if doc, ok := c.Args["doc"]; ok {
			o.Input, o.HasInput = parsed(t, doc), true
		}
		if vars, ok := c.Args["vars"]; ok {
			scope := Vars{}
			for _, m := range parsed(t, vars).(*value.Object).Members() {
				scope[m.Name] = m.Value
			}
			o.Vars = scope
		}
		var b strings.Builder
		for _, text := range strings.Split(c.Args["exprs"], "\n") {
			if text = strings.TrimSpace(text); text == "" {
				continue
			}
			fmt.Fprintf(&b, "%s => %s\n", text, answer(text, o))
		}
		return b.String()
	})
}

func parsed(t *testing.T, text string) value.Value {
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func answer(text string, o *Options) string {
	e, err := Compile(text)
	if err != nil {
		return fmt.Sprintf("cannot compile: %v (at %d)", err, err.(*Error).Position)
	}
	r, err := e.Eval(o)
	if err != nil {
		return fmt.Sprintf("error: %v (at %d)", err, err.(*Error).Position)
	}
	return show(r)
}

// TestEveryFunction demands a row in the data for each built-in function.
func TestEveryFunction(t *testing.T) {
	var all strings.Builder
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for name := range builtins {
		if !strings.Contains(all.String(), "$"+name+"(") {
			t.Errorf("no test of $%s", name)
		}
	}
}

// TestFree checks which variables an expression asks its caller for.
func TestFree(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`$states.input.x + $b`, "b states"},
		{`($a := 1; $a + $sum($list))`, "list"},
		{`function($x, $y) { $x + $y + $z }`, "z"},
		{`items@$i.other#$j[$i = $j].$k`, "k"},
		{`$$.a & $ & $unknown()`, "unknown"},
	} {
		e, err := Compile(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(e.Free(), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.expr, got, c.want)
		}
	}
}

// TestConcurrent evaluates one expression from many goroutines; run it with -race.
func TestConcurrent(t *testing.T) {
	e, failed := Compile(`($f := function($n) { $n <= 1 ? 1 : $n * $f($n - 1) }; items ~> |$|{"f": $f(n), "m": $match(s, /[a-z](\d)/).groups}|)`)
	if failed != nil {
		t.Fatal(failed)
	}
	doc := parsed(t, `{"items":[{"n":3,"s":"a1 b2"},{"n":5,"s":"c3"}]}`)
	want := `[{"n":3,"s":"a1 b2","f":6,"m":["1","2"]},{"n":5,"s":"c3","f":120,"m":["3"]}]`
	done := make(chan string)
	for range 8 {
		go func() {
			last := ""
			for range 200 {
				r, err := e.Eval(&Options{Input: doc, HasInput: true})
				if err != nil {
					last = err.Error()
					break
				}
				if last = show(r); last != want {
					break
				}
			}
			done <- last
		}()
	}
	for range 8 {
		if got := <-done; got != want {
			t.Errorf("got %s", got)
		}
	}
}
