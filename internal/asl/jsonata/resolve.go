package jsonata

import "strconv"

// resolver turns the syntax tree into exprs.
type resolver struct {
	src    string
	labels int
	binds  bool // := was seen in the block at hand
	free   map[string]bool
	bound  map[string]bool
}

func (rs *resolver) pos(s span) int { return units(rs.src[:s.end]) }

func (rs *resolver) fail(code string, n syntaxNode, token string) {
	panic(&Error{Code: code, Position: rs.pos(n.where()), Token: token, hasToken: true})
}

func (rs *resolver) expr(n syntaxNode) *expr {
	x := rs.resolve(n)
	if flag := keepFlag(n); flag != nil && *flag {
		x.keepArray = true
	}
	return x
}

func (rs *resolver) exprs(list []syntaxNode, into *expr) []*expr {
	out := make([]*expr, len(list))
	for i, n := range list {
		out[i] = rs.expr(n)
		into.inherit(out[i])
	}
	return out
}

func (rs *resolver) resolve(n syntaxNode) *expr {
	s := n.where()
	x := &expr{pos: rs.pos(s), word: rs.src[s.start:s.end]}
	switch n := n.(type) {
	case *litSyntax:
		x.node = &literalNode{n.val}
	case *nameSyntax:
		step := &expr{pos: x.pos, word: n.name, node: &nameNode{n.name}, keepArray: n.keepArray}
		x.word = n.name
		x.node = &pathNode{steps: []*expr{step}, keep: n.keepArray, simple: !n.keepArray}
	case *varSyntax:
		rs.variable(x, n)
	case *regexSyntax:
		re, err := compileRegex(n.source, n.flags)
		if err != nil {
			err.Position = x.pos
			panic(err)
		}
		re.pos = x.pos
		x.node = &regexNode{re}
	case *signSyntax:
		rs.sign(x, n)
	case *endSyntax:
		rs.fail("S0207", n, "(end)")
	case *holeSyntax:
		rs.fail("S0201", n, "?")
	case *binarySyntax:
		return rs.binary(x, n)
	case *negateSyntax:
		return rs.negate(x, n)
	case *arraySyntax:
		x.node = &arrayNode{rs.exprs(n.items, x)}
	case *objectSyntax:
		return rs.object(x, n)
	case *sortSyntax:
		return rs.sort(x, n)
	case *blockSyntax:
		rs.block(x, n)
	case *callSyntax:
		rs.call(x, n)
	case *lambdaSyntax:
		rs.lambda(x, n)
	case *condSyntax:
		rs.cond(x, n)
	case *transformSyntax:
		t := &transformNode{pattern: rs.expr(n.pattern), update: rs.expr(n.update), clone: builtins["clone"]}
		if n.remove != nil {
			t.remove = rs.expr(n.remove)
		}
		x.node = t
	}
	return x
}

func (rs *resolver) variable(x *expr, n *varSyntax) {
	x.word = n.name
	switch n.name {
	case "":
		x.node = contextNode{}
	case "$":
		x.node = rootNode{}
	default:
		v := &variableNode{name: n.name, builtin: builtins[n.name]}
		if v.builtin == nil {
			rs.free[n.name] = true
		}
		x.node = v
	}
}

func (rs *resolver) sign(x *expr, n *signSyntax) {
	switch n.op {
	case "*":
		x.node = wildcardNode{}
	case "**":
		x.node = descendantNode{}
	default:
		s := &slot{label: "!" + strconv.Itoa(rs.labels), level: 1}
		rs.labels++
		x.node = &parentNode{s}
	}
}

func (rs *resolver) negate(x *expr, n *negateSyntax) *expr {
	of := rs.expr(n.of)
	if lit, ok := of.node.(*literalNode); ok {
		if f, ok := lit.val.(float64); ok {
			lit.val = -f
			return of
		}
	}
	x.inherit(of)
	x.node = &negateNode{of}
	return x
}

func (rs *resolver) binary(x *expr, n *binarySyntax) *expr {
	switch n.op {
	case ".":
		return rs.path(n)
	case "[":
		return rs.predicate(x, n)
	case "@":
		return rs.focus(n)
	case "#":
		return rs.index(n)
	case ":=":
		name := n.lhs.(*varSyntax).name
		rs.binds, rs.bound[name] = true, true
		of := rs.expr(n.rhs)
		x.inherit(of)
		x.node = &bindNode{name, of}
		return x
	case "~>":
		c := &chainNode{rs.expr(n.lhs), rs.expr(n.rhs)}
		x.keepArray = c.lhs.keepArray || c.rhs.keepArray
		x.node = c
		return x
	}
	op, ok := operatorOf(n.op)
	if !ok {
		rs.fail("S0204", n, n.op)
	}
	b := &binaryNode{op: op, lhs: rs.expr(n.lhs), rhs: rs.expr(n.rhs)}
	x.inherit(b.lhs)
	x.inherit(b.rhs)
	x.node = b
	return x
}

// path joins the steps of both sides of a dot.
func (rs *resolver) path(n *binarySyntax) *expr {
	x := rs.expr(n.lhs)
	p, ok := x.node.(*pathNode)
	if !ok {
		p = &pathNode{steps: []*expr{x}}
		step := x
		x = &expr{pos: rs.pos(n.span), word: n.op, node: p}
		if parent, ok := step.node.(*parentNode); ok {
			x.seeking = []*slot{parent.slot}
		}
	}
	rest := rs.expr(n.rhs)
	if r, ok := rest.node.(*pathNode); ok {
		p.steps = append(p.steps, r.steps...)
	} else {
		for _, filter := range rest.predicates {
			rest.stages = append(rest.stages, stage{filter: filter})
		}
		rest.predicates = nil
		p.steps = append(p.steps, rest)
	}
	for _, step := range p.steps {
		if step.keepArray {
			p.keep = true
		}
		lit, ok := step.node.(*literalNode)
		if !ok {
			continue
		}
		name, ok := lit.val.(string)
		if !ok {
			panic(&Error{Code: "S0213", Position: step.pos, value: lit.val})
		}
		step.node = &nameNode{name}
	}
	for _, end := range []*expr{p.steps[0], p.steps[len(p.steps)-1]} {
		if _, ok := end.node.(*arrayNode); ok {
			end.consArray = true
		}
	}
	resolveAncestry(x, p)
	p.judge()
	return x
}

// judge tells whether the path can be walked without sequences.
func (p *pathNode) judge() {
	p.simple = !p.keep
	for i, step := range p.steps {
		switch step.node.(type) {
		case *nameNode:
		case *variableNode:
			if i > 0 {
				p.simple = false
			}
		default:
			p.simple = false
		}
		if !step.plain() {
			p.simple = false
		}
	}
}

// lastStep is the last step of a path, or the expression itself.
func lastStep(x *expr) (step *expr, p *pathNode) {
	if p, ok := x.node.(*pathNode); ok {
		p.simple = false // something will be attached
		return p.steps[len(p.steps)-1], p
	}
	return x, nil
}

func (rs *resolver) predicate(x *expr, n *binarySyntax) *expr {
	pos := x.pos
	x = rs.expr(n.lhs)
	step, p := lastStep(x)
	if step.group != nil {
		panic(&Error{Code: "S0209", Position: pos})
	}
	filter := rs.expr(n.rhs)
	for _, s := range filter.seeking {
		if s.level == 1 {
			seekParent(step, s)
		} else {
			s.level--
		}
	}
	if len(filter.seeking) > 0 {
		step.inherit(filter)
	}
	if p != nil {
		step.stages = append(step.stages, stage{filter: filter})
	} else {
		step.predicates = append(step.predicates, filter)
	}
	return x
}

func (rs *resolver) focus(n *binarySyntax) *expr {
	x := rs.expr(n.lhs)
	step, _ := lastStep(x)
	if len(step.stages) > 0 || len(step.predicates) > 0 {
		panic(&Error{Code: "S0215", Position: rs.pos(n.span)})
	}
	if _, ok := step.node.(*sortNode); ok {
		panic(&Error{Code: "S0216", Position: rs.pos(n.span)})
	}
	if n.keepArray {
		step.keepArray = true
	}
	step.focus, step.isTuple = n.rhs.(*varSyntax).name, true
	rs.bound[step.focus] = true
	return x
}

func (rs *resolver) index(n *binarySyntax) *expr {
	x := rs.expr(n.lhs)
	step, p := lastStep(x)
	if p == nil {
		x = &expr{pos: rs.pos(n.span), word: n.op, node: &pathNode{steps: []*expr{step}}}
		for _, filter := range step.predicates {
			step.stages = append(step.stages, stage{filter: filter})
		}
		step.predicates = nil
	}
	name := n.rhs.(*varSyntax).name
	rs.bound[name] = true
	if len(step.stages) == 0 {
		step.index = name
	} else {
		step.stages = append(step.stages, stage{index: name})
	}
	step.isTuple = true
	return x
}

// object resolves a constructor, or the grouping behind an expression.
func (rs *resolver) object(x *expr, n *objectSyntax) *expr {
	g := &groupNode{pos: x.pos}
	var of *expr
	if n.of != nil {
		of = rs.expr(n.of)
		lastStep(of)
		if of.group != nil {
			panic(&Error{Code: "S0210", Position: x.pos})
		}
		of.group = g
	}
	for _, pair := range n.pairs {
		key, val := rs.expr(pair[0]), rs.expr(pair[1])
		if of == nil {
			x.inherit(key)
			x.inherit(val)
		}
		g.pairs = append(g.pairs, [2]*expr{key, val})
	}
	if of != nil {
		return of
	}
	x.node = g
	return x
}

func (rs *resolver) sort(x *expr, n *sortSyntax) *expr {
	step := &expr{pos: x.pos, word: "^"}
	of := rs.expr(n.of)
	_, p := lastStep(of)
	if p == nil {
		p = &pathNode{steps: []*expr{of}}
		of = &expr{pos: x.pos, word: "^", node: p}
	}
	step.node = &sortNode{rs.exprs(n.terms, step), n.down}
	p.steps = append(p.steps, step)
	resolveAncestry(of, p)
	return of
}

func (rs *resolver) block(x *expr, n *blockSyntax) {
	outer := rs.binds
	rs.binds = false
	b := &blockNode{items: rs.exprs(n.items, x)}
	b.binds, rs.binds = rs.binds, outer
	for _, item := range b.items {
		if item.consArray {
			x.consArray = true
		} else if p, ok := item.node.(*pathNode); ok && p.steps[0].consArray {
			x.consArray = true
		}
	}
	x.node = b
}

func (rs *resolver) call(x *expr, n *callSyntax) {
	args := make([]*expr, len(n.args))
	for i, arg := range n.args {
		if _, ok := arg.(*holeSyntax); ok && n.partial {
			continue
		}
		args[i] = rs.expr(arg)
		x.inherit(args[i])
	}
	proc := rs.expr(n.proc)
	name, hint := proc.word, ""
	if p, ok := proc.node.(*pathNode); ok {
		name = p.steps[0].word
		hint = name
	}
	if n.partial {
		x.node = &partialNode{proc, args, name, hint, builtins[hint]}
		return
	}
	x.node = &callNode{proc: proc, args: args, name: name, hint: hint, meant: builtins[hint]}
}

func (rs *resolver) lambda(x *expr, n *lambdaSyntax) {
	for _, name := range n.params {
		rs.bound[name] = true
	}
	outer := rs.binds
	body := rs.expr(n.body)
	rs.binds = outer
	markTail(body)
	x.node = &lambdaNode{n.params, n.sig, body}
}

// markTail marks the calls that are the last thing a lambda does: they are made
// when the lambda has returned, so that recursion through them needs no depth.
func markTail(x *expr) {
	if len(x.predicates) > 0 || x.group != nil || x.keepArray {
		return
	}
	switch n := x.node.(type) {
	case *callNode:
		n.tail = true
	case *condNode:
		markTail(n.yes)
		if n.no != nil {
			markTail(n.no)
		}
	case *blockNode:
		if len(n.items) > 0 {
			markTail(n.items[len(n.items)-1])
		}
	}
}

func (rs *resolver) cond(x *expr, n *condSyntax) {
	c := &condNode{test: rs.expr(n.test), yes: rs.expr(n.yes)}
	x.inherit(c.test)
	x.inherit(c.yes)
	if n.no != nil {
		c.no = rs.expr(n.no)
		x.inherit(c.no)
	}
	x.node = c
}
