package jsonata

import "stepwell/internal/asl/value"

func (n *sortNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	return n.sort(r, x, in, env)
}

// sort orders the items, or the tuples, by the terms.
func (n *sortNode) sort(r *run, x *expr, in any, env *frame) (any, error) {
	list, _ := items(in)
	if len(list) <= 1 {
		return in, nil
	}
	if err := r.alloc(len(list)*(len(n.terms)+1), 40); err != nil {
		return nil, err
	}
	rows := make([]any, len(list))
	for i, item := range list {
		rows[i] = &sortRow{item: item, keys: make([]any, len(n.terms)), known: make([]bool, len(n.terms))}
	}
	sorted, err := mergeSort(r, rows, func(a, b any) (bool, error) {
		return n.after(r, x, a.(*sortRow), b.(*sortRow), env)
	})
	if err != nil {
		return nil, err
	}
	out := make([]any, len(sorted))
	for i, row := range sorted {
		out[i] = row.(*sortRow).item
	}
	a, _ := in.(*array)
	return &array{items: out, tuple: a != nil && a.tuple}, nil
}

// sortRow is an item and the values of the terms, each evaluated when it is first
// compared.
type sortRow struct {
	item  any
	keys  []any
	known []bool
}

func (n *sortNode) key(r *run, row *sortRow, t int, env *frame) (any, error) {
	if !row.known[t] {
		context := row.item
		if tp, ok := context.(*tuple); ok {
			context, env = tp.at, tp.within(env)
		}
		v, err := n.terms[t].eval(r, context, env)
		if err != nil {
			return nil, err
		}
		row.keys[t], row.known[t] = v, true
	}
	return row.keys[t], nil
}

// after tells whether a belongs behind b.
func (n *sortNode) after(r *run, x *expr, a, b *sortRow, env *frame) (bool, error) {
	for t := range n.terms {
		left, err := n.key(r, a, t, env)
		if err != nil {
			return false, err
		}
		right, err := n.key(r, b, t, env)
		if err != nil {
			return false, err
		}
		c, err := orderTerms(left, right)
		if err != nil {
			return false, at(err, x.pos, x.word)
		}
		if c == 0 {
			continue
		}
		if n.down[t] && !isUndef(left) && !isUndef(right) {
			c = -c
		}
		return c > 0, nil
	}
	return false, nil
}

// orderTerms compares two values of a term; undefined comes last.
func orderTerms(a, b any) (int, error) {
	switch {
	case isUndef(a) && isUndef(b):
		return 0, nil
	case isUndef(a):
		return 1, nil
	case isUndef(b):
		return -1, nil
	case !comparable(a):
		return 0, faultOf("T2008", a)
	case !comparable(b):
		return 0, faultOf("T2008", b)
	case kind(a) != kind(b):
		return 0, &Error{Code: "T2007", value: a, value2: b}
	}
	if s, ok := a.(string); ok {
		return compareText(s, b.(string)), nil
	}
	x, _ := number(a)
	y, _ := number(b)
	switch {
	case x == y:
		return 0, nil
	case x < y:
		return -1, nil
	}
	return 1, nil
}

// mergeSort is stable; after tells whether a belongs behind b.
func mergeSort(r *run, list []any, after func(a, b any) (bool, error)) ([]any, error) {
	if len(list) <= 1 {
		return list, nil
	}
	if err := r.grow(len(list)); err != nil {
		return nil, err
	}
	left, err := mergeSort(r, list[:len(list)/2], after)
	if err != nil {
		return nil, err
	}
	right, err := mergeSort(r, list[len(list)/2:], after)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(list))
	for len(left) > 0 && len(right) > 0 {
		swap, err := after(left[0], right[0])
		if err != nil {
			return nil, err
		}
		if swap {
			out, right = append(out, right[0]), right[1:]
		} else {
			out, left = append(out, left[0]), left[1:]
		}
	}
	return append(append(out, left...), right...), nil
}

func (n *transformNode) eval(_ *run, x *expr, _ any, env *frame) (any, error) {
	return &transformer{n: n, pos: x.pos, env: env}, nil
}

// transformer is the function that |pattern|update,remove| is.
type transformer struct {
	n   *transformNode
	pos int
	env *frame
}

func (t *transformer) arity() int { return 1 }

func (t *transformer) call(r *run, args []any, in any) (any, error) {
	args, err := transformSignature.validate(r, args, in)
	if err != nil {
		return nil, err
	}
	if isUndef(args[0]) {
		return args[0], nil
	}
	v, err := t.clone(r, args[0])
	if err != nil {
		return nil, err
	}
	found, err := t.n.pattern.eval(r, v, t.env)
	if err != nil || isUndef(found) {
		return v, err
	}
	matches, ok := items(found)
	if !ok {
		matches = []any{found}
	}
	own := map[*value.Object]bool{}
	owned(v, own)
	for _, m := range matches {
		if err := t.change(r, m, own); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// clone copies what is transformed, with $clone, which may be bound to another function.
func (t *transformer) clone(r *run, v any) (any, error) {
	f, ok := r.variable("clone", t.n.clone, t.env).(function)
	if !ok {
		return nil, &Error{Code: "T2013", Position: t.pos}
	}
	return r.apply(f, []any{v}, nil)
}

// owned are the objects of the copy: only they are changed, whatever else the pattern
// finds (the input, variables).
func owned(v any, into map[*value.Object]bool) {
	if o, ok := v.(*value.Object); ok {
		into[o] = true
		for _, m := range o.Members() {
			owned(m.Value, into)
		}
	}
	list, _ := items(v)
	for _, item := range list {
		owned(item, into)
	}
}

func (t *transformer) change(r *run, m any, own map[*value.Object]bool) error {
	o, _ := m.(*value.Object)
	if !own[o] {
		o = nil
	}
	update, err := t.n.update.eval(r, m, t.env)
	if err != nil {
		return err
	}
	if u, ok := update.(*value.Object); ok {
		if o != nil {
			for _, member := range u.Members() {
				v, err := detached(r, member.Value, 0)
				if err != nil {
					return err
				}
				o.Set(member.Name, v)
			}
		}
	} else if !isUndef(update) {
		return &Error{Code: "T2011", Position: t.n.update.pos, value: update}
	}
	if t.n.remove == nil {
		return nil
	}
	names, err := t.n.remove.eval(r, m, t.env)
	if err != nil || isUndef(names) {
		return err
	}
	list, ok := items(names)
	if !ok {
		list = []any{names}
	}
	gone := map[string]bool{}
	for _, name := range list {
		s, ok := name.(string)
		if !ok {
			return &Error{Code: "T2012", Position: t.n.remove.pos, value: names}
		}
		gone[s] = true
	}
	if o == nil {
		return nil
	}
	rest := &value.Object{}
	for _, member := range o.Members() {
		if !gone[member.Name] {
			rest.Set(member.Name, member.Value)
		}
	}
	*o = *rest
	return nil
}

// detached copies the objects and arrays of a value that is put into an object, so that
// no object comes to hold itself.
func detached(r *run, v any, depth int) (any, error) {
	if err := r.alloc(1, 48); err != nil {
		return nil, err
	}
	if list, ok := items(v); ok {
		out := make([]any, len(list))
		for i, item := range list {
			c, err := detached(r, item, deeper(depth))
			if err != nil {
				return nil, err
			}
			out[i] = c
		}
		return out, nil
	}
	o, ok := v.(*value.Object)
	if !ok {
		return v, nil
	}
	out := &value.Object{}
	for _, m := range o.Members() {
		c, err := detached(r, m.Value, deeper(depth))
		if err != nil {
			return nil, err
		}
		out.Set(m.Name, c)
	}
	return out, nil
}

// cloned copies objects and arrays; what is no JSON becomes what JSON text makes of it.
func cloned(r *run, v any, depth int) (any, error) {
	if err := r.alloc(1, 48); err != nil {
		return nil, err
	}
	if list, ok := items(v); ok {
		out := make([]any, len(list))
		for i, item := range list {
			c, err := cloned(r, item, deeper(depth))
			if err != nil {
				return nil, err
			}
			out[i] = c
		}
		return out, nil
	}
	switch v := v.(type) {
	case *value.Object:
		out := &value.Object{}
		for _, m := range v.Members() {
			c, err := cloned(r, m.Value, deeper(depth))
			if err != nil {
				return nil, err
			}
			out.Set(m.Name, c)
		}
		return out, nil
	case float64:
		if v-v != 0 {
			return nil, faultOf("D1001", v)
		}
		return precise(v), nil
	case undef:
		return nil, nil
	case function:
		return "", nil
	}
	return v, nil
}
