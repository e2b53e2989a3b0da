package warehouse

import (
	"fmt"
	"strconv"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// setting executes what needs no transaction: SET, RESET, SHOW of parameters
// and VACUUM; handled is false for other statements.
func (r *running) setting(tree syntax.Statement) (done Done, handled bool, err error) {
	s := r.session
	if d, ok := tree.(*syntax.Drop); !ok || d.Kind == "database" {
		if err := r.permitOutside(tree); err != nil {
			return done, true, err
		}
	}
	switch t := tree.(type) {
	case *syntax.Set:
		if t.Name == "session_authorization" {
			return Done{Tag: "SET", Rows: -1}, true, s.authorize(t)
		}
		if t.Name == "seed" {
			return Done{Tag: "SET", Rows: -1}, true, r.seed(t)
		}
		if t.Default {
			return Done{Tag: "SET", Rows: -1}, true, s.settings.reset(t.Name)
		}
		return Done{Tag: "SET", Rows: -1}, true, s.settings.set(t.Name, t.Values)
	case *syntax.Reset:
		if t.Name == "session_authorization" || t.Name == "all" {
			s.authorization = ""
		}
		if t.Name == "use" { // no other database is ever used
			return Done{Tag: "RESET", Rows: -1}, true, nil
		}
		return Done{Tag: "RESET", Rows: -1}, true, s.settings.reset(t.Name)
	case *syntax.Show:
		if t.Kind == "" {
			done, err = r.show(t.Name)
			return done, true, err
		}
	case *syntax.Vacuum:
		if t.Table != nil {
			r.catalog = &catalog{ctx: r.ctx, session: s}
			if err := r.mustExist(*t.Table); err != nil {
				return done, true, err
			}
		}
		done, err = r.vacuum()
		return done, true, err
	case *syntax.CreateDatabase, *syntax.Use:
		if s.state == block {
			return done, true, sqlerr.New(sqlerr.ActiveTransaction, "CREATE DATABASE cannot run inside a transaction block")
		}
		if c, ok := tree.(*syntax.CreateDatabase); ok {
			return Done{Tag: "CREATE DATABASE", Rows: -1}, true, s.cluster.createDatabase(r.ctx, c.Name.Name, databaseRecord{
				Owner: s.identity.User, Serializable: isolation(c.Options) == "SERIALIZABLE", Insensitive: option(c.Options, "COLLATE") == "CASE_INSENSITIVE",
			})
		}
		return done, true, s.use(tree.(*syntax.Use).Database.Name)
	case *syntax.Drop:
		if t.Kind == "database" {
			if s.state == block {
				return done, true, sqlerr.New(sqlerr.ActiveTransaction, "DROP DATABASE cannot run inside a transaction block")
			}
			return Done{Tag: "DROP DATABASE", Rows: -1}, true, s.cluster.dropDatabase(r.ctx, t.Names[0].Last().Name)
		}
	}
	return done, false, nil
}

// authorize executes SET SESSION AUTHORIZATION, which superusers may.
func (s *Session) authorize(t *syntax.Set) error {
	login := s.identity.User
	if t.Default || len(t.Values) == 0 {
		s.authorization = ""
		return nil
	}
	name := t.Values[0]
	if strings.EqualFold(name, "default") {
		s.authorization = ""
		return nil
	}
	if u, ok := s.record().Users[login]; name != login && ok && !u.Superuser {
		return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied to set session authorization")
	}
	if _, ok := s.record().Users[name]; !ok {
		return sqlerr.New(sqlerr.UndefinedObject, "user \"%s\" does not exist", name)
	}
	s.authorization = name
	return s.settings.set("session_authorization", []string{name})
}

func (s *Session) use(name string) error {
	if name == s.identity.Database {
		return nil
	}
	return sqlerr.NotImplemented("USE of another database")
}

var textColumn = types.Type{Kind: types.Varchar}

// utilityColumns are the result columns of statements that are not queries but
// answer rows; ok is false for all others.
func (s *Session) utilityColumns(tree syntax.Statement) ([]Column, bool) {
	switch t := tree.(type) {
	case *syntax.Show:
		if t.Kind == "" && t.Name == "all" {
			return []Column{{Name: "name", Type: textColumn}, {Name: "setting", Type: textColumn}}, true
		}
		if t.Kind == "" {
			return []Column{{Name: t.Name, Type: textColumn}}, true
		}
		switch t.Kind {
		case "procedure":
			return definitionColumn, true
		case "table", "view":
			return []Column{showColumn(t.Kind)}, true
		case "external table":
			return externalDDLColumn, true
		}
		if columns := showColumns(t); columns != nil {
			return columns, true
		}
	case *syntax.Analyze:
		return compressionColumns, t.Compression
	case *syntax.CallStatement:
		return s.callColumns(t)
	case *syntax.Explain:
		return []Column{{Name: "QUERY PLAN", Type: textColumn}}, true
	case *syntax.Fetch:
		if c := s.cursors[t.Cursor.Name]; c != nil {
			return c.columns, true
		}
	}
	return nil, false
}

func (r *running) show(name string) (Done, error) {
	columns, _ := r.session.utilityColumns(&syntax.Show{Name: name})
	var rows [][]string
	if name == "all" {
		for _, n := range parameterNames() {
			v, _ := r.session.settings.get(n)
			rows = append(rows, []string{n, v})
		}
	} else {
		v, ok := r.session.settings.get(name)
		if !ok {
			return Done{}, unknownParameter(name)
		}
		rows = [][]string{{v}}
	}
	return Done{Tag: "SHOW", Rows: int64(len(rows)), HasRows: true}, r.session.rowsOf(r.sink, columns, rows)
}

// mustExist fails where a name is no relation's.
func (r *running) mustExist(name syntax.Name) error {
	found, err := r.catalog.Relation(parts(name))
	if err == nil && found == nil {
		err = sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(parts(name), "."))
	}
	return err
}

// seed executes SET SEED: RANDOM() gives the same numbers again.
func (r *running) seed(t *syntax.Set) error {
	value := 0.0
	if !t.Default && len(t.Values) == 1 {
		var err error
		if value, err = strconv.ParseFloat(t.Values[0], 64); err != nil || value < -1 || value > 1 {
			return sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"seed\": \"%s\"", t.Values[0])
		}
	}
	_, err := r.session.conn.Exec(r.ctx, "SELECT setseed("+strconv.FormatFloat(value, 'f', -1, 64)+")")
	return err
}

// vacuum writes the log into the file and reclaims what deletes freed.
func (r *running) vacuum() (Done, error) {
	s := r.session
	if s.state == block {
		return Done{}, sqlerr.New(sqlerr.ActiveTransaction, "VACUUM cannot run inside a transaction block")
	}
	err := s.db.vacuum(r.ctx, s.conn)
	if err != nil && sqlerr.From(err).Code == sqlerr.DiskFull {
		return Done{}, err
	}
	if err != nil { // Other transactions may hold the checkpoint off; the log is as durable.
		s.cluster.w.log.Debug("cannot checkpoint in VACUUM", "error", err)
	}
	return Done{Tag: "VACUUM", Rows: -1}, nil
}

// utility executes a statement the compiler leaves to the warehouse.
func (r *running) utility(tree syntax.Statement) (Done, error) {
	s := r.session
	if _, ok := tree.(*syntax.Copy); !ok { // it may begin anew, see restart
		s.wrote = true
	}
	switch t := tree.(type) {
	case *syntax.Copy:
		return r.copyFrom(t)
	case *syntax.CopyJob:
		return r.copyJob(t)
	case *syntax.Unload:
		return r.unload(t)
	case *syntax.CreateExternalSchema:
		return r.createExternalSchema(t)
	case *syntax.CreateExternalTable:
		return r.createExternalTable(t)
	case *syntax.AlterTable:
		if a, ok := t.Action.(*syntax.AlterRowSecurity); ok {
			return r.rowSecurity(t, a)
		}
		return r.alterExternal(t)
	case *syntax.Policy:
		return r.policy(t)
	case *syntax.AttachPolicy:
		return r.attach(t)
	case *syntax.Drop:
		return r.dropUtility(t)
	case *syntax.CreateView:
		return r.define(&rsql.Plan{Tag: "CREATE VIEW", Statement: t})
	case *syntax.Analyze:
		return r.analyze(t)
	case *syntax.Lock:
		for _, n := range t.Tables {
			if err := r.mustExist(n); err != nil {
				return Done{}, err
			}
		}
		return Done{Tag: "LOCK TABLE", Rows: -1}, nil
	case *syntax.Explain:
		return r.explain(t)
	case *syntax.Declare:
		return r.declare(t)
	case *syntax.Fetch:
		return r.fetch(t)
	case *syntax.CloseCursor:
		return r.closeCursor(t)
	case *syntax.Prepare:
		return r.prepareNamed(t)
	case *syntax.Execute:
		return r.executeNamed(t)
	case *syntax.Deallocate:
		if t.All {
			clear(s.prepared)
		} else if s.prepared[t.Name.Name] == nil {
			return Done{}, sqlerr.New(sqlerr.UndefinedPrepared, "prepared statement \"%s\" does not exist", t.Name.Name)
		}
		delete(s.prepared, t.Name.Name)
		return Done{Tag: "DEALLOCATE", Rows: -1}, nil
	case *syntax.Cancel:
		return r.cancelBackend(t)
	case *syntax.Comment:
		return Done{Tag: "COMMENT", Rows: -1}, r.recordComment(t)
	case *syntax.CreatePrincipal, *syntax.AlterPrincipal, *syntax.Grant, *syntax.DefaultPrivileges, *syntax.AlterDatabase, *syntax.AlterSchema:
		return r.administer(t)
	case *syntax.RefreshView:
		return r.refresh(t)
	case *syntax.AlterView:
		return Done{Tag: "ALTER VIEW", Rows: -1}, r.recordAlterView(t)
	case *syntax.CallStatement:
		return r.callStatement(t)
	case *syntax.CreateRoutine:
		return r.createRoutine(t)
	case *syntax.AlterRoutine:
		return r.alterProcedure(t)
	case *syntax.Unsupported:
		return Done{}, sqlerr.NotImplemented(t.Feature)
	case *syntax.Show:
		switch t.Kind {
		case "procedure":
			return r.showProcedure(t)
		case "table", "view":
			return r.showDefinition(t)
		case "external table":
			return r.showExternalTable(t)
		}
		return r.showObjects(t)
	}
	return Done{}, sqlerr.NotImplemented(strings.TrimPrefix(fmt.Sprintf("%T", tree), "*syntax."))
}

func quoted(name []string) string {
	out := make([]string, len(name))
	for i, p := range name {
		out[i] = duck.Ident(p)
	}
	return strings.Join(out, ".")
}

// explain prints DuckDB's plan, one row a line, and what external scans read.
func (r *running) explain(t *syntax.Explain) (Done, error) {
	plan, err := r.compile(t.Statement)
	if err == nil {
		err = r.permitExplain(plan.Guarded)
	}
	if err != nil {
		return Done{}, err
	}
	if len(plan.SQL) == 0 {
		return Done{}, sqlerr.NotImplemented("EXPLAIN of this statement")
	}
	var lines [][]string
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		for _, line := range strings.Split(strings.TrimRight(text(c, 1, row), "\n"), "\n") {
			lines = append(lines, []string{line})
		}
		return nil
	}, "EXPLAIN "+plan.SQL[len(plan.SQL)-1])
	if err != nil {
		return Done{}, err
	}
	for _, sc := range r.catalog.scans {
		lines = append(lines, []string{fmt.Sprintf("S3 scan of %s: %d of %d partitions, %d files, %d bytes", sc.Table, sc.Partitions, sc.Total, sc.Files, sc.Bytes)})
	}
	columns, _ := r.session.utilityColumns(t)
	return Done{Tag: "EXPLAIN", Rows: int64(len(lines)), HasRows: true}, r.session.rowsOf(r.sink, columns, lines)
}

func (r *running) declare(t *syntax.Declare) (Done, error) {
	s := r.session
	if s.state != block {
		return Done{}, sqlerr.New(sqlerr.NoActiveTransaction, "DECLARE CURSOR may only be used in transaction blocks")
	}
	if s.cursors[t.Name.Name] != nil {
		return Done{}, sqlerr.New("42P03", "cursor \"%s\" already exists", t.Name.Name)
	}
	p := s.Bind(&Prepared{statement: rsql.Statement{Tree: t.Query}, Columns: []Column{}}, nil)
	p.run = &running{session: s, ctx: r.ctx, statement: p.statement, sink: r.sink}
	if err := p.start(r.ctx); err != nil {
		return Done{}, err
	}
	s.cursors[t.Name.Name] = p
	return Done{Tag: "DECLARE CURSOR", Rows: -1}, nil
}

func (r *running) fetch(t *syntax.Fetch) (Done, error) {
	p := r.session.cursors[t.Cursor.Name]
	if p == nil {
		return Done{}, sqlerr.New(sqlerr.UndefinedCursor, "cursor \"%s\" does not exist", t.Cursor.Name)
	}
	limit := int(t.Count)
	switch {
	case t.Direction == "all":
		limit = 0
	case limit == 0:
		limit = 1
	}
	before := p.given
	p.run.ctx, p.run.sink = r.ctx, r.sink
	if p.over {
		return Done{Tag: "FETCH", HasRows: true}, r.sink.Columns(p.columns)
	}
	more, _, err := p.part(r.ctx, limit, r.sink)
	p.over = !more
	return Done{Tag: "FETCH", Rows: p.given - before, HasRows: true}, err
}

func (r *running) closeCursor(t *syntax.CloseCursor) (Done, error) {
	p := r.session.cursors[t.Name.Name]
	if p == nil {
		return Done{}, sqlerr.New(sqlerr.UndefinedCursor, "cursor \"%s\" does not exist", t.Name.Name)
	}
	p.Close()
	delete(r.session.cursors, t.Name.Name)
	return Done{Tag: "CLOSE CURSOR", Rows: -1}, nil
}

func (r *running) prepareNamed(t *syntax.Prepare) (Done, error) {
	s := r.session
	if s.prepared[t.Name.Name] != nil {
		return Done{}, sqlerr.New("42P05", "prepared statement \"%s\" already exists", t.Name.Name)
	}
	p := &Prepared{statement: rsql.Statement{Tree: t.Statement, Text: t.Text}}
	if err := s.describe(r.ctx, p); err != nil {
		return Done{}, err
	}
	s.prepared[t.Name.Name] = p
	return Done{Tag: "PREPARE", Rows: -1}, nil
}

// executeNamed runs a statement of PREPARE: its arguments are constants.
func (r *running) executeNamed(t *syntax.Execute) (Done, error) {
	p := r.session.prepared[t.Name.Name]
	if p == nil {
		return Done{}, sqlerr.New(sqlerr.UndefinedPrepared, "prepared statement \"%s\" does not exist", t.Name.Name)
	}
	if len(t.Args) > 0 {
		args, err := r.constants(t.Args)
		if err != nil {
			return Done{}, err
		}
		r.args = args
	}
	r.statement = p.statement
	return r.statementIn()
}

// constants evaluates the arguments of EXECUTE.
func (r *running) constants(list []syntax.Expr) ([]any, error) {
	sel := &syntax.Select{}
	for _, x := range list {
		sel.Items = append(sel.Items, syntax.SelectItem{Expr: x})
	}
	plan, err := r.compile(&syntax.Query{Body: sel})
	if err != nil {
		return nil, err
	}
	var args []any
	err = eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		for i := range c.Width() {
			if c.Column(i).Null(row) {
				args = append(args, nil)
				continue
			}
			args = append(args, string(c.Column(i).AppendText(nil, row, duck.Format{FloatDigits: 3})))
		}
		return nil
	}, plan.SQL[len(plan.SQL)-1])
	return args, err
}

func (r *running) cancelBackend(t *syntax.Cancel) (Done, error) {
	pid, err := strconv.Atoi(t.PID)
	if err != nil {
		return Done{}, sqlerr.New(sqlerr.InvalidParameterValue, "invalid process id %s", t.PID)
	}
	if other := r.session.cluster.session(int32(pid)); other != nil && other != r.session {
		other.Cancel()
	}
	return Done{Tag: "CANCEL", Rows: -1}, nil
}
