package duck

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// matcher is one search of a pattern in a subject.
type matcher struct {
	subject string
	fold    bool
	spans   []int // start and end of the groups; -1 for none
	steps   int
}

// maxPerlSteps bounds what one search may try.
const maxPerlSteps = 1_000_000

var errPerlSteps = errors.New("2201B:regular expression is too complex")

func (m *matcher) step() {
	if m.steps++; m.steps > maxPerlSteps {
		panic(errPerlSteps)
	}
}

// find gives the spans of the leftmost match from byte from on, nil if there
// is none.
func (p *perl) find(subject string, from int) (spans []int, err error) {
	defer func() {
		if x := recover(); x != nil {
			if x != errPerlSteps {
				panic(x)
			}
			spans, err = nil, errPerlSteps
		}
	}()
	m := &matcher{subject: subject, fold: p.fold, spans: make([]int, 2*p.groups+2)}
	for i := from; i <= len(subject); {
		for g := range m.spans {
			m.spans[g] = -1
		}
		if p.root.match(m, i, func(end int) bool { m.spans[0], m.spans[1] = i, end; return true }) {
			return m.spans, nil
		}
		_, size := utf8.DecodeRuneInString(subject[i:])
		i += max(size, 1)
	}
	return nil, nil
}

// The elements of a pattern.
type (
	letter rune
	set    struct {
		test func(rune) bool
		not  bool
	}
	edge    func(s string, i int) bool
	back    int
	inOrder []node
	anyOf   []node
	group   struct {
		x node
		n int
	}
	repeat struct {
		x         node
		low, high int // high -1: no bound
		lazy      bool
	}
	atomic struct{ x node }
	look   struct {
		x           node
		not, behind bool
	}
)

func (c letter) match(m *matcher, i int, then func(int) bool) bool {
	m.step()
	r, size := utf8.DecodeRuneInString(m.subject[i:])
	if size == 0 || r != rune(c) && !(m.fold && unicode.ToLower(r) == unicode.ToLower(rune(c))) {
		return false
	}
	return then(i + size)
}

func (c set) match(m *matcher, i int, then func(int) bool) bool {
	m.step()
	r, size := utf8.DecodeRuneInString(m.subject[i:])
	if size == 0 {
		return false
	}
	in := c.test(r) || m.fold && (c.test(unicode.ToLower(r)) || c.test(unicode.ToUpper(r)))
	return in != c.not && then(i+size)
}

func (e edge) match(m *matcher, i int, then func(int) bool) bool {
	m.step()
	return e(m.subject, i) && then(i)
}

func (n back) match(m *matcher, i int, then func(int) bool) bool {
	m.step()
	if 2*int(n)+1 >= len(m.spans) || m.spans[2*n] < 0 {
		return false
	}
	text := m.subject[m.spans[2*n]:m.spans[2*n+1]]
	rest := m.subject[i:]
	if len(rest) < len(text) || rest[:len(text)] != text && !(m.fold && strings.EqualFold(rest[:len(text)], text)) {
		return false
	}
	return then(i + len(text))
}

func (s inOrder) match(m *matcher, i int, then func(int) bool) bool {
	if len(s) == 0 {
		return then(i)
	}
	return s[0].match(m, i, func(j int) bool { return s[1:].match(m, j, then) })
}

func (a anyOf) match(m *matcher, i int, then func(int) bool) bool {
	for _, n := range a {
		if n.match(m, i, then) {
			return true
		}
	}
	return false
}

func (g *group) match(m *matcher, i int, then func(int) bool) bool {
	start, end := m.spans[2*g.n], m.spans[2*g.n+1]
	if g.x.match(m, i, func(j int) bool {
		was := [2]int{m.spans[2*g.n], m.spans[2*g.n+1]}
		m.spans[2*g.n], m.spans[2*g.n+1] = i, j
		if then(j) {
			return true
		}
		m.spans[2*g.n], m.spans[2*g.n+1] = was[0], was[1]
		return false
	}) {
		return true
	}
	m.spans[2*g.n], m.spans[2*g.n+1] = start, end
	return false
}

func (r *repeat) match(m *matcher, i int, then func(int) bool) bool { return r.times(m, i, 0, then) }

// times goes on after n turns.
func (r *repeat) times(m *matcher, i, n int, then func(int) bool) bool {
	m.step()
	again := func() bool {
		if r.high >= 0 && n >= r.high {
			return false
		}
		return r.x.match(m, i, func(j int) bool {
			return (j > i || n < r.low) && r.times(m, j, n+1, then)
		})
	}
	switch {
	case n < r.low:
		return again()
	case r.lazy:
		return then(i) || again()
	}
	return again() || then(i)
}

func (a *atomic) match(m *matcher, i int, then func(int) bool) bool {
	end := -1
	if !a.x.match(m, i, func(j int) bool { end = j; return true }) {
		return false
	}
	return then(end)
}

func (l look) match(m *matcher, i int, then func(int) bool) bool {
	found := false
	if l.behind {
		for from := i; from >= 0 && !found; from-- {
			found = l.x.match(m, from, func(j int) bool { return j == i })
		}
	} else {
		found = l.x.match(m, i, func(int) bool { return true })
	}
	return found != l.not && then(i)
}
