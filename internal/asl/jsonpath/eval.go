package jsonpath

import (
	"errors"
	"math"

	"stepwell/internal/asl/value"
)

// maxWork bounds how many values a path may visit, so that a path of many
// descents ends.
const maxWork = 2_000_000

type evaluator struct {
	root value.Value
	left int // values that may still be visited
}

// walk calls emit for every node that steps select from at.
func (e *evaluator) walk(at value.Value, steps []step, emit func(value.Value)) {
	if e.left--; e.left < 0 {
		return
	}
	if len(steps) == 0 {
		emit(at)
		return
	}
	s, rest := steps[0], steps[1:]
	switch s.kind {
	case stepScan:
		e.scan(at, rest, emit)
		return
	case stepName:
		if o, ok := at.(*value.Object); ok {
			e.names(o, s.names, rest, emit)
		}
		return
	case stepWild:
		for _, c := range children(at) {
			e.walk(c, rest, emit)
		}
		return
	case stepFilter:
		e.filter(at, s, rest, emit)
		return
	}
	a, ok := at.([]value.Value)
	if !ok {
		return
	}
	if s.kind == stepIndex {
		for _, i := range s.index {
			if i < 0 {
				i += len(a)
			}
			if i >= 0 && i < len(a) {
				e.walk(a[i], rest, emit)
			}
		}
		return
	}
	from, to := sliceBounds(s.slice, len(a))
	for i := from; i < to; i++ {
		e.walk(a[i], rest, emit)
	}
}

// names handles ['a'] and ['a','b']; the union as a last step gives one object.
func (e *evaluator) names(o *value.Object, names []string, rest []step, emit func(value.Value)) {
	if len(names) > 1 && len(rest) == 0 {
		emit(members(o, names))
		return
	}
	for _, n := range names {
		if v, ok := o.Get(n); ok {
			e.walk(v, rest, emit)
		}
	}
}

// members is the object of o's members of those names.
func members(o *value.Object, names []string) *value.Object {
	part := &value.Object{}
	for _, n := range names {
		if v, ok := o.Get(n); ok {
			part.Set(n, v)
		}
	}
	return part
}

func (e *evaluator) scan(at value.Value, rest []step, emit func(value.Value)) {
	if e.left < 0 {
		return
	}
	filtered := len(rest) > 0 && rest[0].kind == stepFilter
	switch at.(type) {
	case *value.Object, []value.Value:
	default:
		return
	}
	// Behind a descent a filter tests every object itself, so its array does not test it again.
	if _, isArray := at.([]value.Value); !filtered || !isArray {
		e.walk(at, rest, emit)
	}
	for _, c := range children(at) {
		e.scan(c, rest, emit)
	}
}

func (e *evaluator) filter(at value.Value, s step, rest []step, emit func(value.Value)) {
	switch at := at.(type) {
	case []value.Value:
		for _, c := range at {
			if s.filter.truth(e, c) {
				e.walk(c, rest, emit)
			}
		}
	case *value.Object:
		if s.filter.truth(e, at) {
			e.walk(at, rest, emit)
		}
	}
}

func children(v value.Value) []value.Value {
	switch v := v.(type) {
	case []value.Value:
		return v
	case *value.Object:
		list := make([]value.Value, 0, v.Len())
		for _, m := range v.Members() {
			list = append(list, m.Value)
		}
		return list
	}
	return nil
}

func sliceBounds(s [3]*int, n int) (from, to int) {
	clamp := func(p *int, absent int) int {
		if p == nil {
			return absent
		}
		i := *p
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	return clamp(s[0], 0), clamp(s[1], n)
}

var functions = map[string]bool{"length": true, "size": true, "min": true, "max": true, "avg": true,
	"sum": true, "stddev": true, "keys": true, "first": true, "last": true}

// applyFunction is the function at the end of a path.
func applyFunction(name string, v value.Value) (value.Value, error) {
	list, isList := v.([]value.Value)
	switch name {
	case "length", "size":
		switch v := v.(type) {
		case []value.Value:
			return value.Int(int64(len(v))), nil
		case *value.Object:
			return value.Int(int64(v.Len())), nil
		}
		return nil, nil
	case "keys":
		o, ok := v.(*value.Object)
		if !ok {
			return nil, nil
		}
		names := []value.Value{}
		for _, m := range o.Members() {
			names = append(names, m.Name)
		}
		return names, nil
	case "first", "last":
		if !isList || len(list) == 0 {
			return nil, errors.New("Aggregation function attempted to calculate value using empty array")
		}
		if name == "first" {
			return list[0], nil
		}
		return list[len(list)-1], nil
	}
	return aggregate(name, list)
}

func aggregate(name string, list []value.Value) (value.Value, error) {
	sum, squares, least, most, n := 0.0, 0.0, math.MaxFloat64, -math.MaxFloat64, 0.0
	for _, v := range list {
		if number, ok := v.(value.Number); ok {
			f := number.Float()
			sum, squares, least, most, n = sum+f, squares+f*f, min(least, f), max(most, f), n+1
		}
	}
	if n == 0 {
		return nil, errors.New("Aggregation function attempted to calculate value using empty array")
	}
	r := sum
	switch name {
	case "min":
		r = least
	case "max":
		r = most
	case "avg":
		r = sum / n
	case "stddev":
		r = math.Sqrt(max(squares/n-sum*sum/n/n, 0))
	}
	number := value.Float(r)
	if _, whole := number.Int(); whole {
		number += ".0"
	}
	return number, nil
}
