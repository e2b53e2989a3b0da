package jsonata

import (
	"math"

	"stepwell/internal/asl/value"
)

func (p *pathNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	if p.simple && x.group == nil {
		return p.walk(r, in, env)
	}
	return p.steady(r, x, in, env)
}

// walk follows names through objects; where an array is met, it goes on as paths
// do in general.
func (p *pathNode) walk(r *run, in any, env *frame) (any, error) {
	v, i := in, 0
	if n, ok := p.steps[0].node.(*variableNode); ok {
		v, i = r.variable(n.name, n.builtin, env), 1
	}
	for ; i < len(p.steps); i++ {
		o, ok := v.(*value.Object)
		if !ok {
			break
		}
		if v, ok = o.Get(p.steps[i].node.(*nameNode).name); !ok {
			return undef{}, nil
		}
	}
	if i == len(p.steps) {
		return v, nil
	}
	if _, ok := items(v); ok {
		return p.sequences(r, v, env, i)
	}
	return undef{}, nil
}

// steady evaluates the path step by step from its context value.
func (p *pathNode) steady(r *run, x *expr, in any, env *frame) (any, error) {
	if _, ok := items(in); !ok || isVariable(p.steps[0]) {
		in = sequence(in)
	}
	hasTuples := false
	for _, step := range p.steps {
		hasTuples = hasTuples || step.isTuple
	}
	var v any
	var err error
	if hasTuples {
		v, err = p.tuples(r, x, in, env)
	} else {
		v, err = p.sequences(r, in, env, 0)
	}
	if err != nil {
		return nil, err
	}
	if p.keep {
		v = kept(v)
	}
	if x.group == nil {
		return v, nil
	}
	return x.group.group(r, v, env)
}

func isVariable(x *expr) bool {
	switch x.node.(type) {
	case *variableNode, contextNode, rootNode:
		return true
	}
	return false
}

// kept marks the result of a path with [] in it.
func kept(v any) any {
	switch v := v.(type) {
	case *array:
		if v.cons && !v.seq {
			return &array{items: []any{v}, seq: true, keep: true}
		}
		v.keep = true
	}
	return v
}

// sequences evaluates steps from one on, each on every item of what came before.
func (p *pathNode) sequences(r *run, v any, env *frame, from int) (any, error) {
	for i := from; i < len(p.steps); i++ {
		step := p.steps[i]
		var err error
		if i == 0 && step.consArray {
			v, err = step.eval(r, v, env)
		} else {
			v, err = step.each(r, v, env, i == len(p.steps)-1)
		}
		if err != nil {
			return nil, err
		}
		if next, ok := items(v); ok && len(next) == 0 || isUndef(v) {
			return v, nil
		}
	}
	return v, nil
}

// each evaluates a step on every item and joins what comes out.
func (x *expr) each(r *run, in any, env *frame, last bool) (any, error) {
	if s, ok := x.node.(*sortNode); ok {
		v, err := s.sort(r, x, in, env)
		for i := 0; i < len(x.stages) && err == nil; i++ {
			v, err = filter(r, x.stages[i].filter, v, env)
		}
		return v, err
	}
	out := sequence()
	count, first := 0, any(nil)
	list, _ := items(in)
	for _, item := range list {
		v, err := x.eval(r, item, env)
		for i := 0; i < len(x.stages) && err == nil; i++ {
			v, err = filter(r, x.stages[i].filter, v, env)
		}
		if err != nil {
			return nil, err
		}
		if isUndef(v) {
			continue
		}
		if count++; count == 1 {
			first = v
		}
		if a, ok := v.(*array); ok && a.cons {
			out.items = append(out.items, v)
			err = r.grow(1)
		} else {
			err = out.flat(r, v)
		}
		if err != nil {
			return nil, err
		}
	}
	if last && count == 1 {
		if a, ok := first.(*array); ok && !a.seq {
			return a, nil
		}
		if a, ok := first.([]any); ok {
			return a, nil
		}
	}
	return out, nil
}

// tuples evaluates a path in which @, # or % bind: from the first such step on,
// its items are tuples.
func (p *pathNode) tuples(r *run, x *expr, v any, env *frame) (any, error) {
	var stream *array
	in := v
	for i, step := range p.steps {
		var err error
		switch {
		case i == 0 && step.consArray:
			v, err = step.eval(r, v, env)
		case stream != nil || step.isTuple:
			stream, err = step.stream(r, v, stream, env)
		default:
			v, err = step.each(r, v, env, i == len(p.steps)-1)
		}
		if err != nil {
			return nil, err
		}
		if stream != nil {
			continue
		}
		next, ok := items(v)
		if i == 0 && step.consArray && step.isTuple {
			if step.focus != "" { // the path goes on from where it began
				next, _ = items(in)
			}
			stream = tuplesOf(next)
			continue
		}
		if ok && len(next) == 0 || isUndef(v) {
			return v, nil
		}
	}
	if x.isTuple || x.group != nil {
		return stream, nil
	}
	out := sequence()
	for _, t := range stream.items {
		out.items = append(out.items, t.(*tuple).at)
	}
	return out, r.grow(len(out.items))
}

func tuplesOf(list []any) *array {
	stream := &array{seq: true, tuple: true, items: make([]any, len(list))}
	for i, item := range list {
		stream.items[i] = &tuple{at: item}
	}
	return stream
}

// stream evaluates a step on every tuple of a stream; without one, on the items.
func (x *expr) stream(r *run, in any, from *array, env *frame) (*array, error) {
	if s, ok := x.node.(*sortNode); ok {
		return x.streamSort(r, s, in, from, env)
	}
	if from == nil {
		list, _ := items(in)
		from = tuplesOf(list)
	}
	out := &array{seq: true, tuple: true}
	for _, item := range from.items {
		t := item.(*tuple)
		v, err := x.eval(r, t.at, t.within(env))
		if err != nil {
			return nil, err
		}
		if isUndef(v) {
			continue
		}
		found, ok := items(v)
		if !ok {
			found = []any{v}
		}
		if err := r.alloc(len(found), 128); err != nil {
			return nil, err
		}
		inner, _ := v.(*array)
		for i, item := range found {
			next := t.clone()
			if inner != nil && inner.tuple {
				got := item.(*tuple)
				next.at = got.at
				for j, name := range got.names {
					next.with(name, got.vals[j])
				}
			} else {
				x.bindStep(next, t, item, i)
			}
			out.items = append(out.items, next)
		}
	}
	return x.streamStages(r, out, env)
}

func (x *expr) bindStep(next, from *tuple, item any, i int) {
	if x.focus != "" {
		next.with(x.focus, item)
	} else {
		next.at = item
	}
	if x.index != "" {
		next.with(x.index, float64(i))
	}
	if x.ancestor != nil {
		next.with(x.ancestor.label, from.at)
	}
}

func (x *expr) streamSort(r *run, s *sortNode, in any, from *array, env *frame) (*array, error) {
	if from != nil {
		v, err := s.sort(r, x, from, env)
		if err != nil {
			return nil, err
		}
		sorted, _ := items(v)
		return x.streamStages(r, &array{items: sorted, seq: true, tuple: true}, env)
	}
	v, err := s.sort(r, x, in, env)
	if err != nil {
		return nil, err
	}
	sorted, _ := items(v)
	out := tuplesOf(sorted)
	if x.index != "" {
		for i, t := range out.items {
			t.(*tuple).with(x.index, float64(i))
		}
	}
	return x.streamStages(r, out, env)
}

func (x *expr) streamStages(r *run, stream *array, env *frame) (*array, error) {
	for _, s := range x.stages {
		if s.filter != nil {
			v, err := filter(r, s.filter, stream, env)
			if err != nil {
				return nil, err
			}
			stream = v.(*array)
			continue
		}
		for i, t := range stream.items {
			t.(*tuple).with(s.index, float64(i))
		}
	}
	return stream, nil
}

// filter keeps the items for which the predicate holds, or whose place it names.
func filter(r *run, predicate *expr, v any, env *frame) (any, error) {
	list, ok := items(v)
	if !ok {
		list = []any{v}
	}
	out := sequence()
	a, _ := v.(*array)
	if a != nil && a.tuple {
		out.tuple = true
	}
	if lit, ok := predicate.node.(*literalNode); ok {
		if f, ok := lit.val.(float64); ok {
			if i := place(f, len(list)); i >= 0 && i < len(list) {
				if _, ok := items(list[i]); ok {
					return list[i], nil
				}
				if !isUndef(list[i]) {
					out.items = []any{list[i]}
				}
			}
			return out, nil
		}
	}
	for i, item := range list {
		times, err := admits(r, predicate, item, i, len(list), env)
		if err != nil {
			return nil, err
		}
		if err := r.grow(times); err != nil {
			return nil, err
		}
		for range times {
			out.items = append(out.items, item)
		}
	}
	return out, nil
}

// place is the index that a number names; -1 if it names none.
func place(f float64, n int) int {
	f = math.Floor(f)
	if f < 0 {
		f += float64(n)
	}
	if f >= 0 && f < float64(n) {
		return int(f)
	}
	return -1
}

// admits tells how many times a predicate selects an item.
func admits(r *run, predicate *expr, item any, i, n int, env *frame) (int, error) {
	context := item
	if t, ok := item.(*tuple); ok {
		context, env = t.at, t.within(env)
	}
	v, err := predicate.eval(r, context, env)
	if err != nil {
		return 0, err
	}
	if f, ok, err := numeric(v); err != nil {
		return 0, err
	} else if ok {
		if place(f, n) == i {
			return 1, nil
		}
		return 0, nil
	}
	if list, ok := items(v); ok {
		times := 0
		for _, p := range list {
			f, isNum, err := numeric(p)
			if err != nil {
				return 0, err
			}
			if ok = ok && isNum; !ok {
				break
			}
			if place(f, n) == i {
				times++
			}
		}
		if ok {
			return times, nil
		}
	}
	ok, err := truth(v)
	if ok {
		return 1, err
	}
	return 0, err
}
