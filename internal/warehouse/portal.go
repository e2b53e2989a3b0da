package warehouse

import (
	"context"
	"slices"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// Prepared is a parsed statement of the extended query protocol.
type Prepared struct {
	text      string
	statement rsql.Statement
	empty     bool
	// declared are the types the client gave, Unknown for what it left open.
	declared []types.Type
	// Params are the parameters' types: those the client declared, else those
	// inferred; Unknown where neither says.
	Params []types.Type
	// Columns are the result's columns, nil for a statement without rows.
	Columns []Column
	// Tag is the command, upper case: "SELECT", "INSERT".
	Tag string
}

// Empty says that the text held no statement.
func (p *Prepared) Empty() bool { return p.empty }

// Prepare parses and describes one statement. declared are the parameter types
// the client gave; Unknown asks for inference.
func (s *Session) Prepare(ctx context.Context, text string, declared []types.Type) (*Prepared, error) {
	ctx, leave, err := s.enter(ctx, text)
	if err != nil {
		return nil, err
	}
	defer leave()
	p, err := s.prepare(ctx, text, declared)
	if err != nil {
		s.fail()
		return nil, sqlerr.From(err)
	}
	return p, nil
}

func (s *Session) prepare(ctx context.Context, text string, declared []types.Type) (*Prepared, error) {
	statements, err := parse(text)
	if err != nil {
		return nil, err
	}
	switch len(statements) {
	case 0:
		return &Prepared{empty: true}, nil
	case 1:
	default:
		return nil, sqlerr.New(sqlerr.SyntaxError, "cannot insert multiple commands into a prepared statement")
	}
	p := &Prepared{text: text, statement: statements[0], Params: declared, declared: slices.Clone(declared)}
	for len(p.declared) < p.statement.Params {
		p.declared = append(p.declared, types.Type{})
	}
	if s.state == failed {
		return p, nil // it can only be COMMIT or ROLLBACK
	}
	_, err = guarded(func() (Done, error) { return Done{}, s.describe(ctx, p) })
	return p, err
}

// describe finds the parameters and columns of a statement without running it.
func (s *Session) describe(ctx context.Context, p *Prepared) error {
	switch p.statement.Tree.(type) {
	case *syntax.Begin, *syntax.Commit, *syntax.Rollback, *syntax.Set, *syntax.Reset:
		return nil
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	s.settle(ctx)
	if columns, ok := s.utilityColumns(p.statement.Tree); ok {
		p.Columns = columns
		p.showParams()
		s.callParams(p)
		return nil
	}
	r := &running{session: s, ctx: ctx, script: p.text, statement: p.statement, declared: p.declared, sink: Discard{}, whole: true}
	plan, kept, err := r.planned()
	if err != nil {
		return err
	}
	p.Tag = plan.Tag
	if len(plan.SQL) == 0 || plan.Kind == rsql.Define {
		return nil
	}
	if kept == nil {
		return s.describePlan(ctx, p, plan)
	}
	if !kept.described {
		if err := s.describePlan(ctx, p, plan); err != nil {
			return err
		}
		kept.described, kept.params, kept.columns = true, slices.Clone(p.Params), p.Columns
	}
	p.Params, p.Columns = slices.Clone(kept.params), kept.columns
	return nil
}

// describePlan asks DuckDB what a compiled statement takes and gives.
func (s *Session) describePlan(ctx context.Context, p *Prepared, plan *rsql.Plan) error {
	stmt, err := s.conn.Prepare(plan.SQL[len(plan.SQL)-1])
	if err != nil {
		if len(plan.SQL) > 1 {
			return nil // it needs what the statements before it make
		}
		return err
	}
	defer stmt.Close()
	p.inferParams(stmt, plan)
	if plan.Kind != rsql.Rows {
		return nil
	}
	columns := stmt.Columns()
	if untyped(stmt) || slices.ContainsFunc(p.declared, isNumber) {
		if columns, err = s.describeWith(ctx, p, plan); err != nil {
			return err
		}
	}
	p.Columns = resultColumns(plan, columns)
	typeFromTables(p.Columns, plan)
	return nil
}

// showParams makes texts of the parameters of SHOW, which stand for names.
func (p *Prepared) showParams() {
	if _, ok := p.statement.Tree.(*syntax.Show); !ok {
		return
	}
	for len(p.Params) < p.statement.Params {
		p.Params = append(p.Params, types.Type{})
	}
	for i, t := range p.Params {
		if t.Kind == types.Unknown {
			p.Params[i] = types.Type{Kind: types.Varchar}
		}
	}
}

// inferParams completes the parameters' types with those DuckDB found.
func (p *Prepared) inferParams(stmt *duck.Stmt, plan *rsql.Plan) {
	for i := len(p.Params); i < max(stmt.Params(), plan.Params); i++ {
		p.Params = append(p.Params, types.Type{})
	}
	for i := range p.Params {
		if p.Params[i].Kind != types.Unknown || i >= stmt.Params() {
			continue
		}
		p.Params[i] = types.Type{Kind: types.Varchar}
		if t, ok := plan.Inferred[i+1]; ok {
			p.Params[i] = t
			continue
		}
		if t := stmt.Param(i + 1); t.Kind != duck.Unknown && t.Kind != duck.Null {
			p.Params[i] = types.FromDuck(t.String())
		}
	}
}

// untyped says whether DuckDB lacks the type of a parameter, and with it
// perhaps that of result columns.
func untyped(stmt *duck.Stmt) bool {
	for i := range stmt.Params() {
		if k := stmt.Param(i + 1).Kind; k == duck.Unknown || k == duck.Null {
			return true
		}
	}
	return false
}

// isNumber says whether a parameter of the type is bound as a number, whose
// width then decides that of the columns computed from it.
func isNumber(t types.Type) bool {
	return t.IsInteger() || t.Kind == types.OID || t.Kind == types.Real || t.Kind == types.Double
}

// describeWith asks DuckDB for the columns with sample values bound, text for
// a parameter of unknown type as in PostgreSQL. The samples have the Go types
// that the values will have, so that the columns found are those sent.
func (s *Session) describeWith(ctx context.Context, p *Prepared, plan *rsql.Plan) ([]duck.Column, error) {
	samples := make([]any, len(p.Params))
	for i, t := range p.Params {
		switch {
		case t.Kind == types.Boolean:
			samples[i] = false
		case t.Kind == types.Bigint:
			samples[i] = int64(1)
		case t.IsInteger(), t.Kind == types.OID:
			samples[i] = int32(1)
		case t.Kind == types.Real || t.Kind == types.Double:
			samples[i] = 1.5
		case t.Kind == types.Date, t.Kind == types.Timestamp, t.Kind == types.TimestampTZ:
			samples[i] = "2000-01-01"
		default:
			samples[i] = "1"
		}
	}
	var out []duck.Column
	err := eachRow(ctx, s.conn, func(c *duck.Chunk, row int) error {
		out = append(out, duck.Column{Name: text(c, 0, row), Type: duck.TypeNamed(text(c, 1, row))})
		return nil
	}, "DESCRIBE "+plan.SQL[len(plan.SQL)-1], samples...)
	return out, err
}

// Portal is a prepared statement with its parameters, run in parts.
type Portal struct {
	session *Session
	Prepared
	// Alone says that nothing follows in the implicit transaction: the client
	// has sent Sync.
	Alone   bool
	args    []any
	run     *running
	rows    *duck.Rows
	columns []Column
	rest    *duck.Chunk // rows of the last chunk that were not asked for yet
	given   int64
	plan    *rsql.Plan
	over    bool
}

// Bind pairs a prepared statement with values: nil, bool, int64, float64,
// []byte, or text for everything else.
func (s *Session) Bind(p *Prepared, args []any) *Portal {
	return &Portal{session: s, Prepared: *p, args: args}
}

// Run executes the portal, or goes on where the last Run stopped, for up to
// limit rows (0: all). more says that it stopped at the limit; then Done is not
// called on the sink.
func (p *Portal) Run(ctx context.Context, limit int, sink Sink) (more bool, err error) {
	s := p.session
	ctx, leave, err := s.enter(ctx, p.statement.Text)
	if err != nil {
		return false, err
	}
	defer leave()
	if p.over {
		return false, sink.Done(Done{Tag: "SELECT", Command: "SELECT", HasRows: true})
	}
	if p.run == nil {
		p.run = &running{session: s, script: p.text, statement: p.statement, args: p.args, declared: p.declared, whole: true}
	}
	p.run.ctx, p.run.sink, p.run.alone = ctx, sink, p.Alone
	if p.rows == nil && (limit == 0 || p.Prepared.Columns == nil) {
		p.over = true
		return false, p.run.to(p.run.execute)
	}
	more, done, err := p.part(ctx, limit, sink)
	if err == nil && more {
		return true, nil
	}
	p.over = true
	return false, p.run.to(func() (Done, error) { return done, err })
}

// part gives up to limit rows of a query.
func (p *Portal) part(ctx context.Context, limit int, sink Sink) (bool, Done, error) {
	s := p.session
	if p.rows == nil {
		if err := p.start(ctx); err != nil {
			return false, Done{}, err
		}
		if p.rows == nil { // not a query after all
			done, err := p.run.statementIn()
			return false, done, err
		}
	}
	if err := sink.Columns(p.columns); err != nil {
		return false, Done{}, err
	}
	left := limit
	for limit == 0 || left > 0 {
		chunk := p.rest
		p.rest = nil
		if chunk == nil {
			var err error
			chunk, err = p.rows.Next(ctx)
			if isEOF(err) {
				s.forget(p)
				return false, Done{Tag: p.plan.Tag, Rows: p.given, HasRows: true}, nil
			}
			if err != nil {
				s.forget(p)
				return false, Done{}, err
			}
		}
		if limit > 0 && chunk.Len() > left {
			p.rest = chunk.Slice(left, chunk.Len())
			chunk = chunk.Slice(0, left)
		}
		left -= chunk.Len()
		p.given += int64(chunk.Len())
		if err := sink.Chunk(chunk); err != nil {
			return false, Done{}, err
		}
	}
	return true, Done{}, nil
}

func (p *Portal) start(ctx context.Context) error {
	s := p.session
	if s.state == failed {
		return sqlerr.New(sqlerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	s.settle(ctx)
	if err := s.begin(ctx); err != nil {
		return err
	}
	plan, _, err := p.run.planned()
	if err != nil {
		return err
	}
	p.plan = plan
	if plan.Kind != rsql.Rows {
		return nil
	}
	rows, columns, err := p.run.open(plan)
	if err != nil {
		return err
	}
	p.rows, p.columns = rows, columns
	s.streaming = p
	return nil
}

// forget closes a portal's rows.
func (s *Session) forget(p *Portal) {
	if p.rows != nil {
		p.rows.Close()
	}
	if s.streaming == p {
		s.streaming = nil
	}
	p.rest = nil
}

// settle moves the rows a suspended portal has still to give out of DuckDB's
// stream, which the next statement on the connection would end.
func (s *Session) settle(ctx context.Context) {
	if s.streaming == nil {
		return
	}
	s.streaming.rows.Buffer(ctx)
	s.streaming = nil
}

// Close releases what the portal holds. It may be called more than once.
func (p *Portal) Close() { p.session.forget(p); p.over = true }

// ClosePortal closes a portal between calls.
func (s *Session) ClosePortal(p *Portal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Close()
}

// Sync ends an extended query sequence: outside a block its transaction commits.
func (s *Session) Sync(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finish(ctx)
}

// Abort tells the session that its client failed in a way the session did not
// see (a bad message): an open transaction fails.
func (s *Session) Abort() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail()
}

// CursorColumns are the columns of an open cursor of DECLARE, which the
// protocol can describe as it does portals.
func (s *Session) CursorColumns(name string) ([]Column, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cursors[name]
	if c == nil {
		return nil, false
	}
	return c.columns, true
}
