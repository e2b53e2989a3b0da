package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/plpgsql"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// procedureHost runs the SQL of one call of a procedure, in the session of the
// client's CALL.
type procedureHost struct {
	*running
	shared *callShared
	depth  int
	// atomic: called inside a block or by somebody with SET options; the
	// transaction is not the procedure's to end.
	atomic bool
}

var _ plpgsql.Host = (*procedureHost)(nil)

// callShared is what a call and the calls within it have in common.
type callShared struct {
	plans   map[*plpgsql.SQL]*keptPlan
	casts   map[[2]types.Type]*plpgsql.SQL
	portals int
}

// keptPlan is the prepared statement of an expression, for arguments of the
// types in key.
type keptPlan struct {
	key    string
	stmt   *duck.Stmt
	column Column
}

func newCallShared() *callShared {
	return &callShared{plans: map[*plpgsql.SQL]*keptPlan{}, casts: map[[2]types.Type]*plpgsql.SQL{}}
}

func (c *callShared) close() {
	for _, k := range c.plans {
		k.stmt.Close()
	}
	c.plans = map[*plpgsql.SQL]*keptPlan{}
}

// run runs a procedure with its SET options and as its owner if it says so.
func (h *procedureHost) run(ctx context.Context, p *procedure, args []plpgsql.Value, autocommit bool) ([]plpgsql.Value, error) {
	if h.depth++; h.depth > maxCallDepth {
		return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "stored procedure nested call depth exceeds the limit of %d", maxCallDepth)
	}
	proc, err := p.parse()
	if err != nil {
		return nil, err
	}
	s := h.session
	if p.definer {
		defer func(was string) { s.runAs = was }(s.runAs)
		s.runAs = p.owner
	}
	if len(p.options) > 0 {
		h.atomic = true
		was := s.settings.snapshot()
		defer func() { s.settings.restore(was) }()
		for _, o := range p.options {
			if err := s.settings.set(o.Name, o.Values); err != nil {
				return nil, err
			}
		}
		if err := s.connect(ctx); err != nil {
			return nil, err
		}
	}
	var given []plpgsql.Value
	for i, a := range args {
		if len(args) == len(p.args) && p.args[i].Mode == "out" {
			continue
		}
		given = append(given, a)
	}
	return proc.Run(ctx, h, given, autocommit)
}

// Call implements plpgsql.Host.
func (h *procedureHost) Call(ctx context.Context, name syntax.Name, args []plpgsql.Value, autocommit bool) ([]plpgsql.Value, []int, error) {
	if err := h.session.begin(ctx); err != nil {
		return nil, nil, err
	}
	inner := &procedureHost{running: h.running, shared: h.shared, depth: h.depth, atomic: h.atomic}
	p, err := inner.find(name, args)
	if err == nil {
		err = h.permitCall(p)
	}
	if err != nil {
		return nil, nil, err
	}
	outs, err := inner.run(ctx, p, args, autocommit)
	if err != nil {
		return nil, nil, err
	}
	var at []int
	place := 0
	for i, a := range p.args {
		if len(args) == len(p.args) {
			place = i
		}
		switch a.Mode {
		case "inout":
			at = append(at, place)
		case "out":
			if len(args) != len(p.args) {
				at = append(at, len(args)) // not given: nobody takes it
				continue
			}
			at = append(at, place)
		}
		place++
	}
	return outs, at, nil
}

// CanCommit implements plpgsql.Host.
func (h *procedureHost) CanCommit() bool { return !h.atomic }

// Commit implements plpgsql.Host.
func (h *procedureHost) Commit(ctx context.Context) error {
	h.session.state = max(h.session.state, implicit)
	return h.session.commit(ctx)
}

// Rollback implements plpgsql.Host. Inside a client's block the block goes on,
// with nothing in it.
func (h *procedureHost) Rollback(ctx context.Context) error {
	s := h.session
	inBlock := s.state == block
	s.rollback(ctx)
	if inBlock {
		s.state = block
	}
	return nil
}

// Notice implements plpgsql.Host. DEBUG and LOG do not go to clients.
func (h *procedureHost) Notice(level, message string) {
	h.raised(level, message)
	if level == "DEBUG" || level == "LOG" {
		return
	}
	h.sink.Notice(&sqlerr.Error{Severity: level, Code: map[bool]string{true: "01000", false: "00000"}[level == "WARNING"], Message: message})
}

// child is a statement of the procedure under way.
func (h *procedureHost) child(ctx context.Context, tree syntax.Statement, text string, sink Sink) *running {
	w := h.session.cluster.w
	return &running{session: h.session, ctx: ctx, script: text, statement: rsql.Statement{Tree: tree, Text: text}, sink: sink, id: w.query.Add(1), started: w.clock.Now()}
}

// inside runs a statement in the transaction of the procedure.
func (r *running) inside() (Done, error) {
	s, tree := r.session, r.statement.Tree
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
	if err := s.begin(r.ctx); err != nil {
		return Done{}, err
	}
	return r.statementIn()
}

// statement runs a statement of the procedure and records it.
func (h *procedureHost) statement(ctx context.Context, tree syntax.Statement, text string, c *collector) (Done, error) {
	c.notices = h.sink
	r := h.child(ctx, tree, text, c)
	done, err := r.inside()
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err != nil {
		e := sqlerr.From(err)
		if ctx.Err() != nil {
			e = sqlerr.New(sqlerr.QueryCanceled, "Query (%d) cancelled on user's request", h.id)
		}
		h.session.cluster.log.add(r.entry(done, e))
		return done, e
	}
	h.session.cluster.log.add(r.entry(done, nil))
	h.session.lastQuery = r.id
	return done, nil
}

// Exec implements plpgsql.Host.
func (h *procedureHost) Exec(ctx context.Context, tree syntax.Statement, text string) (int64, error) {
	done, err := h.statement(ctx, tree, text, &collector{drop: true})
	return done.Rows, err
}

// Query implements plpgsql.Host.
func (h *procedureHost) Query(ctx context.Context, tree syntax.Statement, text string, limit int) (*plpgsql.Rows, error) {
	c := h.session.collector(limit)
	if _, err := h.statement(ctx, tree, text, c); err != nil {
		return nil, err
	}
	return &c.rows, nil
}

// Open implements plpgsql.Host.
func (h *procedureHost) Open(ctx context.Context, name string, tree *syntax.Query, text string) (string, error) {
	s := h.session
	if name == "" {
		h.shared.portals++
		name = fmt.Sprintf("<unnamed portal %d>", h.shared.portals)
	}
	if s.cursors[name] != nil {
		return "", sqlerr.New("42P03", "cursor \"%s\" already in use", name)
	}
	p := s.Bind(&Prepared{statement: rsql.Statement{Tree: tree, Text: text}, Columns: []Column{}}, nil)
	p.run = h.child(ctx, tree, text, h.sink)
	if err := p.start(ctx); err != nil {
		return "", err
	}
	if p.rows == nil {
		return "", sqlerr.New("42P11", "cannot open non-SELECT query as cursor")
	}
	s.cursors[name] = p
	return name, nil
}

// Fetch implements plpgsql.Host.
func (h *procedureHost) Fetch(ctx context.Context, name string, limit int) (*plpgsql.Rows, error) {
	p := h.session.cursors[name]
	if p == nil {
		return nil, sqlerr.New(sqlerr.UndefinedCursor, "cursor \"%s\" does not exist", name)
	}
	c := h.session.collector(0)
	if p.over {
		return &c.rows, c.Columns(p.columns)
	}
	p.run.ctx, p.run.sink = ctx, c
	more, _, err := p.part(ctx, limit, c)
	p.over = !more
	return &c.rows, err
}

// Close implements plpgsql.Host.
func (h *procedureHost) Close(name string) error {
	p := h.session.cursors[name]
	if p == nil {
		return sqlerr.New(sqlerr.UndefinedCursor, "cursor \"%s\" does not exist", name)
	}
	p.Close()
	delete(h.session.cursors, name)
	return nil
}

// Evaluate implements plpgsql.Host: an expression is compiled and prepared
// once for the types of its arguments.
func (h *procedureHost) Evaluate(ctx context.Context, key *plpgsql.SQL, args []plpgsql.Value) (plpgsql.Value, error) {
	var shape strings.Builder
	values := make([]any, len(args))
	for i, a := range args {
		shape.WriteString(a.Type.String() + ",")
		if !a.Null {
			values[i] = a.Text
		}
	}
	s := h.session
	s.settle(ctx)
	kept := h.shared.plans[key]
	if kept == nil || kept.key != shape.String() {
		var err error
		if kept, err = h.prepareExpr(ctx, key, shape.String()); err != nil {
			return plpgsql.Value{}, err
		}
	}
	rows, err := kept.stmt.Query(ctx, values...)
	if err != nil {
		return plpgsql.Value{}, err
	}
	defer rows.Close()
	c := s.collector(1)
	columns := []Column{kept.column}
	if kept.column.Name == "" {
		columns = resultColumns(&rsql.Plan{}, rows.Columns())
	}
	_ = c.Columns(columns) // the collector's never fails
	if _, err := copyRows(ctx, rows, c); err != nil && !errors.Is(err, errEnough) {
		return plpgsql.Value{}, err
	}
	if len(c.rows.Data) == 0 {
		return plpgsql.Value{Null: true}, nil
	}
	return c.rows.Data[0][0], nil
}

func (h *procedureHost) prepareExpr(ctx context.Context, key *plpgsql.SQL, shape string) (*keptPlan, error) {
	s := h.session
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	plan, err := h.child(ctx, key.Tree, key.Text, Discard{}).compile(key.Tree)
	if err != nil {
		return nil, err
	}
	if plan.Kind != rsql.Rows || len(plan.SQL) != 1 {
		return nil, sqlerr.New(sqlerr.SyntaxError, "cannot evaluate \"%s\"", key.Text)
	}
	stmt, err := s.conn.Prepare(plan.SQL[0])
	if err != nil {
		return nil, err
	}
	kept := &keptPlan{key: shape, stmt: stmt}
	if columns := stmt.Columns(); len(columns) == 1 && columns[0].Type.Kind != duck.Unknown {
		kept.column = resultColumns(plan, columns)[0]
	}
	if old := h.shared.plans[key]; old != nil {
		old.stmt.Close()
	}
	h.shared.plans[key] = kept
	return kept, nil
}

// Convert implements plpgsql.Host.
func (h *procedureHost) Convert(ctx context.Context, v plpgsql.Value, to types.Type) (plpgsql.Value, error) {
	key := [2]types.Type{v.Type, to}
	if h.shared.casts[key] == nil {
		h.shared.casts[key] = plpgsql.Conversion(v.Type, to)
	}
	out, err := h.Evaluate(ctx, h.shared.casts[key], []plpgsql.Value{v})
	out.Type = to
	return out, err
}

// Relation implements plpgsql.Host.
func (h *procedureHost) Relation(ctx context.Context, path []string) ([]plpgsql.Column, error) {
	c := &catalog{ctx: ctx, session: h.session}
	found, err := c.Relation(path)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", strings.Join(path, "."))
	}
	out := make([]plpgsql.Column, len(found.Columns))
	for i, col := range found.Columns {
		out[i] = plpgsql.Column{Name: col.Name, Type: col.Type}
	}
	return out, nil
}

// errEnough ends a query whose further rows nobody wants.
var errEnough = errors.New("enough rows")

// collector is a Sink that keeps rows as the values of variables.
type collector struct {
	Discard
	notices Sink
	rows    plpgsql.Rows
	limit   int // 0: all
	drop    bool
	format  duck.Format
}

func (s *Session) collector(limit int) *collector {
	f := s.settings.format()
	f.FloatDigits = max(f.FloatDigits, 1)
	return &collector{limit: limit, format: f}
}

// Columns implements Sink.
func (c *collector) Columns(columns []Column) error {
	c.rows.Columns = make([]plpgsql.Column, len(columns))
	for i, col := range columns {
		c.rows.Columns[i] = plpgsql.Column{Name: col.Name, Type: col.Type}
	}
	return nil
}

// Chunk implements Sink.
func (c *collector) Chunk(chunk *duck.Chunk) error {
	if c.drop {
		return nil
	}
	for i := range chunk.Len() {
		row := make([]plpgsql.Value, chunk.Width())
		for j := range row {
			v := chunk.Column(j)
			row[j].Type = c.rows.Columns[j].Type
			if row[j].Null = v.Null(i); !row[j].Null {
				row[j].Text = string(v.AppendText(nil, i, c.format))
				if row[j].Type.Kind == types.Char { // variables keep it without its padding
					row[j].Text = strings.TrimRight(row[j].Text, " ")
				}
			}
		}
		c.rows.Data = append(c.rows.Data, row)
		if c.limit > 0 && len(c.rows.Data) >= c.limit {
			return errEnough
		}
	}
	return nil
}

// Notice implements Sink.
func (c *collector) Notice(n *sqlerr.Error) {
	if c.notices != nil {
		c.notices.Notice(n)
	}
}
