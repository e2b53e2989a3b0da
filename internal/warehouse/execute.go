package warehouse

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"runtime/debug"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Execute runs a script as the simple query protocol does: its statements in
// order, outside a block all in one transaction, up to the first error. An
// empty script calls nothing on the sink. Errors are *sqlerr.Error.
func (s *Session) Execute(ctx context.Context, script string, sink Sink) error {
	ctx, leave, err := s.enter(ctx, script)
	if err != nil {
		return err
	}
	defer leave()
	statements, err := parse(script)
	if err != nil {
		s.fail()
		return sqlerr.From(err)
	}
	for _, st := range statements {
		if err := s.one(ctx, script, st, sink, len(statements) == 1); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// parse parses a script of a protocol that has no :name parameters: one that
// nobody gave a value is a syntax error, as in Redshift.
func parse(script string) ([]rsql.Statement, error) {
	statements, err := rsql.Parse(script)
	if err != nil {
		return nil, err
	}
	for _, st := range statements {
		if len(st.Names) > 0 {
			return nil, sqlerr.New(sqlerr.SyntaxError, "syntax error at or near \":\"").At(st.NamedAt)
		}
	}
	return statements, nil
}

// ExecuteNamed runs one statement with :name parameters, as the Data API has
// them: the values are texts, converted to the type their place wants.
func (s *Session) ExecuteNamed(ctx context.Context, text string, values map[string]string, sink Sink) error {
	ctx, leave, err := s.enter(ctx, text)
	if err != nil {
		return err
	}
	defer leave()
	statements, err := rsql.Parse(text)
	if err == nil && len(statements) > 1 {
		err = sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	if err != nil {
		s.fail()
		return sqlerr.From(err)
	}
	for _, st := range statements {
		run := &running{session: s, ctx: ctx, script: text, statement: st, sink: sink}
		for _, name := range st.Names {
			value, ok := values[name]
			if !ok {
				s.fail()
				return sqlerr.New(sqlerr.UndefinedObject, "Parameters list contains unused parameters or a parameter is missing: %s", name)
			}
			run.args = append(run.args, value)
		}
		if err := run.to(run.execute); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// finish commits an implicit transaction.
func (s *Session) finish(ctx context.Context) error {
	if s.state != implicit {
		return nil
	}
	if err := s.commit(ctx); err != nil {
		return sqlerr.From(err)
	}
	return nil
}

// one runs one statement to its end and records it. alone says that nothing
// follows it in its implicit transaction.
func (s *Session) one(ctx context.Context, script string, st rsql.Statement, sink Sink, alone bool) error {
	run := &running{session: s, ctx: ctx, script: script, statement: st, sink: sink, whole: true, alone: alone}
	return run.to(func() (Done, error) { return run.execute() })
}

// running is one statement under way.
type running struct {
	session   *Session
	ctx       context.Context
	script    string // the text the statement's spans count in
	statement rsql.Statement
	args      []any
	declared  []types.Type // of the parameters, see rsql.Options.Params
	sink      Sink
	whole     bool // the statement is as parsed from its text
	alone     bool // see one
	id        int64
	started   time.Time
	catalog   *catalog
}

// to runs a step, turns its error into the session's state and the history's
// entry, and reports its end to the sink.
func (r *running) to(step func() (Done, error)) error {
	s := r.session
	r.id = s.cluster.w.query.Add(1)
	r.started = s.cluster.w.clock.Now()
	if s.xid == 0 {
		s.xid = r.id
	}
	done, err := guarded(step)
	if err != nil {
		e := r.located(sqlerr.From(err))
		if r.ctx.Err() != nil || e.Code == sqlerr.QueryCanceled {
			e = sqlerr.New(sqlerr.QueryCanceled, "Query (%d) cancelled on user's request", r.id)
		}
		if why := s.cluster.lost(); why != nil {
			e = why
		}
		s.cluster.log.add(r.entry(done, e))
		s.fail()
		return e
	}
	s.cluster.log.add(r.entry(done, nil))
	s.lastQuery, done.QueryID = r.id, r.id
	if done.Command == "" {
		done.Command = done.Tag
	}
	return r.sink.Done(done)
}

// notGrouped is the engine's fault about a column that is not grouped.
var notGrouped = regexp.MustCompile(`^column "([^"]+)" must appear in the GROUP BY clause`)

// located gives a fault the engine found after compilation its place in the text.
func (r *running) located(e *sqlerr.Error) *sqlerr.Error {
	if e.Code != sqlerr.GroupingError || e.Position != 0 {
		return e
	}
	if m := notGrouped.FindStringSubmatch(e.Message); m != nil {
		return rsql.Ungrouped(r.statement.Tree, r.script, m[1], e)
	}
	return e
}

// guarded runs a step; a fault of ours fails the statement, not the server.
func guarded(step func() (Done, error)) (done Done, err error) {
	defer func() {
		if p := recover(); p != nil {
			slog.Error("a statement panicked", "panic", p, "stack", string(debug.Stack()))
			err = sqlerr.New(sqlerr.InternalError, "internal error: %v", p)
		}
	}()
	return step()
}

func (r *running) execute() (Done, error) {
	s, tree := r.session, r.statement.Tree
	if s.state == failed {
		switch tree.(type) {
		case *syntax.Commit, *syntax.Rollback:
		default:
			return Done{}, sqlerr.New(sqlerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
		}
	}
	if done, handled, err := s.transact(r.ctx, tree, r.sink); handled {
		return done, err
	}
	if err := s.connect(r.ctx); err != nil {
		return Done{}, err
	}
	s.settle(r.ctx)
	if done, handled, err := r.setting(tree); handled {
		return done, err
	}
	if err := s.lockTargets(r.ctx, tree); err != nil {
		return Done{}, err
	}
	if r.isTransaction() {
		s.state = implicit
	} else if err := s.begin(r.ctx); err != nil {
		return Done{}, err
	}
	return r.statementIn()
}

// isTransaction says whether the statement is a query that is a transaction by
// itself, as every query of DuckDB's is outside of BEGIN and COMMIT.
func (r *running) isTransaction() bool {
	s := r.session
	if !r.alone || s.state != idle || s.mark != "" || s.cluster.serializable(s.db.name) {
		return false
	}
	q, ok := r.statement.Tree.(*syntax.Query)
	return ok && rsql.Into(q) == nil
}

// statementIn runs a statement inside the open transaction.
func (r *running) statementIn() (Done, error) {
	s := r.session
	if done, handled, err := r.insertExternal(r.statement.Tree); handled {
		return done, err
	}
	plan, _, err := r.planned()
	if err != nil {
		return Done{}, err
	}
	switch plan.Kind {
	case rsql.Rows:
		return r.rows(plan)
	case rsql.Write:
		return r.write(plan)
	case rsql.Define:
		return r.define(plan)
	case rsql.Utility:
		return r.utility(plan.Statement)
	}
	return Done{}, fmt.Errorf("cannot run a plan of kind %d in session %d", plan.Kind, s.pid)
}

func (r *running) compile(tree syntax.Statement) (*rsql.Plan, error) {
	r.catalog = &catalog{ctx: r.ctx, session: r.session}
	tree, err := r.fixDefaults(tree)
	if err != nil {
		return nil, err
	}
	options := r.session.compileOptions()
	options.Text = r.script
	options.Params = r.declared
	plan, err := rsql.Compile(tree, r.catalog, options)
	if err != nil {
		return nil, err
	}
	return plan, r.admit(plan)
}

// admit checks what a statement may do, and that it may do it now.
func (r *running) admit(plan *rsql.Plan) error {
	if err := r.permit(plan); err != nil {
		return err
	}
	return r.order(plan)
}

// rows streams the result of a query to the sink.
func (r *running) rows(plan *rsql.Plan) (Done, error) {
	rows, columns, err := r.open(plan)
	if err != nil {
		return Done{}, err
	}
	defer rows.Close()
	if err := r.sink.Columns(columns); err != nil {
		return Done{}, err
	}
	n, err := copyRows(r.ctx, rows, r.sink)
	if err != nil {
		return Done{}, err
	}
	return Done{Tag: plan.Tag, Rows: n, HasRows: true}, nil
}

func copyRows(ctx context.Context, rows *duck.Rows, sink Sink) (int64, error) {
	var n int64
	for {
		chunk, err := rows.Next(ctx)
		if isEOF(err) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n += int64(chunk.Len())
		if err := sink.Chunk(chunk); err != nil {
			return n, err
		}
	}
}

// open starts a plan that returns rows.
func (r *running) open(plan *rsql.Plan) (*duck.Rows, []Column, error) {
	s := r.session
	for _, c := range plan.Configs {
		if err := s.configure(c); err != nil {
			return nil, nil, err
		}
	}
	last := len(plan.SQL) - 1
	if last > 0 {
		if err := s.begin(r.ctx); err != nil {
			return nil, nil, err
		}
	}
	for _, sql := range plan.SQL[:last] {
		if _, err := s.conn.Exec(r.ctx, sql); err != nil {
			return nil, nil, err
		}
	}
	rows, err := s.conn.Query(r.ctx, plan.SQL[last], r.args...)
	if err != nil {
		return nil, nil, err
	}
	columns := resultColumns(plan, rows.Columns())
	typeFromTables(columns, plan)
	for i, c := range columns {
		switch c.Type.Kind {
		case types.Char: // kept without its padding
			rows.Pad(i, c.Type.Length)
		case types.SmallintArray, types.TextArray:
			rows.Braces(i)
		}
	}
	return rows, columns, nil
}

// typeFromTables gives columns that are plainly those of the one table read
// their declared lengths, which DuckDB's types do not carry.
func typeFromTables(columns []Column, plan *rsql.Plan) {
	if len(plan.Read) != 1 {
		return
	}
	declared := map[string]resolve.Column{}
	for _, c := range plan.Read[0].Columns {
		declared[c.Name] = c
	}
	for i, c := range columns {
		if d, ok := declared[c.Name]; ok && d.Type.OID() == c.Type.OID() {
			columns[i].Type = d.Type
			columns[i].Schema, columns[i].Table = plan.Read[0].Schema, plan.Read[0].Name
			columns[i].Nullable = !d.NotNull
		}
	}
}

// write runs INSERT, UPDATE, DELETE, MERGE and CREATE TABLE AS.
func (r *running) write(plan *rsql.Plan) (Done, error) {
	s := r.session
	s.wrote = true
	var n int64
	for i, sql := range plan.SQL {
		args := r.args
		if i < len(plan.SQL)-1 {
			args = nil
		}
		var err error
		if n, err = s.conn.Exec(r.ctx, sql, args...); err != nil {
			return Done{}, err
		}
	}
	s.bulk += n
	switch t := plan.Statement.(type) {
	case *syntax.CreateTable:
		if err := r.recordTableAs(t.Name, t.Temp, t.Attrs, plan); err != nil {
			return Done{}, err
		}
		return Done{Tag: "SELECT", Command: "CREATE TABLE AS", Rows: n}, nil
	case *syntax.Query:
		into := rsql.Into(t)
		if err := r.recordTableAs(into.Name, into.Temp, syntax.TableAttrs{}, plan); err != nil {
			return Done{}, err
		}
		return Done{Tag: "SELECT", Command: "SELECT INTO", Rows: n}, nil
	}
	if plan.Tag == "INSERT" {
		return Done{Tag: fmt.Sprintf("INSERT 0 %d", n), Command: "INSERT", Rows: n}, nil
	}
	return Done{Tag: fmt.Sprintf("%s %d", plan.Tag, n), Command: plan.Tag, Rows: n}, nil
}

// lockTargets takes the write locks a statement needs before its snapshot is
// taken, so that a single statement that waited sees what it waited for.
func (s *Session) lockTargets(ctx context.Context, tree syntax.Statement) error {
	var name syntax.Name
	switch t := tree.(type) {
	case *syntax.Update:
		name = t.Table
	case *syntax.Delete:
		name = t.Table
	case *syntax.Merge:
		name = t.Target
	case *syntax.Truncate:
		name = t.Table
	case *syntax.AlterTable:
		name = t.Table
	case *syntax.Lock:
		for _, n := range t.Tables {
			if err := s.lockName(ctx, n); err != nil {
				return err
			}
		}
		return nil
	default:
		return nil
	}
	return s.lockName(ctx, name)
}

func (s *Session) lockName(ctx context.Context, name syntax.Name) error {
	c := &catalog{ctx: ctx, session: s}
	r, err := c.Relation(parts(name))
	if err != nil || r == nil || r.Kind != resolve.Table || r.Schema == tempSchema {
		return nil // the compiler reports it better
	}
	return s.cluster.locks.acquire(ctx, s, r.Database+"."+r.Schema+"."+r.Name)
}

func parts(name syntax.Name) []string {
	out := make([]string, len(name.Parts))
	for i, p := range name.Parts {
		out[i] = p.Name
	}
	return out
}

// Several says that a text holds more than one statement. One that does not
// parse holds none.
func Several(text string) bool {
	list, err := rsql.Parse(text)
	return err == nil && len(list) > 1
}
