// Package jsonpath parses and evaluates the JSONPath that Step Functions
// uses: $ and $$ and $variable roots, names, indexes, unions, slices,
// wildcards, descent, filters and functions, with the semantics of the Jayway
// library that the service is built on (its error texts show through).
//
// It evaluates over asl/value and holds no state. The packages of asl import it.
package jsonpath

import (
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/asl/value"
)

// Root says what a path starts from.
type Root uint8

const (
	Input    Root = iota // $
	Context              // $$
	Variable             // $name
)

// Path is a parsed path. It is immutable.
type Path struct {
	Text     string
	Root     Root
	Variable string // the name, where Root is Variable
	steps    []step
	function string // length, min, ...; "" = none
}

type stepKind uint8

const (
	stepName  stepKind = iota // .name ['name'] ['a','b']
	stepIndex                 // [1] [-1] [0,2]
	stepSlice                 // [a:b:c]
	stepWild                  // .* [*]
	stepScan                  // .. (applies the next step to every descendant)
	stepFilter
)

type step struct {
	kind   stepKind
	names  []string
	index  []int
	slice  [3]*int
	filter *expr
}

// Definite reports whether the path selects at most one value: it has no
// wildcards, slices, unions, descent or filters. A union of names as the last
// step selects one object of those members.
func (p *Path) Definite() bool {
	for i, s := range p.steps {
		if s.kind > stepIndex || len(s.index) > 1 || len(s.names) > 1 && i < len(p.steps)-1 {
			return false
		}
	}
	return true
}

// Reference reports whether the path is a reference path (may be used to store).
func (p *Path) Reference() bool {
	n := len(p.steps)
	return p.Definite() && p.function == "" && (n == 0 || len(p.steps[n-1].names) < 2)
}

// Whole reports whether the path is its bare root.
func (p *Path) Whole() bool { return len(p.steps) == 0 && p.function == "" }

// FirstName is the name the path's first step selects; "" if it is none.
func (p *Path) FirstName() string {
	if len(p.steps) > 0 && p.steps[0].kind == stepName {
		return p.steps[0].names[0]
	}
	return ""
}

// canonical writes the first n steps as Jayway does in its messages.
func (p *Path) canonical(n int) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range p.steps[:n] {
		s.write(&b)
	}
	return b.String()
}

func (s step) write(b *strings.Builder) {
	switch s.kind {
	case stepName:
		b.WriteByte('[')
		for i, n := range s.names {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, "'%s'", n)
		}
		b.WriteByte(']')
	case stepIndex:
		b.WriteByte('[')
		for i, n := range s.index {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteByte(']')
	case stepSlice:
		part := func(i int) string {
			if s.slice[i] == nil {
				return ""
			}
			return strconv.Itoa(*s.slice[i])
		}
		fmt.Fprintf(b, "[%s:%s]", part(0), part(1))
	case stepWild:
		b.WriteString("[*]")
	case stepScan:
		b.WriteString("..")
	case stepFilter:
		b.WriteString("[?]")
	}
}

// NotFound says that a definite path selects nothing. Its text is Jayway's.
type NotFound struct{ Text string }

func (e *NotFound) Error() string { return e.Text }

// Eval applies the path to the document its root stands for. A path that is
// not definite gives an array, which may be empty; a definite one that selects
// nothing gives *NotFound.
func (p *Path) Eval(doc value.Value) (value.Value, error) {
	return p.eval(doc, &evaluator{root: doc, left: maxWork})
}

// eval evaluates p on doc within the work that e has left.
func (p *Path) eval(doc value.Value, e *evaluator) (value.Value, error) {
	var result value.Value
	if p.Definite() {
		v, err := p.evalDefinite(doc)
		if err != nil {
			return nil, err
		}
		result = v
	} else {
		list := []value.Value{}
		e.walk(doc, p.steps, func(v value.Value) { list = append(list, v) })
		if e.left < 0 {
			return nil, fmt.Errorf("cannot evaluate path %q: it visits more than %d values", p.Text, maxWork)
		}
		result = list
	}
	if p.function != "" {
		return applyFunction(p.function, result)
	}
	return result, nil
}

func (p *Path) evalDefinite(doc value.Value) (value.Value, error) {
	at := doc
	for i, s := range p.steps {
		next, ok := s.single(at)
		if !ok {
			return nil, p.notFound(i, at)
		}
		at = next
	}
	return at, nil
}

func (p *Path) notFound(i int, at value.Value) error {
	last := i == len(p.steps)-1
	if _, isObject := at.(*value.Object); !last && p.steps[i].kind == stepName && isObject {
		return &NotFound{"Missing property in path " + p.canonical(i+1)}
	}
	return &NotFound{"No results for path: " + p.canonical(len(p.steps))}
}

func (s step) single(at value.Value) (value.Value, bool) {
	switch s.kind {
	case stepName:
		if o, ok := at.(*value.Object); ok && len(s.names) > 1 {
			return members(o, s.names), true
		} else if ok {
			return o.Get(s.names[0])
		}
	case stepIndex:
		if a, ok := at.([]value.Value); ok {
			i := s.index[0]
			if i < 0 {
				i += len(a)
			}
			if i >= 0 && i < len(a) {
				return a[i], true
			}
		}
	}
	return nil, false
}

// Set returns doc with v stored at the reference path; missing objects on the
// way are made. doc is not changed. ok is false where the path goes through a
// value that is not an object (or past the end of an array).
func (p *Path) Set(doc, v value.Value) (value.Value, bool) {
	return set(doc, p.steps, v)
}

func set(doc value.Value, steps []step, v value.Value) (value.Value, bool) {
	if len(steps) == 0 {
		return v, true
	}
	switch s := steps[0]; s.kind {
	case stepName:
		o, ok := doc.(*value.Object)
		if !ok || len(s.names) > 1 {
			return nil, false
		}
		child, ok := o.Get(s.names[0])
		if !ok && len(steps) > 1 {
			child = &value.Object{}
		}
		child, ok = set(child, steps[1:], v)
		if !ok {
			return nil, false
		}
		o = o.Clone()
		o.Set(s.names[0], child)
		return o, true
	case stepIndex:
		a, ok := doc.([]value.Value)
		i := s.index[0]
		if len(s.index) > 1 {
			return nil, false
		}
		if !ok || i < 0 || i >= len(a) {
			return nil, false
		}
		child, ok := set(a[i], steps[1:], v)
		if !ok {
			return nil, false
		}
		a = append([]value.Value(nil), a...)
		a[i] = child
		return a, true
	}
	return nil, false
}
