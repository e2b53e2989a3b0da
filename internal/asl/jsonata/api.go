package jsonata

import (
	"context"
	"fmt"
	"sort"
	"time"

	"stepwell/internal/asl/value"
)

// Expr is a compiled expression. It is never changed; many goroutines may
// evaluate it.
type Expr struct {
	src  string
	root *expr
	free []string
}

// Compile reads an expression. The error is an *Error, for the first place where
// something is wrong.
func Compile(src string) (_ *Expr, failed error) {
	defer func() {
		if e := recover(); e != nil {
			fail, ok := e.(*Error)
			if !ok {
				panic(e)
			}
			failed = fail.complete()
		}
	}()
	n, err := parse(src)
	if err != nil {
		return nil, err.complete()
	}
	rs := &resolver{src: src, free: map[string]bool{}, bound: map[string]bool{}}
	x := rs.expr(n)
	if _, ok := x.node.(*parentNode); ok || len(x.seeking) > 0 {
		return nil, (&Error{Code: "S0217", Position: x.pos, Token: x.word, hasToken: true}).complete()
	}
	e := &Expr{src: src, root: x}
	for name := range rs.free {
		if !rs.bound[name] {
			e.free = append(e.free, name)
		}
	}
	sort.Strings(e.free)
	return e, nil
}

// String is the text of the expression.
func (e *Expr) String() string { return e.src }

// Free are the names of the variables that the expression reads but neither binds
// itself nor finds among the built-in functions, sorted: what the caller is asked
// for, without the $.
func (e *Expr) Free() []string { return e.free }

// Scope gives the variables of the caller. A name is asked for each time it is
// read and not bound in the expression; the value must not be changed afterwards.
type Scope interface {
	Lookup(name string) (value.Value, bool)
}

// Vars is a Scope that is a map.
type Vars map[string]value.Value

// Lookup finds a variable.
func (v Vars) Lookup(name string) (value.Value, bool) {
	got, ok := v[name]
	return got, ok
}

// Options are what an evaluation depends on. The zero value has no input and no
// variables and the limits below.
type Options struct {
	Input    value.Value // what $ and $$ are
	HasInput bool        // Input counts; otherwise $ is undefined
	Vars     Scope

	Now    func() time.Time // for $now, $millis, $toMillis; asked once at most; nil: the wall clock
	Random func() float64   // for $random and $shuffle, in [0, 1); nil: math/rand
	UUID   func() string    // for $uuid; nil: random, version 4

	Context  context.Context // its end stops the evaluation; may be nil
	MaxSteps int             // evaluated nodes and handled items; 0: 50 million
	MaxDepth int             // nested evaluations; 0: 10,000
	MaxBytes int             // bytes of everything the evaluation makes, about, be it garbage by then or not; 0: 1 GiB
}

const (
	defaultSteps = 50_000_000
	defaultDepth = 10_000
	defaultBytes = 1 << 30
)

// Kind tells results apart.
type Kind int

const (
	Undefined Kind = iota // no value; Step Functions: "returned nothing (undefined)"
	Function              // a function or something with one in it, no JSON: "returned an unsupported result type"
	Defined               // a JSON value
)

// Result is what an evaluation came to.
type Result struct {
	Kind  Kind
	Value value.Value // where Kind is Defined; shares parts with input and variables
}

// Eval evaluates the expression. The error is an *Error, or that of the context.
func (e *Expr) Eval(o *Options) (result Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			// A fault of ours fails the evaluation, not the server.
			fail, ok := p.(*Error)
			if !ok {
				fail = &Error{Message: fmt.Sprintf("cannot evaluate the expression: internal fault: %v", p)}
			}
			result, err = Result{}, fail.complete()
		}
	}()
	r := &run{o: o, steps: o.MaxSteps, depth: o.MaxDepth, bytes: o.MaxBytes}
	if r.steps == 0 {
		r.steps = defaultSteps
	}
	if r.depth == 0 {
		r.depth = defaultDepth
	}
	if r.bytes == 0 {
		r.bytes = defaultBytes
	}
	var in any = undef{}
	if o.HasInput {
		in = o.Input
		r.root = in
		if _, ok := items(in); ok {
			in = &array{items: []any{in}, seq: true, outer: true}
		}
	} else {
		r.root = undef{}
	}
	v, err := e.root.eval(r, in, &frame{})
	if err != nil {
		if e, ok := err.(*Error); ok {
			return Result{}, e.complete()
		}
		return Result{}, err
	}
	if isUndef(v) {
		return Result{}, nil
	}
	if a, ok := v.(*array); ok && a.outer {
		v = a.items[0]
	}
	out, ok, err := exported(v, 0)
	switch {
	case err != nil:
		return Result{}, err.(*Error).complete()
	case !ok:
		return Result{Kind: Function}, nil
	}
	return Result{Defined, out}, nil
}
