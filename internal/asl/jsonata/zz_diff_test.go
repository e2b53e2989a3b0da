package jsonata

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"stepwell/internal/asl/value"
)

func TestZZDiff(t *testing.T) {
	dir := os.Getenv("DIFFDIR")
	if dir == "" {
		t.Skip()
	}
	raw, _ := os.ReadFile(dir + "/doc.json")
	doc, err := value.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	n := os.Getenv("DIFFN")
	ef, _ := os.Open(dir + "/e" + n + ".txt")
	of, _ := os.Open(dir + "/o" + n + ".txt")
	es, os_ := bufio.NewScanner(ef), bufio.NewScanner(of)
	es.Buffer(nil, 1<<24)
	os_.Buffer(nil, 1<<24)
	bad, all := 0, 0
	for es.Scan() && os_.Scan() {
		var src string
		json.Unmarshal(es.Bytes(), &src)
		want := os_.Text()
		if strings.Contains(want, `"c":"JS:`) || strings.Contains(want, `__FUNC__`) || strings.Contains(want, "__INF__") || strings.HasPrefix(want, `{"c":"U1001"`) {
			continue
		}
		all++
		got := func() (out string) {
			defer func() {
				if p := recover(); p != nil {
					out = fmt.Sprint("PANIC ", p, string(debug.Stack()))
				}
			}()
			e, failed := Compile(src)
			if failed == nil {
				r, err := e.Eval(&Options{Input: doc, HasInput: true})
				if err == nil {
					switch r.Kind {
					case Undefined:
						return `{"u":1}`
					case Function:
						return "func"
					}
					return `{"v":` + string(value.Text(r.Value)) + `}`
				}
				failed = err.(*Error)
			}
			j, _ := json.Marshal(map[string]any{"c": failed.Code, "p": failed.Position, "t": failed.Token, "m": failed.Message})
			return string(j)
		}()
		if !sameAnswer(got, want) {
			bad++
			if bad < 60 {
				fmt.Printf("%s\n   got  %.2000s\n   want %.2000s\n", src, got, want)
			}
		}
	}
	fmt.Println("DIFF", bad, "of", all)
}

func sameAnswer(got, want string) bool {
	a, err := value.Parse([]byte(got))
	if err != nil {
		return false
	}
	b, _ := value.Parse([]byte(want))
	ao, bo := a.(*value.Object), b.(*value.Object)
	if c, ok := bo.Get("c"); ok {
		d, _ := ao.Get("c")
		if c != d {
			return false
		}
		if os.Getenv("DIFFMSG") == "" {
			return true
		}
		m1, _ := ao.Get("m")
		m2, _ := bo.Get("m")
		p1, _ := ao.Get("p")
		p2, _ := bo.Get("p")
		if p2 == nil {
			p2 = value.Int(0)
		}
		return m1 == m2 && p1 == p2
	}
	return value.Equal(a, b)
}
