package jsonata

import (
	"time"
)

// run is one evaluation: what it may still use, and what is asked once.
type run struct {
	o     *Options
	root  any // $$
	steps int
	depth int
	bytes int
	now   time.Time
}

const (
	textDepth = "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive."
	textTime  = "Expression evaluation timeout: Check for infinite loop"
	textBytes = "Expression evaluation uses too much memory"
)

// step counts one evaluated node or handled item.
func (r *run) step() error {
	r.steps--
	if r.steps&0xffff == 0 || r.steps < 0 {
		return r.check()
	}
	return nil
}

func (r *run) check() error {
	if r.steps < 0 {
		return &Error{Code: "U1001", detail: textTime}
	}
	if r.o.Context != nil {
		return r.o.Context.Err()
	}
	return nil
}

// work counts many steps at once.
func (r *run) work(n int) error {
	before := r.steps
	r.steps -= n
	if r.steps < 0 || before>>16 != r.steps>>16 {
		return r.check()
	}
	return nil
}

// grow counts items that an array is made of.
func (r *run) grow(n int) error { return r.alloc(n, 24) }

// alloc counts memory: n things of a size. It is asked before they are made.
func (r *run) alloc(n, size int) error {
	if n > r.bytes/size {
		r.bytes = 0
		return &Error{Code: "U1001", detail: textBytes}
	}
	r.bytes -= n * size
	return r.work(n)
}

// text counts the bytes of a string that is made.
func (r *run) text(n int) error {
	if n > r.bytes {
		r.bytes = 0
		return &Error{Code: "U1001", detail: textBytes}
	}
	r.bytes -= n
	return r.work(n / 64)
}

// time is now, the same through one evaluation.
func (r *run) time() time.Time {
	if r.now.IsZero() {
		if r.o.Now != nil {
			r.now = r.o.Now()
		} else {
			r.now = time.Now()
		}
	}
	return r.now
}

// frame holds the variables of one scope.
type frame struct {
	parent *frame
	names  []string // shared with the lambda or tuple that it was made for
	vals   []any
	shared bool // vals are a tuple's
}

func (f *frame) bind(name string, v any) {
	if f.shared {
		f.vals, f.shared = append(make([]any, 0, len(f.vals)+1), f.vals...), false
	}
	for i, n := range f.names {
		if n == name {
			f.vals[i] = v
			return
		}
	}
	f.names = append(f.names[:len(f.names):len(f.names)], name)
	f.vals = append(f.vals, v)
}

func (f *frame) lookup(name string) (any, bool) {
	for ; f != nil; f = f.parent {
		for i := len(f.names) - 1; i >= 0; i-- {
			if f.names[i] == name {
				return f.vals[i], true
			}
		}
	}
	return nil, false
}

// within is the scope of a tuple's bindings.
func (t *tuple) within(env *frame) *frame {
	return &frame{parent: env, names: t.names, vals: t.vals, shared: true}
}
