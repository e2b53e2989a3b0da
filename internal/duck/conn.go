package duck

import (
	"context"
	"fmt"
	"strconv"
	"time"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"stepwell/internal/sqlerr"
)

// Conn is one connection. Its methods must not be called concurrently.
type Conn struct {
	engine *Engine
	conn   bindings.Connection
	closed bool
	open   *Rows // the result being streamed: DuckDB keeps one per connection

	activity activity
}

// Connect opens a connection to the instance.
func (e *Engine) Connect() (*Conn, error) {
	e.connMu.Lock()
	defer e.connMu.Unlock()
	c := &Conn{engine: e}
	if e.gone != nil || bindings.Connect(e.db, &c.conn) == bindings.StateError {
		return nil, fmt.Errorf("cannot connect to DuckDB")
	}
	e.conns++
	e.workers.add(c)
	return c, nil
}

// Close ends the connection; an open transaction is rolled back.
func (c *Conn) Close() {
	if c.closed {
		return
	}
	c.closed = true
	c.release()
	bindings.Disconnect(&c.conn)
	c.engine.workers.remove(c)
	c.engine.connMu.Lock()
	defer c.engine.connMu.Unlock()
	c.engine.conns--
	if c.engine.conns == 0 && c.engine.gone != nil {
		close(c.engine.gone)
	}
}

// translate is the error of a statement of the connection, and tells the engine
// when it is the end of the instance.
func (c *Conn) translate(kind bindings.ErrorType, message string) error {
	err := translate(kind, message)
	if e := fatal(message); e != nil {
		c.engine.broken.Do(func() {
			if c.engine.invalidated != nil {
				c.engine.invalidated(e)
			}
		})
		return e
	}
	return err
}

func (c *Conn) prepareError(p bindings.PreparedStatement) error {
	return c.translate(bindings.ErrorTypeInvalid, bindings.PrepareError(p))
}

// release closes the result that is still being streamed, as DuckDB itself
// does when another statement runs.
func (c *Conn) release() {
	if c.open != nil {
		c.open.Close()
	}
}

// Script runs statements separated by semicolons, ignoring their rows.
func (c *Conn) Script(ctx context.Context, script string) error {
	c.release()
	var stmts bindings.ExtractedStatements
	n := bindings.ExtractStatements(c.conn, script, &stmts)
	defer bindings.DestroyExtracted(&stmts)
	if n == 0 {
		return c.translate(bindings.ErrorTypeParser, bindings.ExtractStatementsError(stmts))
	}
	for i := range n {
		var p bindings.PreparedStatement
		state := bindings.PrepareExtractedStatement(c.conn, stmts, i, &p)
		if state == bindings.StateError {
			err := c.prepareError(p)
			bindings.DestroyPrepare(&p)
			return err
		}
		st := &Stmt{conn: c, stmt: p}
		_, err := st.Exec(ctx)
		st.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// Prepare compiles one statement.
func (c *Conn) Prepare(query string) (*Stmt, error) {
	c.release()
	st := &Stmt{conn: c}
	if bindings.Prepare(c.conn, query, &st.stmt) == bindings.StateError {
		err := c.prepareError(st.stmt)
		bindings.DestroyPrepare(&st.stmt)
		return nil, err
	}
	return st, nil
}

// Exec runs one statement and returns the number of rows it changed.
func (c *Conn) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	st, err := c.Prepare(query)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	return st.Exec(ctx, args...)
}

// Query runs one statement and streams its rows. The statement is closed with
// the rows.
func (c *Conn) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	st, err := c.Prepare(query)
	if err != nil {
		return nil, err
	}
	rows, err := st.Query(ctx, args...)
	if err != nil {
		st.Close()
		return nil, err
	}
	rows.owned = st
	return rows, nil
}

// Stmt is a prepared statement of one connection.
type Stmt struct {
	conn *Conn
	stmt bindings.PreparedStatement
}

// Close releases the statement.
func (s *Stmt) Close() { bindings.DestroyPrepare(&s.stmt) }

// Params is the number of parameters $1 ... $n.
func (s *Stmt) Params() int { return int(bindings.NParams(s.stmt)) }

// Param is the type DuckDB inferred for parameter n (from 1), or the zero Type
// when the statement does not tell.
func (s *Stmt) Param(n int) Type {
	lt := bindings.ParamLogicalType(s.stmt, bindings.IdxT(n))
	if lt.Ptr == nil {
		return Type{}
	}
	defer bindings.DestroyLogicalType(&lt)
	return typeOf(lt)
}

// Columns are the result columns as far as the statement tells before it runs.
func (s *Stmt) Columns() []Column {
	n := bindings.PreparedStatementColumnCount(s.stmt)
	cols := make([]Column, 0, n)
	for i := range n {
		lt := bindings.PreparedStatementColumnLogicalType(s.stmt, i)
		cols = append(cols, Column{Name: bindings.PreparedStatementColumnName(s.stmt, i), Type: typeOf(lt)})
		bindings.DestroyLogicalType(&lt)
	}
	return cols
}

// Exec runs the statement to its end.
func (s *Stmt) Exec(ctx context.Context, args ...any) (int64, error) {
	s.conn.release()
	if err := s.bind(args); err != nil {
		return 0, err
	}
	var res bindings.Result
	err := s.run(ctx, &res, false)
	if err != nil {
		return 0, err
	}
	defer bindings.DestroyResult(&res)
	return int64(bindings.RowsChanged(&res)), nil
}

// Query starts the statement and streams its rows.
func (s *Stmt) Query(ctx context.Context, args ...any) (*Rows, error) {
	s.conn.release()
	if err := s.bind(args); err != nil {
		return nil, err
	}
	rows := &Rows{conn: s.conn}
	if err := s.run(ctx, &rows.res, true); err != nil {
		return nil, err
	}
	rows.columns = resultColumns(&rows.res)
	s.conn.open = rows
	return rows, nil
}

func (s *Stmt) run(ctx context.Context, res *bindings.Result, stream bool) error {
	if err := ctx.Err(); err != nil {
		return canceled()
	}
	defer s.conn.interruptOn(ctx)()
	work := s.conn.engine.workers
	work.enter(&s.conn.activity)
	over := true
	defer func() { work.leave(&s.conn.activity, over) }()
	var pending bindings.PendingResult
	start := bindings.PendingPrepared
	if stream {
		start = bindings.PendingPreparedStreaming
	}
	if start(s.stmt, &pending) == bindings.StateError {
		err := s.conn.translate(bindings.ErrorTypeInvalid, bindings.PendingError(pending))
		bindings.DestroyPending(&pending)
		return err
	}
	defer bindings.DestroyPending(&pending)
	if bindings.ExecutePending(pending, res) == bindings.StateError {
		err := s.conn.translate(bindings.ResultErrorType(res), bindings.ResultError(res))
		bindings.DestroyResult(res)
		return err
	}
	over = !stream
	return nil
}

// interruptOn interrupts the connection once ctx ends and until the returned
// function is called: an interrupt that arrives between two operators is lost,
// so it is repeated.
func (c *Conn) interruptOn(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	over, gone := make(chan struct{}), make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(gone)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			bindings.Interrupt(c.conn)
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		close(over)
		if !cancel() {
			<-gone
		}
	}
}

func (s *Stmt) bind(args []any) error {
	want := s.Params()
	if len(args) < want {
		return sqlerr.New("08P01", "bind message supplies %d parameters, but prepared statement requires %d", len(args), want)
	}
	for i := range want {
		at := bindings.IdxT(i + 1)
		state, err := s.bindOne(at, args[i])
		if err != nil {
			return err
		}
		if state == bindings.StateError {
			return s.conn.prepareError(s.stmt)
		}
	}
	return nil
}

func (s *Stmt) bindOne(at bindings.IdxT, arg any) (bindings.State, error) {
	switch v := arg.(type) {
	case nil:
		return bindings.BindNull(s.stmt, at), nil
	case bool:
		return bindings.BindBoolean(s.stmt, at, v), nil
	case int:
		return bindings.BindInt64(s.stmt, at, int64(v)), nil
	case int32:
		return bindings.BindInt32(s.stmt, at, v), nil
	case int64:
		return bindings.BindInt64(s.stmt, at, v), nil
	case float64:
		return bindings.BindDouble(s.stmt, at, v), nil
	case []byte:
		return bindings.BindBlob(s.stmt, at, v), nil
	case string:
		return s.bindText(at, v), nil
	case time.Time:
		return bindings.BindTimestamp(s.stmt, at, bindings.NewTimestamp(v.UnixMicro())), nil
	}
	return bindings.StateError, sqlerr.New("0A000", "parameter of Go type %T is not supported", arg)
}

// bindText binds text as a value of the type the statement wants, so that
// DuckDB keeps its plan; text that does not parse goes as it is and fails, or
// not, in DuckDB's own cast. That would round a decimal with more digits after
// the point than the statement's.
func (s *Stmt) bindText(at bindings.IdxT, v string) bindings.State {
	switch bindings.ParamType(s.stmt, at) {
	case bindings.TypeInteger, bindings.TypeBigInt, bindings.TypeSmallInt:
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return bindings.BindInt64(s.stmt, at, n)
		}
	case bindings.TypeDouble, bindings.TypeFloat:
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return bindings.BindDouble(s.stmt, at, f)
		}
	case bindings.TypeDecimal:
		if d, ok := finer(v, s.Param(int(at)).Scale); ok {
			return bindings.BindDecimal(s.stmt, at, d)
		}
	}
	return bindings.BindVarcharLength(s.stmt, at, v, bindings.IdxT(len(v)))
}
