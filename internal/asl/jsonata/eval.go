package jsonata

import (
	"stepwell/internal/asl/value"
)

// eval evaluates an expression on a context value: its node, then the predicates
// and the grouping behind it; then a sequence of one becomes its item.
func (x *expr) eval(r *run, in any, env *frame) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	if r.depth--; r.depth < 0 {
		return nil, &Error{Code: "U1001", detail: textDepth}
	}
	v, err := x.node.eval(r, x, in, env)
	for i := 0; i < len(x.predicates) && err == nil; i++ {
		v, err = filter(r, x.predicates[i], v, env)
	}
	if err != nil {
		r.depth++
		return nil, err
	}
	if x.group != nil {
		if _, ok := x.node.(*pathNode); !ok {
			if v, err = x.group.group(r, v, env); err != nil {
				r.depth++
				return nil, err
			}
		}
	}
	r.depth++
	if seq, ok := v.(*array); ok && seq.seq && !seq.tuple {
		if x.keepArray {
			seq.keep = true
		}
		switch {
		case len(seq.items) == 0:
			return undef{}, nil
		case len(seq.items) == 1 && !seq.keep:
			return seq.items[0], nil
		}
	}
	return v, nil
}

func (n *literalNode) eval(*run, *expr, any, *frame) (any, error) { return n.val, nil }

func (n *nameNode) eval(r *run, _ *expr, in any, _ *frame) (any, error) {
	return lookup(r, in, n.name, 0)
}

// lookup finds a member, in an array those of all items.
func lookup(r *run, in any, name string, depth int) (any, error) {
	if o, ok := in.(*value.Object); ok {
		if v, ok := o.Get(name); ok {
			return v, nil
		}
		return undef{}, nil
	}
	list, ok := items(in)
	if !ok {
		return undef{}, nil
	}
	out := sequence()
	for _, item := range list {
		v, err := lookup(r, item, name, deeper(depth))
		if err != nil {
			return nil, err
		}
		if isUndef(v) {
			continue
		}
		if err := out.flat(r, v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// flat adds a value, of an array its items.
func (a *array) flat(r *run, v any) error {
	if list, ok := items(v); ok {
		a.items = append(a.items, list...)
		return r.grow(len(list))
	}
	a.items = append(a.items, v)
	return r.grow(1)
}

func (n *variableNode) eval(r *run, _ *expr, _ any, env *frame) (any, error) {
	return r.variable(n.name, n.builtin, env), nil
}

func (r *run) variable(name string, b *builtin, env *frame) any {
	if v, ok := env.lookup(name); ok {
		return v
	}
	if r.o.Vars != nil {
		if v, ok := r.o.Vars.Lookup(name); ok {
			return v
		}
	}
	if b != nil {
		return b
	}
	return undef{}
}

func (contextNode) eval(_ *run, _ *expr, in any, _ *frame) (any, error) {
	if a, ok := in.(*array); ok && a.outer {
		return a.items[0], nil
	}
	return in, nil
}

func (rootNode) eval(r *run, _ *expr, _ any, _ *frame) (any, error) { return r.root, nil }

func (n *parentNode) eval(_ *run, _ *expr, _ any, env *frame) (any, error) {
	if v, ok := env.lookup(n.slot.label); ok {
		return v, nil
	}
	return undef{}, nil
}

func (wildcardNode) eval(r *run, _ *expr, in any, _ *frame) (any, error) {
	if a, ok := in.(*array); ok && a.outer {
		in = a.items[0]
	}
	out := sequence()
	add := func(v any) error {
		list, ok := items(v)
		if !ok {
			out.items = append(out.items, v)
			return r.grow(1)
		}
		out.seq = false // as concatenation leaves it
		var err error
		out.items, err = flatten(r, list, out.items, 0)
		return err
	}
	if o, ok := in.(*value.Object); ok {
		for _, m := range o.Members() {
			if err := add(m.Value); err != nil {
				return nil, err
			}
		}
	} else if list, ok := items(in); ok {
		for _, item := range list {
			if err := add(item); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// flatten adds the items of an array, and of arrays in it, to out.
func flatten(r *run, list, out []any, depth int) ([]any, error) {
	for _, item := range list {
		if inner, ok := items(item); ok {
			var err error
			if out, err = flatten(r, inner, out, deeper(depth)); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.grow(1); err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}

func (descendantNode) eval(r *run, _ *expr, in any, _ *frame) (any, error) {
	out := sequence()
	if isUndef(in) {
		return in, nil
	}
	if err := out.descend(r, in, 0); err != nil {
		return nil, err
	}
	if len(out.items) == 1 {
		return out.items[0], nil
	}
	return out, nil
}

func (a *array) descend(r *run, in any, depth int) error {
	if list, ok := items(in); ok {
		for _, item := range list {
			if err := a.descend(r, item, deeper(depth)); err != nil {
				return err
			}
		}
		return nil
	}
	a.items = append(a.items, in)
	if err := r.grow(1); err != nil {
		return err
	}
	if o, ok := in.(*value.Object); ok {
		for _, m := range o.Members() {
			if err := a.descend(r, m.Value, deeper(depth)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *regexNode) eval(*run, *expr, any, *frame) (any, error) { return n.re, nil }

func (n *arrayNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	out := &array{cons: x.consArray}
	for i, item := range n.items {
		v, err := item.eval(r, in, env)
		if err != nil {
			return nil, err
		}
		if isUndef(v) {
			continue
		}
		if _, ok := item.node.(*arrayNode); ok {
			out.items = append(out.items, v)
			err = r.grow(1)
		} else if a, ok := v.(*array); ok && len(n.items) == 1 && i == 0 && isRange(item) {
			out.items = a.items // nobody else has them
		} else {
			err = out.flat(r, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func isRange(x *expr) bool {
	b, ok := x.node.(*binaryNode)
	return ok && b.op == opRange && x.plain()
}

func (n *bindNode) eval(r *run, _ *expr, in any, env *frame) (any, error) {
	v, err := n.of.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	env.bind(n.name, v)
	return v, nil
}

func (n *condNode) eval(r *run, _ *expr, in any, env *frame) (any, error) {
	v, err := n.test.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	ok, err := truth(v)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return n.yes.eval(r, in, env)
	case n.no != nil:
		return n.no.eval(r, in, env)
	}
	return undef{}, nil
}

func (n *blockNode) eval(r *run, _ *expr, in any, env *frame) (any, error) {
	if n.binds {
		env = &frame{parent: env}
	}
	var v any = undef{}
	for _, item := range n.items {
		var err error
		if v, err = item.eval(r, in, env); err != nil {
			return nil, err
		}
	}
	return v, nil
}
