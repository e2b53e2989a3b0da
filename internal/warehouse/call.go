package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/plpgsql"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// maxCallDepth is how deep calls of procedures may nest.
const maxCallDepth = 16

// callStatement executes a client's CALL. The values of OUT and INOUT arguments
// are the one row of its result.
func (r *running) callStatement(t *syntax.CallStatement) (Done, error) {
	args, err := r.callArgs(t)
	if err != nil {
		return Done{}, err
	}
	h := &procedureHost{running: r, shared: newCallShared(), atomic: r.session.state == block}
	defer h.shared.close()
	p, err := h.find(t.Name, args)
	if err == nil {
		err = r.permitCall(p)
	}
	if err != nil {
		return Done{}, err
	}
	outs, err := h.run(r.ctx, p, args, true)
	if err != nil {
		r.raisedFault(err)
		return Done{}, err
	}
	if len(outs) == 0 {
		return Done{Tag: "CALL", Rows: -1}, nil
	}
	return r.callResult(p, outs)
}

// callResult answers the row of output values.
func (r *running) callResult(p *procedure, outs []plpgsql.Value) (Done, error) {
	sel := &syntax.Select{}
	for i, c := range p.outputs() {
		sel.Items = append(sel.Items, syntax.SelectItem{Expr: plpgsql.Constant(outs[i]), Alias: &syntax.Ident{Name: c.Name, Quoted: true}})
	}
	if err := r.session.begin(r.ctx); err != nil {
		return Done{}, err
	}
	r.session.settle(r.ctx)
	r.args = nil
	plan, err := r.compile(&syntax.Query{Body: sel})
	if err != nil {
		return Done{}, err
	}
	done, err := r.rows(plan)
	done.Tag = "CALL"
	return done, err
}

// callArgs evaluates the arguments of a client's CALL.
func (r *running) callArgs(t *syntax.CallStatement) ([]plpgsql.Value, error) {
	if len(t.Args) == 0 {
		return nil, nil
	}
	sel := &syntax.Select{}
	for _, a := range t.Args {
		sel.Items = append(sel.Items, syntax.SelectItem{Expr: a})
	}
	plan, err := r.compile(&syntax.Query{Body: sel})
	if err != nil {
		return nil, err
	}
	c := r.session.collector(1)
	rows, columns, err := r.open(plan)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	_ = c.Columns(columns) // the collector's never fails
	if _, err := copyRows(r.ctx, rows, c); err != nil && err != errEnough {
		return nil, err
	}
	args := c.rows.Data[0]
	for i, a := range t.Args {
		switch a.(type) {
		case *syntax.String, *syntax.Null, *syntax.Param: // of unknown type
			args[i].Type = types.Type{}
		}
	}
	return args, nil
}

// callColumns are the result columns of a CALL that is not run yet, as far as
// the number of arguments tells the procedure.
func (s *Session) callColumns(t *syntax.CallStatement) ([]Column, bool) {
	if p := s.likely(t); p != nil {
		return p.outputs(), true
	}
	return nil, true
}

// likely is the first procedure with the name and number of arguments of a call.
func (s *Session) likely(t *syntax.CallStatement) *procedure {
	r := &running{session: s, ctx: context.Background(), sink: Discard{}}
	list, err := r.procedures(t.Name)
	if err != nil {
		return nil // the call itself reports it
	}
	i := slices.IndexFunc(list, func(p *procedure) bool { return len(p.inputs()) == len(t.Args) })
	if i < 0 {
		return nil
	}
	return list[i]
}

// callParams gives the parameters of a prepared CALL the types of the
// arguments they stand for.
func (s *Session) callParams(p *Prepared) {
	t, ok := p.statement.Tree.(*syntax.CallStatement)
	if !ok {
		return
	}
	p.Tag = "CALL"
	declared := p.Params
	p.Params = make([]types.Type, max(len(declared), p.statement.Params))
	for i := range p.Params {
		p.Params[i] = types.Type{Kind: types.Varchar}
	}
	if found := s.likely(t); found != nil {
		for i, a := range t.Args {
			if param, ok := a.(*syntax.Param); ok && param.Index <= len(p.Params) {
				p.Params[param.Index-1] = found.inputs()[i].typ()
			}
		}
	}
	for i, d := range declared {
		if d.Kind != types.Unknown {
			p.Params[i] = d
		}
	}
}

// find chooses the procedure a call means by the types of its arguments.
// Inside a procedure the OUT arguments may be given too; then args has all.
func (h *procedureHost) find(name syntax.Name, args []plpgsql.Value) (*procedure, error) {
	list, err := h.procedures(name)
	if err != nil {
		return nil, err
	}
	var best *procedure
	least, same := 1<<30, false
	for _, p := range list {
		for _, formal := range [][]procedureArg{p.inputs(), p.args} {
			if cost, ok := distance(formal, args); ok && len(formal) == len(args) && p != best {
				if cost < least {
					best, least, same = p, cost, false
				} else if cost == least {
					same = true
				}
			}
			if h.depth == 0 {
				break
			}
		}
	}
	names := make([]string, len(args))
	for i, a := range args {
		if names[i] = a.Type.Base(); a.Type.Kind == types.Unknown {
			names[i] = `"unknown"`
		}
	}
	called := fmt.Sprintf("%s(%s)", strings.Join(parts(name), "."), strings.Join(names, ", "))
	switch {
	case best == nil:
		return nil, sqlerr.New(sqlerr.UndefinedFunction, "procedure %s does not exist", called).
			WithHint("No procedure matches the given name and argument types. You may need to add explicit type casts.")
	case same:
		return nil, sqlerr.New("42725", "procedure %s is not unique", called).
			WithHint("Could not choose a best candidate procedure. You may need to add explicit type casts.")
	}
	return best, nil
}

// distance says how far the arguments are from the declared types; ok is false
// where one cannot be converted implicitly.
func distance(formal []procedureArg, args []plpgsql.Value) (int, bool) {
	if len(formal) != len(args) {
		return 0, false
	}
	sum := 0
	for i, a := range args {
		from, to := a.Type, formal[i].typ()
		if formal[i].Mode == "out" {
			continue
		}
		temporal := func(k types.Kind) bool { return k == types.Date || k == types.Timestamp || k == types.TimestampTZ }
		switch {
		case from.Kind == to.Kind:
		case from.Kind == types.Unknown && to.IsText():
			sum++
		case from.Kind == types.Unknown:
			sum += 2
		case from.IsText() && to.IsText():
			sum++
		case from.IsInteger() && to.IsNumber() && from.Kind < to.Kind:
			sum += int(to.Kind - from.Kind)
		case from.IsNumber() && to.IsNumber() && from.Kind < to.Kind:
			sum += int(to.Kind - from.Kind)
		case temporal(from.Kind) && temporal(to.Kind) && from.Kind < to.Kind:
			sum += int(to.Kind - from.Kind)
		default:
			return 0, false
		}
	}
	return sum, true
}

// procedureCallRows are the rows of svl_stored_proc_call: the calls clients made.
func procedureCallRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		if e.command != "CALL" {
			continue
		}
		rows = append(rows, []emit.Expr{num(e.userID), num(e.userID), num(e.id), e.labelled(), num(e.xid), num(int64(e.session)), str(e.database), str(e.text), timestamp(e.start), timestamp(e.end), e.aborted(), null()})
	}
	return rows, nil
}
