package jsonata

import (
	"math"

	"stepwell/internal/asl/value"
)

func (n *negateNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	v, err := n.of.eval(r, in, env)
	if err != nil || isUndef(v) {
		return v, err
	}
	f, ok, err := numeric(v)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &Error{Code: "D1002", Position: x.pos, Token: "-", hasToken: true, value: v}
	}
	return -f, nil
}

func (n *binaryNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	a, err := n.lhs.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	if n.op == opAnd || n.op == opOr {
		return n.logic(r, x, a, in, env)
	}
	b, err := n.rhs.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	var v any
	switch n.op {
	case opAdd, opSubtract, opMultiply, opDivide, opModulo:
		v, err = n.op.arithmetic(a, b)
	case opEqual:
		return !isUndef(a) && !isUndef(b) && same(a, b), nil
	case opUnequal:
		return !isUndef(a) && !isUndef(b) && !same(a, b), nil
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		v, err = n.op.compare(a, b)
	case opConcat:
		v, err = concat(r, a, b)
	case opIn:
		return within(a, b), nil
	case opRange:
		v, err = rangeOf(r, a, b)
	}
	if err != nil {
		return nil, n.op.blame(err, x.pos)
	}
	return v, nil
}

// blame says which operator failed, even where a part of it knows already.
func (o operator) blame(err error, pos int) error {
	if e, ok := err.(*Error); ok {
		e.Position, e.Token, e.hasToken = pos, o.String(), true
	}
	return err
}

func (n *binaryNode) logic(r *run, x *expr, a, in any, env *frame) (any, error) {
	left, err := truth(a)
	if err != nil {
		return nil, n.op.blame(err, x.pos)
	}
	if left == (n.op == opOr) {
		return left, nil
	}
	b, err := n.rhs.eval(r, in, env)
	if err != nil {
		return nil, n.op.blame(err, x.pos)
	}
	right, err := truth(b)
	if err != nil {
		return nil, n.op.blame(err, x.pos)
	}
	return right, nil
}

func (o operator) arithmetic(a, b any) (any, error) {
	x, okX, err := numeric(a)
	if err != nil {
		return nil, err
	}
	if !okX && !isUndef(a) {
		return nil, faultOf("T2001", a)
	}
	y, okY, err := numeric(b)
	if err != nil {
		return nil, err
	}
	if !okY && !isUndef(b) {
		return nil, faultOf("T2002", b)
	}
	if !okX || !okY {
		return undef{}, nil
	}
	switch o {
	case opAdd:
		return x + y, nil
	case opSubtract:
		return x - y, nil
	case opMultiply:
		return x * y, nil
	case opDivide:
		return x / y, nil
	}
	return math.Mod(x, y), nil
}

func comparable(v any) bool {
	k := kind(v)
	return k == 's' || k == 'n' || isUndef(v)
}

func (o operator) compare(a, b any) (any, error) {
	if !comparable(a) || !comparable(b) {
		if comparable(a) && !isUndef(a) {
			a = b
		}
		return nil, faultOf("T2010", a)
	}
	if isUndef(a) || isUndef(b) {
		return undef{}, nil
	}
	if kind(a) != kind(b) {
		return nil, &Error{Code: "T2009", value: a, value2: b}
	}
	var less, equal bool
	if s, ok := a.(string); ok {
		c := compareText(s, b.(string))
		less, equal = c < 0, c == 0
	} else {
		x, _ := number(a)
		y, _ := number(b)
		if x != x || y != y {
			return false, nil
		}
		less, equal = x < y, x == y
	}
	switch o {
	case opLess:
		return less, nil
	case opLessEqual:
		return less || equal, nil
	case opGreater:
		return !less && !equal, nil
	}
	return !less, nil
}

func concat(r *run, a, b any) (any, error) {
	x, err := r.stringOf(a, false)
	if err != nil {
		return nil, err
	}
	y, err := r.stringOf(b, false)
	if err != nil {
		return nil, err
	}
	if err := r.text(len(x) + len(y)); err != nil {
		return nil, err
	}
	return x + y, nil
}

// within is the operator in: the very same value stands in the array.
func within(a, b any) bool {
	list, ok := items(b)
	if !ok {
		list = []any{b}
	}
	switch a.(type) {
	case undef, []any, *array, *value.Object:
		return false // no two of them are the same
	}
	if isUndef(b) {
		return false
	}
	for _, item := range list {
		if same(a, item) {
			return true
		}
	}
	return false
}

// maxRange is how many items a range may have.
const maxRange = 10_000_000

func rangeOf(r *run, a, b any) (any, error) {
	from, okA := number(a)
	to, okB := number(b)
	if !isUndef(a) && (!okA || from != math.Trunc(from) || from-from != 0) {
		return nil, faultOf("T2003", a)
	}
	if !isUndef(b) && (!okB || to != math.Trunc(to) || to-to != 0) {
		return nil, faultOf("T2004", b)
	}
	if !okA || !okB || from > to {
		return undef{}, nil
	}
	size := to - from + 1
	if size > maxRange {
		return nil, faultOf("D2014", size)
	}
	if err := r.grow(int(size)); err != nil {
		return nil, err
	}
	out := &array{seq: true, items: make([]any, int(size))}
	for i := range out.items {
		out.items[i] = from + float64(i)
	}
	return out, nil
}

func (g *groupNode) eval(r *run, _ *expr, in any, env *frame) (any, error) {
	return g.group(r, in, env)
}

type groupEntry struct {
	key  string
	pair int
	data []any
	many bool // data is what was joined, not one item
}

// group makes an object: each item gives keys, and the items with the same key are
// the context of the value.
func (g *groupNode) group(r *run, in any, env *frame) (any, error) {
	list, ok := items(in)
	if !ok {
		list = []any{in}
	}
	if len(list) == 0 {
		list = []any{undef{}}
	}
	entries, err := g.entries(r, list, env)
	if err != nil {
		return nil, err
	}
	out := &value.Object{}
	for i := range entries {
		e := &entries[i]
		context, scope := e.context(r, env)
		v, err := g.pairs[e.pair][1].eval(r, context, scope)
		if err != nil {
			return nil, err
		}
		if !isUndef(v) {
			if err := r.alloc(1, 48); err != nil {
				return nil, err
			}
			out.Set(e.key, v)
		}
	}
	return out, nil
}

func (g *groupNode) entries(r *run, list []any, env *frame) ([]groupEntry, error) {
	entries := make([]groupEntry, 0, len(g.pairs))
	var index map[string]int // once there are many
	for _, item := range list {
		context, scope := item, env
		if t, ok := item.(*tuple); ok {
			context, scope = t.at, t.within(env)
		}
		for i, pair := range g.pairs {
			k, err := pair[0].eval(r, context, scope)
			if err != nil {
				return nil, err
			}
			if isUndef(k) {
				continue
			}
			key, ok := k.(string)
			if !ok {
				return nil, &Error{Code: "T1003", Position: g.pos, value: k}
			}
			at := -1
			if index != nil {
				if j, ok := index[key]; ok {
					at = j
				}
			} else {
				for j := range entries {
					if entries[j].key == key {
						at = j
					}
				}
			}
			if at < 0 {
				entries = append(entries, groupEntry{key: key, pair: i, data: []any{item}})
				if index != nil {
					index[key] = len(entries) - 1
				} else if len(entries) == 16 {
					index = map[string]int{}
					for j := range entries {
						index[entries[j].key] = j
					}
				}
				continue
			}
			e := &entries[at]
			if e.pair != i {
				return nil, &Error{Code: "D1009", Position: g.pos, value: key}
			}
			if err := e.add(r, item); err != nil {
				return nil, err
			}
		}
	}
	return entries, nil
}

// add joins an item as $append does.
func (e *groupEntry) add(r *run, item any) error {
	if isUndef(item) {
		return nil
	}
	if !e.many {
		if isUndef(e.data[0]) {
			e.data[0] = item
			return nil
		}
		e.many = true
		if list, ok := items(e.data[0]); ok {
			e.data = append([]any(nil), list...)
		}
	}
	if list, ok := items(item); ok {
		e.data = append(e.data, list...)
		return r.grow(len(list))
	}
	e.data = append(e.data, item)
	return r.grow(1)
}

// context is what the value of an entry is evaluated on.
func (e *groupEntry) context(r *run, env *frame) (any, *frame) {
	if e.many && len(e.data) == 0 {
		return e.data, env
	}
	first, ok := e.data[0].(*tuple)
	if !ok {
		if e.many {
			return e.data, env
		}
		return e.data[0], env
	}
	joined := first.clone()
	for _, item := range e.data[1:] {
		t := item.(*tuple)
		joined.at, _ = appended(r, joined.at, t.at)
		for i, name := range t.names {
			v, ok := any(undef{}), false
			for j, n := range joined.names {
				if n == name {
					v, ok = joined.vals[j], true
				}
			}
			if ok {
				v, _ = appended(r, v, t.vals[i])
			} else {
				v = t.vals[i]
			}
			joined.with(name, v)
		}
	}
	return joined.at, joined.within(env)
}
