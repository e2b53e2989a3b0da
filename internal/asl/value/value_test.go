package value

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, out string }{
		{` {"b" : 1, "a":[true , null,-0.5e+3]} `, `{"b":1,"a":[true,null,-0.5e+3]}`},
		{`{"a":1,"a":2}`, `{"a":2}`},
		{`"\u0041\ud83d\ude00\n\/\u0001"`, "\"A\U0001F600\\n/\\u0001\""},
		{`"\ud800x"`, "\"\ufffdx\""},
		{`[]`, `[]`}, {`{}`, `{}`}, {`""`, `""`},
		{``, `cannot`}, {`{`, `cannot`}, {`[1,]`, `cannot`}, {`{"a":1,}`, `cannot`}, {`01`, `cannot`}, {`1.`, `cannot`},
		{`-`, `cannot`}, {`nul`, `cannot`}, {`"\x"`, `cannot`}, {"\"\n\"", `cannot`}, {`1 2`, `cannot`},
		{strings.Repeat("[", MaxDepth+1), `cannot`},
	} {
		v, err := Parse([]byte(c.in))
		if c.out == "cannot" {
			if err == nil || !strings.HasPrefix(err.Error(), "cannot parse JSON") {
				t.Errorf("%.40s: %v, want an error", c.in, err)
			}
		} else if err != nil || string(Text(v)) != c.out {
			t.Errorf("%s => %s, %v, want %s", c.in, Text(v), err, c.out)
		}
	}
}

func TestObject(t *testing.T) {
	o := &Object{}
	for i := range 40 {
		o.Set(string(rune('a'+i)), Int(int64(i)))
	}
	c := o.Clone()
	c.Set("a", "other")
	c.Set("new", nil)
	if v, _ := o.Get("a"); v != Int(0) || o.Len() != 40 || c.Len() != 41 || Equal(o, c) {
		t.Errorf("a clone changes its origin: %v", v)
	}
	if _, ok := o.Get("new"); ok {
		t.Error("a clone shares its index")
	}
}

// FuzzParse compares with encoding/json.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e3,"x\u00e9\n",true,null]}`, `[[[]]]`, `"\ud83d\ude00"`, `-0`, `{"":{}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Parse([]byte(s))
		var want any
		if wantErr := json.Unmarshal([]byte(s), &want); (err == nil) != (wantErr == nil) {
			if n := json.Valid([]byte(s)); err == nil != n && strings.Count(s, "[")+strings.Count(s, "{") < MaxDepth {
				t.Fatalf("%q: %v, encoding/json: %v", s, err, wantErr)
			}
			return
		}
		if err != nil {
			return
		}
		var got any
		if err := json.Unmarshal(Text(v), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q => %s (%v)", s, Text(v), err)
		}
	})
}
