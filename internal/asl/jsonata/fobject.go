package jsonata

import "stepwell/internal/asl/value"

func fnLookup(r *run, a []any) (any, error) {
	if isUndef(a[1]) {
		return undef{}, nil
	}
	return lookup(r, a[0], str(a, 1), 0)
}

func fnKeys(r *run, a []any) (any, error) {
	names := &value.Object{}
	if err := keysOf(r, a[0], names, 0); err != nil {
		return nil, err
	}
	out := sequence()
	for _, m := range names.Members() {
		out.items = append(out.items, m.Name)
	}
	return out, nil
}

func keysOf(r *run, v any, into *value.Object, depth int) error {
	if o, ok := v.(*value.Object); ok {
		for _, m := range o.Members() {
			into.Set(m.Name, true)
		}
		return r.grow(o.Len())
	}
	list, _ := items(v)
	for _, item := range list {
		if err := keysOf(r, item, into, deeper(depth)); err != nil {
			return err
		}
	}
	return nil
}

func fnMerge(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	out := &value.Object{}
	for _, item := range list {
		o, ok := item.(*value.Object)
		if !ok {
			continue
		}
		if err := r.alloc(o.Len(), 48); err != nil {
			return nil, err
		}
		for _, m := range o.Members() {
			out.Set(m.Name, m.Value)
		}
	}
	return out, nil
}

func fnSpread(r *run, a []any) (any, error) { return spread(r, a[0], 0) }

func spread(r *run, v any, depth int) (any, error) {
	if o, ok := v.(*value.Object); ok {
		out := sequence()
		for _, m := range o.Members() {
			out.items = append(out.items, value.NewObject(m))
		}
		return out, r.alloc(o.Len(), 128)
	}
	list, ok := items(v)
	if !ok {
		return v, nil
	}
	var out any = sequence()
	for _, item := range list {
		one, err := spread(r, item, deeper(depth))
		if err != nil {
			return nil, err
		}
		if seq := out.(*array); !isUndef(one) {
			seq.seq = false // as concatenation leaves it
			if err := seq.flat(r, one); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func fnClone(r *run, a []any) (any, error) { return cloned(r, a[0], 0) }

// visit calls a function with a value and, where it takes them, what tells where
// it stands and where that is.
func (r *run) visit(f function, v, key, all any) (any, error) {
	args := []any{v}
	switch n := f.arity(); {
	case n >= 3:
		args = []any{v, key, all}
	case n == 2:
		args = []any{v, key}
	}
	return r.apply(f, args, nil)
}

func fnMap(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	f, _ := a[1].(function)
	out := sequence()
	for i, item := range list {
		v, err := r.visit(f, item, float64(i), a[0])
		if err != nil {
			return nil, err
		}
		if !isUndef(v) {
			if err := r.grow(1); err != nil {
				return nil, err
			}
			out.items = append(out.items, v)
		}
	}
	return out, nil
}

func fnFilter(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	f, _ := a[1].(function)
	out := sequence()
	for i, item := range list {
		v, err := r.visit(f, item, float64(i), a[0])
		if err != nil {
			return nil, err
		}
		ok, err := truth(v)
		if err != nil {
			return nil, err
		}
		if ok {
			if err := r.grow(1); err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	}
	return out, nil
}

func fnSingle(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	f, hasTest := argument(a, 1).(function)
	var found any
	count := 0
	for i, item := range list {
		if hasTest {
			v, err := r.visit(f, item, float64(i), a[0])
			if err != nil {
				return nil, err
			}
			if ok, err := truth(v); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
		}
		if count++; count > 1 {
			return nil, &Error{Code: "D3138", index: i}
		}
		found = item
	}
	if count == 0 {
		return nil, fault("D3139")
	}
	return found, nil
}

func fnReduce(r *run, a []any) (any, error) {
	list, _ := items(a[0])
	f, _ := a[1].(function)
	n := f.arity()
	if n < 2 {
		return nil, &Error{Code: "D3050", index: 1}
	}
	result, i := argument(a, 2), 0
	if isUndef(result) && len(list) > 0 {
		result, i = list[0], 1
	}
	for ; i < len(list); i++ {
		args := []any{result, list[i]}
		if n >= 3 {
			args = append(args, float64(i))
		}
		if n >= 4 {
			args = append(args, a[0])
		}
		var err error
		if result, err = r.apply(f, args, nil); err != nil {
			return nil, err
		}
	}
	return result, nil
}

func fnEach(r *run, a []any) (any, error) {
	out := sequence()
	o, ok := a[0].(*value.Object)
	if !ok {
		return out, nil
	}
	f, _ := a[1].(function)
	for _, m := range o.Members() {
		v, err := r.visit(f, m.Value, m.Name, o)
		if err != nil {
			return nil, err
		}
		if !isUndef(v) {
			if err := r.grow(1); err != nil {
				return nil, err
			}
			out.items = append(out.items, v)
		}
	}
	return out, nil
}

func fnSift(r *run, a []any) (any, error) {
	o, ok := a[0].(*value.Object)
	f, isFunc := argument(a, 1).(function)
	if !ok || !isFunc {
		return undef{}, nil
	}
	out := &value.Object{}
	for _, m := range o.Members() {
		v, err := r.visit(f, m.Value, m.Name, o)
		if err != nil {
			return nil, err
		}
		ok, err := truth(v)
		if err != nil {
			return nil, err
		}
		if ok {
			if err := r.alloc(1, 48); err != nil {
				return nil, err
			}
			out.Set(m.Name, m.Value)
		}
	}
	if out.Len() == 0 {
		return undef{}, nil
	}
	return out, nil
}
