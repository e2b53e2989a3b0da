package resolve

import (
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// overload is the function among those of a name that takes the arguments:
// the one whose types are most often theirs. Nil if none does.
func (r *resolver) overload(list []*UserFunction, args []syntax.Expr) *UserFunction {
	var best *UserFunction
	most := -1
	for _, u := range list {
		if len(u.Args) != len(args) {
			continue
		}
		score := 0
		for i, a := range args {
			want, _ := types.Parse(u.Args[i].Name, nil, "")
			switch have := r.result.TypeOf(a); {
			case have.Kind == want.Kind:
				score += 3
			case have.Kind == types.Unknown, have.IsText() && want.IsText():
				score += 2
			case have.IsNumber() && want.IsNumber():
				score++
			}
		}
		if score > most {
			best, most = u, score
		}
	}
	return best
}

// inline puts a function's body in the place of a call. Arguments and result
// have the declared types.
func (r *resolver) inline(c *syntax.Call, u *UserFunction) {
	if r.views++; r.views > maxViews {
		r.views = 0
		r.fail(c, sqlerr.ProgramLimitExceeded, "functions call each other too deep")
	}
	defer func() { r.views-- }()
	body, err := Body(u.Body)
	if err != nil {
		panic(sqlerr.From(err))
	}
	r.bindArguments(body, func(i int) syntax.Expr {
		if i < 1 || i > len(c.Args) {
			r.fail(nil, "42P02", "there is no parameter $%d", i)
		}
		return &syntax.Cast{Pos: c.Pos, X: c.Args[i-1], Type: u.Args[i-1], Style: syntax.CastFunc}
	})
	r.expr(&scope{}, body)
	r.result.Inlined[c] = &syntax.Cast{Pos: c.Pos, X: body, Type: u.Returns, Style: syntax.CastFunc}
}

// bindArguments says what the parameters in a body are.
func (r *resolver) bindArguments(e syntax.Expr, argument func(int) syntax.Expr) {
	if p, ok := e.(*syntax.Param); ok {
		r.result.Arguments[p] = argument(p.Index)
		return
	}
	syntax.Operands(e, func(x syntax.Expr) { r.bindArguments(x, argument) }, func(*syntax.Query) {})
}

// Body is the expression of a function's body. Redshift takes SELECT without
// FROM, INTO, WHERE, GROUP BY, ORDER BY and LIMIT ("Creating a scalar SQL UDF").
func Body(text string) (syntax.Expr, error) {
	list, err := syntax.Parse(text)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		if q, ok := list[0].Statement.(*syntax.Query); ok && q.With == nil && q.OrderBy == nil && q.Limit == nil && q.Offset == nil {
			s, ok := q.Body.(*syntax.Select)
			if ok && len(s.Items) == 1 && s.From == nil && s.Where == nil && s.GroupBy == nil && s.Into == nil && s.Having == nil && !s.Distinct {
				return s.Items[0].Expr, nil
			}
		}
	}
	return nil, sqlerr.New("42P13", "The body of a SQL function must be a SELECT clause without FROM, INTO, WHERE, GROUP BY, ORDER BY and LIMIT")
}
