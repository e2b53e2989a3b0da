package plpgsql

import (
	"context"

	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// get is the value of a variable or of a record's field.
func (f *frame) get(r Ref) (Value, error) {
	sl := &f.slots[r.Var.slot]
	if r.Field == "" {
		return sl.value, nil
	}
	if sl.record == nil {
		return Value{}, sqlerr.New(sqlerr.ObjectNotInPrerequisite, "record \"%s\" is not assigned yet", r.Var.Name).
			WithDetail("The tuple structure of a not-yet-assigned record is indeterminate.")
	}
	for i, c := range sl.record.Columns {
		if c.Name == r.Field {
			return sl.record.Data[0][i], nil
		}
	}
	return Value{}, sqlerr.New(sqlerr.UndefinedColumn, "record \"%s\" has no field \"%s\"", r.Var.Name, r.Field)
}

func (f *frame) values(refs []Ref) ([]Value, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	out := make([]Value, len(refs))
	for i, r := range refs {
		v, err := f.get(r)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// eval computes an expression.
func (f *frame) eval(ctx context.Context, s *SQL) (Value, error) {
	if s.trivial != nil {
		if v, ok := constant(s.trivial); ok {
			return v, nil
		}
		if len(s.nodes) == 1 && s.trivial == syntax.Expr(s.nodes[0]) {
			return f.get(s.Refs[0])
		}
	}
	args, err := f.values(s.Refs)
	if err != nil {
		return Value{}, err
	}
	if s.Pure {
		s.fill(args, true)
		return f.host.Evaluate(ctx, s, args)
	}
	s.fill(args, false)
	rows, err := f.host.Query(ctx, s.Tree, "SELECT "+s.Text, 2)
	switch {
	case err != nil:
		return Value{}, inSQL(err, "SELECT "+s.Text)
	case len(rows.Data) > 1:
		return Value{}, sqlerr.New(sqlerr.CardinalityViolation, "query \"SELECT %s\" returned more than one row", s.Text)
	case len(rows.Columns) != 1:
		return Value{}, sqlerr.New(sqlerr.SyntaxError, "query \"SELECT %s\" returned %d columns", s.Text, len(rows.Columns))
	case len(rows.Data) == 0:
		return Value{Type: rows.Columns[0].Type, Null: true}, nil
	}
	return rows.Data[0][0], nil
}

func (f *frame) coerce(ctx context.Context, v Value, to types.Type) (Value, error) {
	if out, ok, err := direct(v, to); ok || err != nil {
		return out, err
	}
	return f.host.Convert(ctx, v, to)
}

// assign gives a variable or a field a value, converted to its type.
func (f *frame) assign(ctx context.Context, r Ref, v Value) error {
	sl := &f.slots[r.Var.slot]
	if r.Field != "" {
		if _, err := f.get(r); err != nil {
			return err
		}
		for i, c := range sl.record.Columns {
			if c.Name == r.Field {
				out, err := f.coerce(ctx, v, c.Type)
				sl.record.Data[0][i] = out
				return err
			}
		}
	}
	if r.Var.Kind == Record || r.Var.Kind == Row {
		return sqlerr.New(sqlerr.DatatypeMismatch, "cannot assign non-composite value to a record variable")
	}
	if v.Null && r.Var.NotNull {
		return sqlerr.New("22004", "null value cannot be assigned to variable \"%s\" declared NOT NULL", r.Var.Name)
	}
	out, err := f.coerce(ctx, v, sl.typ)
	if err == nil {
		sl.value = out
	}
	return err
}

// into gives targets the columns of a row; a nil row makes them NULL.
func (f *frame) into(ctx context.Context, targets []Ref, columns []Column, row []Value) error {
	if len(targets) == 1 && targets[0].Field == "" && (targets[0].Var.Kind == Record || targets[0].Var.Kind == Row) {
		return f.intoRecord(ctx, targets[0].Var, columns, row)
	}
	for i, t := range targets {
		v := Value{Null: true}
		if i < len(row) {
			v = row[i]
		}
		if err := f.assign(ctx, t, v); err != nil {
			return err
		}
	}
	return nil
}

func (f *frame) intoRecord(ctx context.Context, v *Variable, columns []Column, row []Value) error {
	if row == nil {
		row = nulls(columns)
	}
	sl := &f.slots[v.slot]
	if v.Kind == Record {
		sl.record = &Rows{Columns: columns, Data: [][]Value{append([]Value(nil), row...)}}
		return nil
	}
	for i, c := range sl.record.Columns {
		value := Value{Null: true}
		if i < len(row) {
			value = row[i]
		}
		out, err := f.coerce(ctx, value, c.Type)
		if err != nil {
			return err
		}
		sl.record.Data[0][i] = out
	}
	return nil
}

// filled is the tree of a statement with the values of its variables.
func (f *frame) filled(s *SQL) (syntax.Statement, error) {
	args, err := f.values(s.Refs)
	if err != nil {
		return nil, err
	}
	s.fill(args, false)
	return s.Tree, nil
}

func (f *frame) sql(ctx context.Context, s *Exec) error {
	tree, err := f.filled(s.SQL)
	if err != nil {
		return err
	}
	return f.statement(ctx, tree, s.SQL.Text, s.Into, true)
}

// statement runs one statement of SQL, with the rules of transactions.
func (f *frame) statement(ctx context.Context, tree syntax.Statement, text string, into []Ref, found bool) error {
	if into != nil {
		rows, err := f.host.Query(ctx, tree, text, 1)
		if err != nil {
			return inSQL(err, text)
		}
		f.rows = int64(len(rows.Data))
		if found {
			f.setFound(f.rows > 0)
		}
		var row []Value
		if f.rows > 0 {
			row = rows.Data[0]
		}
		if err := f.into(ctx, into, rows.Columns, row); err != nil {
			return err
		}
		return f.ended(ctx)
	}
	_, truncate := tree.(*syntax.Truncate)
	if truncate && !f.host.CanCommit() {
		return inSQL(atomicContext("TRUNCATE"), text)
	}
	n, err := f.host.Exec(ctx, tree, text)
	if err != nil {
		return inSQL(err, text)
	}
	switch tree.(type) {
	case *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge:
		if found {
			f.setFound(n > 0)
		}
		f.rows = n
	case *syntax.Query, *syntax.CreateTable, *syntax.Copy:
		f.rows = max(n, 0)
	}
	if truncate {
		f.block = false
		return f.host.Commit(ctx)
	}
	return f.ended(ctx)
}

// ended commits after a statement of a NONATOMIC procedure.
func (f *frame) ended(ctx context.Context) error {
	if f.autocommit && !f.block {
		return f.host.Commit(ctx)
	}
	return nil
}

func atomicContext(word string) *sqlerr.Error {
	return sqlerr.New("2D000", "%s cannot be invoked from a procedure that is executing in an atomic context.", word).
		WithHint("%s", "Try calling the procedure as a top-level call i.e. not from within an explicit transaction block. "+
			"Or, if this procedure (or one of its ancestors in the call chain) was created with SET config options, recreate the procedure without them.")
}

func (f *frame) transact(ctx context.Context, s *Transact) error {
	word := map[string]string{"commit": "COMMIT", "rollback": "ROLLBACK", "begin": "START TRANSACTION"}[s.Word]
	if !f.host.CanCommit() {
		return inSQL(atomicContext(word), word)
	}
	switch s.Word {
	case "commit":
		f.block = false
		return f.host.Commit(ctx)
	case "rollback":
		f.block = false
		return f.host.Rollback(ctx)
	}
	if !f.autocommit {
		return sqlerr.NotImplemented("START TRANSACTION in a procedure that is not NONATOMIC")
	}
	f.block = true
	return nil
}

// dynamic evaluates the text of EXECUTE and parses it.
func (f *frame) dynamic(ctx context.Context, e *SQL) ([]syntax.Parsed, string, error) {
	v, err := f.eval(ctx, e)
	if err != nil {
		return nil, "", err
	}
	if v.Null {
		return nil, "", sqlerr.New("22004", "cannot EXECUTE a null querystring")
	}
	list, err := syntax.Parse(v.Text)
	if err != nil {
		return nil, "", inSQL(err, v.Text)
	}
	return list, v.Text, nil
}

func (f *frame) dynamicQuery(ctx context.Context, e *SQL) (*SQL, error) {
	list, text, err := f.dynamic(ctx, e)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 {
		if q, ok := list[0].Statement.(*syntax.Query); ok {
			return &SQL{Text: text, Tree: q}, nil
		}
	}
	return nil, inSQL(sqlerr.New("42P11", "cannot open non-SELECT query as cursor"), text)
}

func (f *frame) execute(ctx context.Context, s *Execute) error {
	list, text, err := f.dynamic(ctx, s.Text)
	if err != nil {
		return err
	}
	for _, one := range list {
		switch t := one.Statement.(type) {
		case *syntax.Begin, *syntax.Commit, *syntax.Rollback:
			return inSQL(sqlerr.New(sqlerr.FeatureNotSupported, "cannot begin/end transactions in PL/pgSQL").
				WithHint("Use COMMIT or ROLLBACK as a statement of the procedure instead of EXECUTE."), text)
		case *syntax.CallStatement:
			if err := f.callTree(ctx, t, text, nil); err != nil {
				return err
			}
			continue
		}
		if err := f.statement(ctx, one.Statement, text[one.Start:one.End], s.Into, false); err != nil {
			return err
		}
	}
	return nil
}

func (f *frame) call(ctx context.Context, s *Call) error {
	tree, err := f.filled(s.SQL)
	if err != nil {
		return err
	}
	return f.callTree(ctx, tree.(*syntax.CallStatement), s.SQL.Text, s.Outs)
}

// callTree runs a nested CALL; variables given for OUT and INOUT arguments
// take the values the procedure leaves in them.
func (f *frame) callTree(ctx context.Context, c *syntax.CallStatement, text string, outs []*Ref) error {
	args := make([]Value, len(c.Args))
	for i, a := range c.Args {
		if v, ok := constant(a); ok {
			args[i] = v
			continue
		}
		if outs != nil && outs[i] != nil {
			v, err := f.get(*outs[i])
			if err != nil {
				return err
			}
			args[i] = v
			continue
		}
		q := &syntax.Query{Body: &syntax.Select{Items: []syntax.SelectItem{{Expr: a}}}}
		rows, err := f.host.Query(ctx, q, text, 1)
		if err != nil {
			return inSQL(err, text)
		}
		args[i] = rows.Data[0][0]
	}
	results, places, err := f.host.Call(ctx, c.Name, args, f.autocommit && !f.block)
	if err != nil {
		return inSQL(err, text)
	}
	for i, place := range places {
		if place < len(outs) && outs[place] != nil {
			if err := f.assign(ctx, *outs[place], results[i]); err != nil {
				return err
			}
		}
	}
	return f.ended(ctx)
}

// openQuery opens a cursor over a query with the values of its variables.
func (f *frame) openQuery(ctx context.Context, name string, s *SQL) (string, error) {
	tree, err := f.filled(s)
	if err != nil {
		return "", err
	}
	q, ok := tree.(*syntax.Query)
	if !ok {
		return "", sqlerr.New("42P11", "cannot open non-SELECT query as cursor")
	}
	name, err = f.host.Open(ctx, name, q, s.Text)
	if err != nil {
		return "", inSQL(err, s.Text)
	}
	return name, nil
}

func (f *frame) openCursor(ctx context.Context, s *Open) error {
	query := s.Query
	switch {
	case s.Text != nil:
		q, err := f.dynamicQuery(ctx, s.Text)
		if err != nil {
			return err
		}
		query = q
	case query == nil:
		query = s.Cursor.Query
		for i, p := range s.Cursor.Params {
			v, err := f.eval(ctx, s.Args[i])
			if err == nil {
				err = f.initialize(ctx, p)
			}
			if err == nil {
				err = f.assign(ctx, Ref{Var: p}, v)
			}
			if err != nil {
				return err
			}
		}
	}
	sl := &f.slots[s.Cursor.slot]
	name := ""
	if !sl.value.Null {
		name = sl.value.Text
	}
	name, err := f.openQuery(ctx, name, query)
	if err != nil {
		return err
	}
	sl.value = Value{Type: sl.typ, Text: name}
	return nil
}

// cursorName is the name a cursor variable holds.
func (f *frame) cursorName(v *Variable) (string, error) {
	value := f.slots[v.slot].value
	if value.Null {
		return "", sqlerr.New("22004", "cursor variable \"%s\" is NULL", v.Name)
	}
	return value.Text, nil
}

func (f *frame) fetch(ctx context.Context, s *Fetch) error {
	name, err := f.cursorName(s.Cursor)
	if err != nil {
		return err
	}
	rows, err := f.host.Fetch(ctx, name, 1)
	if err != nil {
		return err
	}
	f.rows = int64(len(rows.Data))
	f.setFound(f.rows > 0)
	var row []Value
	if f.rows > 0 {
		row = rows.Data[0]
	}
	return f.into(ctx, s.Into, rows.Columns, row)
}

func (f *frame) closeCursor(s *Close) error {
	name, err := f.cursorName(s.Cursor)
	if err != nil {
		return err
	}
	return f.host.Close(name)
}
