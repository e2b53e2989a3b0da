package jsonata

import (
	"fmt"
	"strings"
	"testing"

	"stepwell/internal/asl/value"
)

func BenchmarkEval(b *testing.B) {
	var list strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&list, `,{"id":%d,"price":%d.5,"name":"item %d"}`, i, i%100, i)
	}
	states, err := value.Parse([]byte(`{"input":{"count":3,"name":"a","nested":{"deep":{"x":1}},"items":[` + list.String()[1:] + `]}}`))
	if err != nil {
		b.Fatal(err)
	}
	o := &Options{Vars: Vars{"states": states, "i": value.Int(7)}}
	for _, c := range []struct{ name, expr string }{
		{"path", `$states.input.nested.deep.x`},
		{"choice", `$states.input.count < 10`},
		{"increment", `$i + 1`},
		{"object", `{"count": $i + 1, "name": $states.input.name & "!"}`},
		{"loop1000", `($f := function($n, $s) { $n = 0 ? $s : $f($n - 1, $s + $n * 2 % 7) }; $f(1000, 0))`},
		{"map10000", `$map($states.input.items, function($v) { $v.price * 2 })`},
		{"path10000", `$states.input.items.(price * 2)`},
		{"sum10000", `$sum($states.input.items.price)`},
		{"filter10000", `$states.input.items[price > 50].name`},
		{"range10000", `[1..10000].($ * $)`},
	} {
		e, failed := Compile(c.expr)
		if failed != nil {
			b.Fatal(failed)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r, err := e.Eval(o); err != nil || r.Kind != Defined {
					b.Fatal(r, err)
				}
			}
		})
	}
	b.Run("compile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Compile(`$states.input.items[price > 50 and name != "x"].{"n": name, "p": $round(price, 1)}`); err != nil {
				b.Fatal(err)
			}
		}
	})
}
