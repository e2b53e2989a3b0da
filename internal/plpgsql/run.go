package plpgsql

import (
	"context"
	"strconv"
	"strings"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// frame is one run of a procedure.
type frame struct {
	proc  *Procedure
	host  Host
	slots []slot
	rows  int64 // ROW_COUNT
	// autocommit: every statement ends its transaction. block: an explicit one
	// is open in such a procedure.
	autocommit, block bool
	handled           []*sqlerr.Error // errors whose handlers are running
}

// slot is what a variable holds.
type slot struct {
	typ    types.Type
	value  Value
	record *Rows // a record's columns and its one row; nil before the first assignment
}

// thrown is an error that has its context lines of this procedure.
type thrown struct{ cause *sqlerr.Error }

func (t *thrown) Error() string { return t.cause.Error() }

// signal is how a list of statements ended.
type signal struct {
	kind  signalKind
	label string
}

type signalKind int

const (
	onward signalKind = iota
	exiting
	continuing
	returning
)

// Run runs the procedure with the values of its IN and INOUT arguments and
// gives those of its OUT and INOUT arguments. autocommit says that the caller
// lets a NONATOMIC procedure commit. A procedure runs once: its trees hold the
// values of the run.
func (p *Procedure) Run(ctx context.Context, host Host, args []Value, autocommit bool) ([]Value, error) {
	f := &frame{proc: p, host: host, slots: make([]slot, p.slots), autocommit: p.NonAtomic && autocommit && host.CanCommit()}
	f.slots[p.found.slot] = slot{typ: types.Type{Kind: types.Boolean}, value: boolean(false)}
	if err := f.arguments(ctx, args); err != nil {
		return nil, f.thrown(err, nil).cause
	}
	_, err := f.exec(ctx, p.Body)
	if err != nil {
		return nil, f.thrown(err, p.Body).cause
	}
	var outs []Value
	for _, a := range p.Args {
		if a.Mode == "out" || a.Mode == "inout" {
			outs = append(outs, f.slots[a.slot].value)
		}
	}
	return outs, nil
}

func (f *frame) arguments(ctx context.Context, args []Value) error {
	for _, a := range f.proc.Args {
		t, err := TypeOf(a.Type)
		if err != nil {
			return err
		}
		f.slots[a.slot] = slot{typ: t, value: Value{Type: t, Null: true}}
		if a.Mode == "out" {
			continue
		}
		if len(args) == 0 {
			return sqlerr.New(sqlerr.UndefinedFunction, "procedure %s is missing an argument", f.proc.Name)
		}
		if err := f.assign(ctx, Ref{Var: a}, args[0]); err != nil {
			return err
		}
		args = args[1:]
	}
	return nil
}

// TypeOf is the type of a declared name; a refcursor is kept as its name. The
// lengths of an argument's text type do not count.
func TypeOf(n syntax.TypeName) (types.Type, error) {
	if n.Name == "refcursor" {
		return types.Type{Kind: types.Varchar}, nil
	}
	t, err := types.Parse(n.Name, n.Args, n.Nested)
	if err == nil && len(n.Args) == 0 && t.Kind == types.Varchar {
		t.Length = types.MaxVarchar
	}
	return t, err
}

func boolean(on bool) Value {
	return Value{Type: types.Type{Kind: types.Boolean}, Text: map[bool]string{true: "t", false: "f"}[on]}
}

func (f *frame) setFound(on bool) { f.slots[f.proc.found.slot].value = boolean(on) }

// thrown adds the line of this procedure to an error, once.
func (f *frame) thrown(err error, s Stmt) *thrown {
	if t, ok := err.(*thrown); ok {
		return t
	}
	e := *sqlerr.From(err)
	e.Position = 0
	line := "PL/pgSQL function \"" + f.proc.Name + "\""
	if s != nil {
		line += " line " + strconv.Itoa(s.line()) + " at " + s.what()
	}
	e.Context = joinLines(e.Context, line)
	return &thrown{&e}
}

func joinLines(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

// inSQL adds the text of an SQL statement to an error's context.
func inSQL(err error, text string) error {
	e := *sqlerr.From(err)
	e.Context = joinLines(e.Context, "SQL statement \""+text+"\"")
	return &e
}

func (f *frame) list(ctx context.Context, list []Stmt) (signal, error) {
	for _, s := range list {
		sig, err := f.exec(ctx, s)
		if err != nil || sig.kind != onward {
			return sig, err
		}
	}
	return signal{}, nil
}

// exec runs one statement; an error carries its context.
func (f *frame) exec(ctx context.Context, s Stmt) (signal, error) {
	if err := ctx.Err(); err != nil {
		return signal{}, f.thrown(sqlerr.New(sqlerr.QueryCanceled, "Query cancelled on user's request"), s)
	}
	sig, err := f.dispatch(ctx, s)
	if err != nil {
		return sig, f.thrown(err, s)
	}
	return sig, nil
}

func (f *frame) dispatch(ctx context.Context, s Stmt) (signal, error) {
	switch s := s.(type) {
	case *Block:
		return f.blockOf(ctx, s)
	case *If:
		return f.choose(ctx, s)
	case *Loop:
		return f.loop(ctx, s)
	case *ForRange:
		return f.forRange(ctx, s)
	case *ForQuery:
		return f.forQuery(ctx, s)
	case *Exit:
		return f.exit(ctx, s)
	case *Return:
		return signal{kind: returning}, nil
	}
	return signal{}, f.simple(ctx, s)
}

// simple runs the statements that never leave a list.
func (f *frame) simple(ctx context.Context, s Stmt) error {
	switch s := s.(type) {
	case *Assign:
		v, err := f.eval(ctx, s.Value)
		if err != nil {
			return err
		}
		return f.assign(ctx, s.Target, v)
	case *Raise:
		return f.raise(ctx, s)
	case *Exec:
		return f.sql(ctx, s)
	case *Execute:
		return f.execute(ctx, s)
	case *Call:
		return f.call(ctx, s)
	case *Diagnostics:
		return f.assign(ctx, s.Target, Value{Type: types.Type{Kind: types.Bigint}, Text: strconv.FormatInt(f.rows, 10)})
	case *Open:
		return f.openCursor(ctx, s)
	case *Fetch:
		return f.fetch(ctx, s)
	case *Close:
		return f.closeCursor(s)
	case *Transact:
		return f.transact(ctx, s)
	}
	return nil // NULL
}

// blockOf runs a block: its declarations, its statements, and when they fail
// its handler.
func (f *frame) blockOf(ctx context.Context, b *Block) (signal, error) {
	for _, v := range b.Vars {
		if err := f.initialize(ctx, v); err != nil {
			return signal{}, err
		}
	}
	for i := 0; ; {
		var sig signal
		var err error
		for ; i < len(b.Body); i++ {
			if sig, err = f.exec(ctx, b.Body[i]); err != nil || sig.kind != onward {
				break
			}
		}
		if err == nil {
			if sig.kind == exiting && sig.label != "" && sig.label == b.Label {
				return signal{}, nil
			}
			return sig, nil
		}
		e := f.thrown(err, b)
		if b.Handler == nil || e.cause.Code == sqlerr.QueryCanceled {
			return sig, e
		}
		sig, err = f.handle(ctx, b.Handler, e)
		if err != nil || !b.Handler.Continue || sig.kind != onward {
			return sig, err
		}
		i++
	}
}

// handle runs a handler: the transaction is rolled back, the handler runs in a
// new one, and unless the procedure is NONATOMIC the error goes on after it.
func (f *frame) handle(ctx context.Context, h *Handler, e *thrown) (signal, error) {
	if err := f.host.Rollback(ctx); err != nil {
		return signal{}, err
	}
	f.block = false
	text := types.Type{Kind: types.Varchar}
	f.slots[h.SQLState.slot] = slot{typ: text, value: Value{Type: text, Text: e.cause.Code}}
	f.slots[h.SQLErrM.slot] = slot{typ: text, value: Value{Type: text, Text: e.cause.Message}}
	f.handled = append(f.handled, e.cause)
	sig, err := f.list(ctx, h.Body)
	f.handled = f.handled[:len(f.handled)-1]
	if err != nil || f.autocommit {
		return sig, err
	}
	if f.host.CanCommit() {
		if err := f.host.Commit(ctx); err != nil {
			return signal{}, err
		}
	}
	return signal{}, e
}

func (f *frame) initialize(ctx context.Context, v *Variable) error {
	sl := slot{}
	switch {
	case v.Kind == Record:
	case v.Kind == Row:
		columns, err := f.host.Relation(ctx, v.Like)
		if err != nil {
			return err
		}
		sl.record = &Rows{Columns: columns, Data: [][]Value{nulls(columns)}}
	case v.Kind == Cursor:
		sl.typ = types.Type{Kind: types.Varchar}
		sl.value = Value{Type: sl.typ, Null: v.Query == nil, Text: v.Name}
	default:
		t, err := f.declared(ctx, v)
		if err != nil {
			return err
		}
		sl.typ, sl.value = t, Value{Type: t, Null: true}
	}
	f.slots[v.slot] = sl
	if v.Default == nil {
		return nil
	}
	value, err := f.eval(ctx, v.Default)
	if err != nil {
		return err
	}
	return f.assign(ctx, Ref{Var: v}, value)
}

// declared is the type of a scalar variable.
func (f *frame) declared(ctx context.Context, v *Variable) (types.Type, error) {
	switch {
	case v.LikeVar != nil:
		return f.slots[v.LikeVar.slot].typ, nil
	case v.Like != nil:
		n := len(v.Like) - 1
		columns, err := f.host.Relation(ctx, v.Like[:n])
		if err != nil {
			return types.Type{}, err
		}
		for _, c := range columns {
			if c.Name == v.Like[n] {
				return c.Type, nil
			}
		}
		return types.Type{}, sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", v.Like[n], strings.Join(v.Like[:n], "."))
	}
	return TypeOf(v.Type)
}

func nulls(columns []Column) []Value {
	out := make([]Value, len(columns))
	for i, c := range columns {
		out[i] = Value{Type: c.Type, Null: true}
	}
	return out
}
