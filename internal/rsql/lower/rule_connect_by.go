package lower

import (
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// The names of the recursive table a CONNECT BY becomes, and of its level.
const (
	treeName  = "#tree"
	levelName = "#level"
)

// hierarchy lowers FROM t START WITH s CONNECT BY c to a recursive query: the
// roots, and to every row of the tree the rows that c joins to it. WHERE comes
// after it.
func (l *lowering) hierarchy(s *syntax.Select) emit.Table {
	if len(s.From) != 1 {
		l.missing(s.ConnectBy, "CONNECT BY over several tables")
	}
	name := ""
	switch t := s.From[0].(type) {
	case *syntax.TableName:
		name = l.Options.Fold(t.Name.Last())
		if t.Alias != nil {
			name = l.Options.Fold(t.Alias.Name)
		}
	case *syntax.TableQuery:
		name = l.alias(t.Alias).Name
	default:
		l.missing(s.ConnectBy, "CONNECT BY over several tables")
	}
	level := func(x emit.Expr) []emit.Item {
		return []emit.Item{{X: &emit.Star{Qualifier: []string{name}}}, {X: x, As: levelName}}
	}
	roots := &emit.Select{Items: level(&emit.Num{Text: "1"}), From: []emit.Table{l.table(s.From[0])}, Where: l.optional(s.StartWith)}
	next := &emit.Op{Op: "+", Args: []emit.Expr{&emit.Ref{Parts: []string{treeName, levelName}}, &emit.Num{Text: "1"}}}
	l.connecting, l.priors = name, 0
	cond := l.expr(s.ConnectBy)
	l.connecting = ""
	if l.priors == 0 {
		l.fail(s.ConnectBy, sqlerr.SyntaxError, "CONNECT BY needs a condition with PRIOR")
	}
	children := &emit.Select{Items: level(next), Where: cond,
		From: []emit.Table{l.table(s.From[0]), &emit.Name{Parts: []string{treeName}}}}
	body := &emit.SetOp{Op: "UNION", All: true, Left: roots, Right: children}
	all := &emit.Select{Items: []emit.Item{{X: &emit.Star{}}}, From: []emit.Table{&emit.Name{Parts: []string{treeName}}}}
	l.fired = append(l.fired, Fired{"connect-by", s.ConnectBy})
	return &emit.Derived{Alias: emit.Alias{Name: name}, Query: &emit.Query{Recursive: true, Body: all,
		With: []emit.CTE{{Name: treeName, Query: &emit.Query{Body: body}}}}}
}

// connected names a column inside CONNECT BY: of the row that is joined, or
// under PRIOR of its parent. The level there is the joined row's.
func (l *lowering) connected(c *syntax.ColumnRef) emit.Expr {
	ref, ok := l.Result.Refs[c]
	if !ok {
		return nil
	}
	level := &emit.Ref{Parts: []string{treeName, levelName}}
	switch {
	case ref.Column == levelName && l.prior:
		return level
	case ref.Column == levelName:
		return &emit.Op{Op: "+", Args: []emit.Expr{level, &emit.Num{Text: "1"}}}
	case l.prior:
		return &emit.Ref{Parts: append([]string{treeName, ref.Column}, ref.Path...)}
	}
	return &emit.Ref{Parts: append([]string{l.connecting, ref.Column}, ref.Path...)}
}

// priorOf lowers PRIOR x.
func (l *lowering) priorOf(e *syntax.Unary) emit.Expr {
	if l.connecting == "" {
		l.missing(e, "PRIOR outside CONNECT BY")
	}
	l.prior = true
	l.priors++
	defer func() { l.prior = false }()
	return l.expr(e.X)
}
