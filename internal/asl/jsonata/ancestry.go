package jsonata

// The parent operator % means the value that the step before stood on. Each % has
// a slot; going back along the path, the step that it counts up to binds the slot's
// name in its tuples. A % that does not find its step in the expression at hand is
// handed to the expression around it.

// inherit hands the unresolved %s of a part to the whole.
func (x *expr) inherit(part *expr) {
	x.seeking = append(x.seeking, part.seeking...)
	if p, ok := part.node.(*parentNode); ok {
		x.seeking = append(x.seeking, p.slot)
	}
}

// seekParent lets a slot pass a step; at level 0 the step is the one it wants.
func seekParent(x *expr, s *slot) {
	switch n := x.node.(type) {
	case *nameNode, wildcardNode:
		s.level--
		if s.level == 0 {
			if x.ancestor != nil {
				s.label = x.ancestor.label
			}
			x.ancestor = s
			x.isTuple = true
		}
	case *parentNode:
		s.level++
	case *blockNode:
		if len(n.items) > 0 {
			x.isTuple = true
			seekParent(n.items[len(n.items)-1], s)
		}
	case *pathNode:
		x.isTuple = true
		n.simple = false
		i := len(n.steps) - 1
		seekParent(n.steps[i], s)
		for i--; s.level > 0 && i >= 0; i-- {
			seekParent(n.steps[i], s)
		}
	default:
		panic(&Error{Code: "S0217", Position: x.pos, Token: x.word, hasToken: true})
	}
}

// resolveAncestry finds the steps for the %s of the last step of a path.
func resolveAncestry(x *expr, p *pathNode) {
	last := p.steps[len(p.steps)-1]
	slots := last.seeking
	if parent, ok := last.node.(*parentNode); ok {
		slots = append(slots[:len(slots):len(slots)], parent.slot)
	}
	for _, s := range slots {
		i := len(p.steps) - 2
		for s.level > 0 {
			if i < 0 {
				x.seeking = append(x.seeking, s)
				break
			}
			step := p.steps[i]
			i--
			for i >= 0 && step.focus != "" && p.steps[i].focus != "" {
				step = p.steps[i]
				i--
			}
			seekParent(step, s)
		}
	}
}
