package jsonata

// function is a value that can be called.
type function interface {
	// call calls it with arguments; in is the context value, which a signature may
	// use for an argument that is missing.
	call(r *run, args []any, in any) (any, error)
	// arity is how many arguments a function that calls it gives at most.
	arity() int
}

// lambda is a function of the expression with the scope it was made in.
type lambda struct {
	n   *lambdaNode
	in  any
	env *frame
}

// thunk is a call that a lambda ends with, made when the lambda has returned.
type thunk struct {
	n   *callNode
	x   *expr
	in  any
	env *frame
}

func (n *lambdaNode) eval(_ *run, _ *expr, in any, env *frame) (any, error) {
	return &lambda{n, in, env}, nil
}

func (l *lambda) arity() int { return len(l.n.params) }

func (l *lambda) call(r *run, args []any, in any) (any, error) {
	if l.n.sig != nil {
		var err error
		if args, err = l.n.sig.validate(r, args, in); err != nil {
			return nil, err
		}
	}
	env := &frame{parent: l.env, names: l.n.params, vals: make([]any, len(l.n.params))}
	for i := range env.vals {
		if i < len(args) {
			env.vals[i] = args[i]
		} else {
			env.vals[i] = undef{}
		}
	}
	if err := r.alloc(1, 64); err != nil {
		return nil, err
	}
	return l.n.body.eval(r, l.in, env)
}

// apply calls a function, and the calls that it ends with.
func (r *run) apply(f function, args []any, in any) (any, error) {
	v, err := f.call(r, args, in)
	for err == nil {
		t, ok := v.(*thunk)
		if !ok {
			break
		}
		var next any
		if next, err = t.n.proc.eval(r, t.in, t.env); err != nil {
			break
		}
		args := make([]any, len(t.n.args))
		for i, arg := range t.n.args {
			if args[i], err = arg.eval(r, t.in, t.env); err != nil {
				return nil, err
			}
		}
		if f, ok = next.(function); !ok {
			return nil, at(t.n.noFunction(r, next, t.env), t.x.pos, t.n.name)
		}
		if v, err = f.call(r, args, in); err != nil {
			err = at(err, t.x.pos, t.n.name)
		}
	}
	return v, err
}

// noFunction is the error of calling what is none.
func (n *callNode) noFunction(r *run, proc any, env *frame) *Error {
	if isUndef(proc) && n.hint != "" && !isUndef(r.variable(n.hint, n.meant, env)) {
		return &Error{Code: "T1005", Token: n.hint, hasToken: true}
	}
	return fault("T1006")
}

func (n *callNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	if n.tail {
		return &thunk{n, x, in, env}, nil
	}
	return n.invoke(r, x, in, env, nil)
}

// invoke makes the call; first, if there is one, goes before the arguments.
func (n *callNode) invoke(r *run, x *expr, in any, env *frame, first []any) (any, error) {
	proc, err := n.proc.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	f, ok := proc.(function)
	if !ok {
		if e := n.noFunction(r, proc, env); e.Code == "T1005" {
			return nil, at(e, x.pos, n.name)
		}
	}
	args := make([]any, len(first)+len(n.args))
	copy(args, first)
	for i, arg := range n.args {
		if args[len(first)+i], err = arg.eval(r, in, env); err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, at(fault("T1006"), x.pos, n.name)
	}
	v, err := r.apply(f, args, in)
	if err != nil {
		return nil, at(err, x.pos, n.name)
	}
	return v, nil
}

func (n *chainNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	lhs, err := n.lhs.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	if c, ok := n.rhs.node.(*callNode); ok {
		v, err := c.invoke(r, n.rhs, in, env, []any{lhs})
		return v, err
	}
	rhs, err := n.rhs.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	g, ok := rhs.(function)
	if !ok {
		return nil, &Error{Code: "T2006", Position: x.pos, Token: "~>", hasToken: true, value: rhs}
	}
	if f, ok := lhs.(function); ok {
		return &composition{f, g}, nil
	}
	v, err := r.apply(g, []any{lhs}, nil)
	if n, ok := n.rhs.node.(*variableNode); ok && err != nil {
		err = at(err, x.pos, n.name)
	}
	return v, err
}

// composition is f ~> g: what f gives goes to g.
type composition struct{ f, g function }

func (c *composition) arity() int { return 1 }

func (c *composition) call(r *run, args []any, _ any) (any, error) {
	if len(args) == 0 {
		args = []any{undef{}}
	}
	v, err := r.apply(c.f, args[:1], nil)
	if err != nil {
		return nil, err
	}
	return r.apply(c.g, []any{v}, nil)
}

// partial is a function some of whose arguments are given.
type partial struct {
	f     function
	args  []any
	holes []int
}

func (n *partialNode) eval(r *run, x *expr, in any, env *frame) (any, error) {
	p := &partial{args: make([]any, len(n.args))}
	for i, arg := range n.args {
		if arg == nil {
			p.holes = append(p.holes, i)
			continue
		}
		var err error
		if p.args[i], err = arg.eval(r, in, env); err != nil {
			return nil, err
		}
	}
	proc, err := n.proc.eval(r, in, env)
	if err != nil {
		return nil, err
	}
	f, ok := proc.(function)
	if !ok {
		e := &Error{Code: "T1008", Position: x.pos, Token: n.name, hasToken: true}
		if isUndef(proc) && n.hint != "" && !isUndef(r.variable(n.hint, n.meant, env)) {
			e.Code = "T1007"
		}
		return nil, e
	}
	p.f = f
	return p, nil
}

func (p *partial) arity() int { return len(p.holes) }

func (p *partial) call(r *run, args []any, _ any) (any, error) {
	all := append([]any(nil), p.args...)
	for i, at := range p.holes {
		if i < len(args) {
			all[at] = args[i]
		} else {
			all[at] = undef{}
		}
	}
	if l, ok := p.f.(*lambda); ok && l.n.sig != nil { // its signature is not asked any more
		l = &lambda{&lambdaNode{params: l.n.params, body: l.n.body}, l.in, l.env}
		return l.call(r, all, nil)
	}
	return p.f.call(r, all, nil)
}
