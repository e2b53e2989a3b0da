package exec

import (
	"math"
	"strconv"
	"strings"

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
	list, err := sc.items(code)
	if err != nil {
		return err
	}
	most, err := sc.concurrency(code)
	if err != nil {
		return err
	}
	if _, _, err := sc.tolerance(code); err != nil {
		return err
	}
	n := int64(len(list))
	x.event(f, &record{op: opKids, num: n, due: most, raw: value.Text(list),
		event: &Event{Type: "MapStateStarted", Length: n}})
	return nil
}

// items are what a Map state iterates over: the elements of an array.
func (s *scope) items(code *mapCode) ([]value.Value, error) {
	v, err := s.dataset(code, false)
	list, _ := v.([]value.Value)
	return list, err
}

// dataset is what a Map state iterates over: an array, or, in Distributed mode,
// an object ("ItemsPath", developer guide).
func (s *scope) dataset(code *mapCode, spread bool) (value.Value, error) {
	if s.f.state.query {
		return s.queryItems(code, spread)
	}
	items, err := s.input()
	path := "$"
	if err == nil && code.itemsPath != nil {
		path = code.itemsPath.text
		if strings.HasPrefix(path, "$$") {
			path = path[1:] // so the service writes it
		}
		items, err = s.member(code.itemsPath, "ItemsPath")
	}
	if err != nil {
		return nil, err
	}
	if !iterable(items, spread) {
		return nil, bareFault(errRuntime, "Reference path \"%s\" must point to array.", path)
	}
	return items, nil
}

func iterable(v value.Value, spread bool) bool {
	switch v.(type) {
	case []value.Value:
		return true
	case *value.Object:
		return spread
	}
	return false
}

// concurrency is how many iterations of an inline Map run at once.
func (s *scope) concurrency(code *mapCode) (int64, error) {
	most, err := s.whole(code.concurrency, code.concurrencyPath, "MaxConcurrency")
	if err != nil {
		return 0, err
	}
	if most == nil || *most == 0 || *most > inlineConcurrency {
		return inlineConcurrency, nil
	}
	return *most, nil
}

// whole evaluates a member that is a number of 0 or more, or its ...Path; nil: absent.
func (s *scope) whole(fixed *int64, e *expr, name string) (*int64, error) {
	switch {
	case e == nil:
		return fixed, nil
	case e.query != nil:
		n, err := s.integer(e, 0, math.MaxInt32)
		return &n, err
	}
	v, err := s.member(e, name+"Path")
	if err != nil {
		return nil, err
	}
	text := textOf(v)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, runtimeFault("The %sPath field refers to value \"%s\" which is not a valid integer: %s", name, text, e.text)
	}
	if n < 0 {
		return nil, runtimeFault("%s cannot be negative.", name)
	}
	return &n, nil
}

// tolerance evaluates ToleratedFailureCount and ToleratedFailurePercentage; nil: absent.
func (s *scope) tolerance(code *mapCode) (count *int64, share *float64, err error) {
	if count, err = s.whole(code.count, code.countPath, "ToleratedFailureCount"); err != nil || code.sharePath == nil {
		return count, code.share, err
	}
	const name = "ToleratedFailurePercentage"
	var v value.Value
	if code.sharePath.query != nil {
		v, err = s.typed(code.sharePath, "number")
	} else {
		v, err = s.member(code.sharePath, name+"Path")
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := strconv.ParseFloat(textOf(v), 64)
	switch {
	case err != nil:
		return nil, nil, runtimeFault("The %sPath field refers to value \"%s\" which is not a valid float: %s", name, textOf(v), code.sharePath.text)
	case f < 0 || f > 100 || f != f:
		return nil, nil, runtimeFault("%s must be between 0 and 100.", name)
	}
	return count, &f, nil
}

// iterate starts the next iterations of a Map state.
func (x *Execution) iterate(f *frame) {
	for f.phase == inKids && f.kids.startable() && !x.full {
		k := f.kids
		input, err := x.iterationInput(f, k.next)
		if err != nil {
			fail := x.failureOf(f, err)
			if fail.evaluated {
				x.event(f, &record{op: opEvent, event: x.evaluationFailed(f, fail)})
			}
			x.failKids(f, nil, *fail)
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
	sc.itemIndex, sc.item, sc.itemFrom = i, f.kids.items[i], origin{source: stateData}
	v, err := sc.template(selector)
	if err != nil {
		return nil, err
	}
	text := value.Text(v)
	if len(text) > x.limits.data {
		return nil, tooLarge(f.state.Name)
	}
	return text, nil
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
	x.abandonRun(f)
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
