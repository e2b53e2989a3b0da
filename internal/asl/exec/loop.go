package exec

import (
	"strconv"

	"stepwell/internal/asl/syntax"
	"stepwell/internal/asl/value"
)

// The service runs at most 40 iterations of an inline Map at once.
const inlineConcurrency = 40

func (x *Execution) startMap(f *frame) error {
	code := f.state.loop
	input, err := x.effectiveInput(f)
	if err != nil {
		return err
	}
	sc := x.scope(f, input)
	items, err := sc.input()
	path := "$"
	if err == nil && code.itemsPath != nil {
		path = code.itemsPath.text
		items, err = sc.member(code.itemsPath, "ItemsPath")
	}
	if err != nil {
		return err
	}
	list, ok := items.([]value.Value)
	if !ok {
		return bareFault(errRuntime, "Reference path \"%s\" must point to array.", path)
	}
	most, err := x.concurrency(sc, code)
	if err != nil {
		return err
	}
	n := int64(len(list))
	x.event(f, &record{op: opKids, num: n, due: most, raw: value.Text(items),
		event: &Event{Type: "MapStateStarted", Length: n}})
	return nil
}

func (x *Execution) concurrency(sc *scope, code *mapCode) (int64, error) {
	most := int64(0)
	if code.concurrency != nil {
		most = *code.concurrency
	}
	if code.concurrencyPath != nil {
		v, err := sc.member(code.concurrencyPath, "MaxConcurrencyPath")
		if err != nil {
			return 0, err
		}
		text := textOf(v)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, runtimeFault("The MaxConcurrencyPath field refers to value \"%s\" which is not a valid integer: %s",
				text, code.concurrencyPath.text)
		}
		if n < 0 {
			return 0, runtimeFault("MaxConcurrency cannot be negative.")
		}
		most = n
	}
	if most <= 0 || most > inlineConcurrency {
		most = inlineConcurrency
	}
	return most, nil
}

// iterate starts the next iterations of a Map state.
func (x *Execution) iterate(f *frame) {
	for f.phase == inKids && f.kids.startable() && !x.full {
		k := f.kids
		input, err := x.iterationInput(f, k.next)
		if err != nil {
			x.failKids(f, nil, *x.failureOf(f, err))
			return
		}
		x.event(f, &record{op: opIterate, raw: input, keep: true,
			event: &Event{Type: "MapIterationStarted", Name: f.state.Name, Index: int64(k.next), PreviousID: k.link}})
	}
}

func (x *Execution) iterationInput(f *frame, i int) ([]byte, error) {
	selector := f.state.loop.selector
	if selector == nil {
		return f.kids.items[i], nil
	}
	input, err := x.effectiveInput(f)
	if err != nil {
		return nil, err
	}
	sc := x.scope(f, input)
	sc.itemIndex, sc.item = i, f.kids.items[i]
	v, err := sc.template(selector)
	if err != nil {
		return nil, err
	}
	return value.Text(v), nil
}

func (x *Execution) failureOf(f *frame, err error) *failure {
	fault, ok := err.(*stateFault)
	if !ok {
		fault = runtimeFault("%v", err)
	}
	return fault.failure(f)
}

// failKids ends all branches or iterations of f because child failed (or, where
// child is nil, because f cannot go on), and hands the failure to f.
func (x *Execution) failKids(f *frame, child *frame, fail failure) {
	fail.inside = true
	last := f.last
	if child != nil {
		last = child.last
	}
	for _, k := range f.kids.frames {
		if f.state.loop != nil {
			kind := EventType("MapIterationAborted")
			if k == child {
				kind = "MapIterationFailed"
			}
			x.event(f, &record{op: opEvent, keep: true,
				event: &Event{Type: kind, Name: f.state.Name, Index: int64(k.index), PreviousID: last}})
		}
		x.abortEvents(f, k, last)
		x.abandon(k)
	}
	x.emit(&record{op: opKidsFailed, frame: f.id, num: last, fail: &fail})
}

// abortEvents reports the states that were entered and not left in k and below.
func (x *Execution) abortEvents(f, k *frame, last int64) {
	if k.kids != nil {
		for _, inner := range k.kids.frames {
			x.abortEvents(f, inner, last)
		}
	}
	if k.state == nil {
		return
	}
	switch k.state.Body.(type) {
	case *syntax.Task, *syntax.Wait, *syntax.Parallel, *syntax.Map:
		x.event(f, &record{op: opEvent, keep: true, event: &Event{Type: EventType(k.state.Type + "StateAborted"), PreviousID: last}})
	}
}

// abandon lists the tasks in flight in f and below as abandoned.
func (x *Execution) abandon(f *frame) {
	if f.task != nil {
		x.step.Abandon = append(x.step.Abandon, x.taskOf(f))
	}
	if f.kids != nil {
		for _, k := range f.kids.frames {
			x.abandon(k)
		}
	}
}

// textOf is a value as the service writes it in messages.
func textOf(v value.Value) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(value.Text(v))
}
