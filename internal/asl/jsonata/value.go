package jsonata

import (
	"strconv"
	"unicode/utf8"

	"stepwell/internal/asl/value"
)

// During evaluation a value is one of
//
//	undef              undefined: no value
//	nil                null
//	bool, string
//	float64            a number that was computed
//	value.Number       a number of the input, as it is written there
//	[]any              an array of the input, or an array that has no marks
//	*array             an array with marks
//	*value.Object      an object
//	function           a lambda, built-in function, matcher, ...
//	*thunk, *tuple     inside the evaluator only
type undef struct{}

// array is an array with the marks that decide how it flattens into others.
type array struct {
	items []any
	seq   bool // a sequence: one item stands for itself, none is undefined
	keep  bool // a sequence that stays an array with one item
	cons  bool // made by an array constructor in a path: does not flatten
	tuple bool // the items are *tuple
	outer bool // wraps an input that is an array

	store *store // of an array made by $append
}

// store says how much of the memory of an array is in use.
type store struct{ used int }

// tuple is an item of a path with what @, # and % have bound along the way.
type tuple struct {
	at    any
	names []string
	vals  []any
}

func (t *tuple) with(name string, v any) {
	for i, n := range t.names {
		if n == name {
			t.vals[i] = v
			return
		}
	}
	t.names = append(t.names[:len(t.names):len(t.names)], name)
	t.vals = append(t.vals, v)
}

func (t *tuple) clone() *tuple {
	return &tuple{t.at, t.names, append(make([]any, 0, len(t.vals)+1), t.vals...)}
}

func isUndef(v any) bool {
	_, ok := v.(undef)
	return ok
}

// items are the items of an array.
func items(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case *array:
		return v.items, true
	}
	return nil, false
}

// sequence makes a sequence of the items.
func sequence(of ...any) *array { return &array{items: of, seq: true} }

// number reads a number.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case value.Number:
		return parseNumber(string(v)), true
	}
	return 0, false
}

// parseNumber reads a JSON number; short whole numbers, which are most, quickly.
func parseNumber(s string) float64 {
	if len(s) < 16 {
		n, i := int64(0), 0
		if len(s) > 1 && s[0] == '-' {
			i = 1
		}
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			n = n*10 + int64(s[i]-'0')
		}
		if i == len(s) && (s[0] != '-' || n != 0) {
			if s[0] == '-' {
				n = -n
			}
			return float64(n)
		}
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// kind is the letter of a value's type in function signatures; m is a missing one.
func kind(v any) byte {
	switch v.(type) {
	case undef:
		return 'm'
	case nil:
		return 'l'
	case bool:
		return 'b'
	case string:
		return 's'
	case float64, value.Number:
		return 'n'
	case []any, *array:
		return 'a'
	case *value.Object:
		return 'o'
	case function:
		return 'f'
	}
	return 'm'
}

// appended joins two values as $append does: either may be an array.
func appended(r *run, a, b any) (any, error) {
	if isUndef(a) {
		return b, nil
	}
	if isUndef(b) {
		return a, nil
	}
	left, ok := items(a)
	if !ok {
		left = []any{a}
	}
	right, ok := items(b)
	if !ok {
		right = []any{b}
	}
	// Loops that append to what they have appended to go on in the same memory, as
	// long as nobody else has: what stands behind an array's end is not seen by it.
	if from, ok := a.(*array); ok && from.store != nil && from.store.used == len(left) && cap(left)-len(left) >= len(right) {
		from.store.used += len(right)
		return &array{items: append(left, right...), store: from.store}, r.grow(len(right))
	}
	n := len(left) + len(right)
	room := n + n/4
	if err := r.grow(room); err != nil {
		return nil, err
	}
	out := append(append(make([]any, 0, room), left...), right...)
	return &array{items: out, store: &store{used: n}}, nil
}

// maxDeep bounds how deep arrays and objects nest that an expression builds.
const maxDeep = 10_000

// deeper counts one level of a walk through a value. What is nested too deeply ends
// the evaluation from wherever it is found; Eval turns the panic into the error.
func deeper(depth int) int {
	if depth > maxDeep {
		panic(&Error{Code: "U1001", detail: textDepth})
	}
	return depth + 1
}

// truth is $boolean of a value, for undefined false.
func truth(v any) (bool, error) { return truthAt(v, 0) }

func truthAt(v any, depth int) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		return v != "", nil
	case float64, value.Number:
		f, _, err := numeric(v)
		return f != 0, err
	case *value.Object:
		return v.Len() > 0, nil
	case []any, *array:
		list, _ := items(v)
		for _, item := range list {
			if ok, err := truthAt(item, deeper(depth)); ok || err != nil {
				return ok, err
			}
		}
	}
	return false, nil
}

// numeric reads a number for arithmetic: one that is not finite is error D1001,
// NaN is no number.
func numeric(v any) (float64, bool, error) {
	f, ok := number(v)
	if !ok || f != f {
		return f, false, nil
	}
	if f-f != 0 {
		return f, true, &Error{Code: "D1001", value: v}
	}
	return f, true, nil
}

// same is deep equality; numbers by value, objects without order.
func same(a, b any) bool { return sameAt(a, b, 0) }

func sameAt(a, b any, depth int) bool {
	switch a := a.(type) {
	case float64, value.Number:
		x, _ := number(a)
		y, ok := number(b)
		return ok && x == y
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	case nil:
		return b == nil
	case []any, *array:
		x, _ := items(a)
		y, ok := items(b)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !sameAt(x[i], y[i], deeper(depth)) {
				return false
			}
		}
		return true
	case *value.Object:
		b, ok := b.(*value.Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for _, m := range a.Members() {
			if v, ok := b.Get(m.Name); !ok || !sameAt(m.Value, v, deeper(depth)) {
				return false
			}
		}
		return true
	case undef:
		return isUndef(b)
	case function:
		return a == b
	}
	return false
}

// compareText orders strings by UTF-16 code units, as JavaScript does.
func compareText(a, b string) int {
	for a != "" && b != "" {
		if a[0] == b[0] {
			a, b = a[1:], b[1:]
			continue
		}
		if a[0] < 0xee || b[0] < 0xee { // below U+E000 UTF-8 has the order of UTF-16
			break
		}
		if (a[0] >= 0xf0) != (b[0] >= 0xf0) { // U+E000-U+FFFF stand behind surrogates
			if a[0] >= 0xf0 {
				return -1
			}
			return 1
		}
		break
	}
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// units is the length of a string in UTF-16 code units.
func units(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < 0x80 || c >= 0xc0 && c < 0xf0:
			n++
		case c >= 0xf0:
			n += 2
		}
	}
	return n
}

// runes splits a string into characters; a lone surrogate (kept in its three-byte
// form) is one.
func runes(s string) []string {
	out := make([]string, 0, len(s))
	for i := 0; i < len(s); {
		n := runeSize(s[i:])
		out = append(out, s[i:i+n])
		i += n
	}
	return out
}

func runeSize(s string) int {
	if s[0] == 0xed && len(s) >= 3 && s[1] >= 0xa0 && s[1] < 0xc0 {
		return 3
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func countRunes(s string) int {
	n := 0
	for i := 0; i < len(s); i += runeSize(s[i:]) {
		n++
	}
	return n
}

// exported turns a result into a JSON value: what was computed is written as
// JavaScript writes it, what came from the input stays as it is. false: there is
// a function in it.
func exported(v any, depth int) (value.Value, bool, error) {
	if depth > value.MaxDepth {
		return nil, false, &Error{Code: "U1001", detail: "The result is nested too deeply"}
	}
	switch v := v.(type) {
	case nil, bool, string, value.Number:
		return v, true, nil
	case float64:
		if v-v != 0 {
			return nil, true, &Error{Code: "D1001", value: v}
		}
		return value.Number(formatFloat(v)), true, nil
	case []any:
		return exportList(v, depth+1)
	case *array:
		return exportList(v.items, depth+1)
	case *value.Object:
		return exportObject(v, depth+1)
	}
	return nil, false, nil
}

func exportList(list []any, depth int) (value.Value, bool, error) {
	var out []any
	for i, item := range list {
		if isUndef(item) {
			item = nil
		}
		v, ok, err := exported(item, depth)
		if !ok || err != nil {
			return nil, ok, err
		}
		if out == nil && !identical(v, list[i]) {
			out = append(make([]any, 0, len(list)), list[:i]...)
		}
		if out != nil {
			out = append(out, v)
		}
	}
	if out != nil {
		return out, true, nil
	}
	if list == nil {
		list = []any{}
	}
	return list, true, nil
}

func exportObject(o *value.Object, depth int) (value.Value, bool, error) {
	var out *value.Object
	for _, m := range o.Members() {
		v, ok, err := exported(m.Value, depth)
		if !ok || err != nil {
			return nil, ok, err
		}
		if identical(v, m.Value) {
			continue
		}
		if out == nil {
			out = o.Clone()
		}
		out.Set(m.Name, v)
	}
	if out != nil {
		return out, true, nil
	}
	return o, true, nil
}

// identical tells whether exporting has left a value as it was.
func identical(a, b any) bool {
	switch b := b.(type) {
	case []any:
		a, ok := a.([]any)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case *value.Object:
		return a == any(b)
	case float64, *array, undef:
		return false
	}
	return true
}
