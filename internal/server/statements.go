package server

import (
	"context"
	"strconv"
	"strings"

	"stepwell/internal/bus"
	"stepwell/internal/duck"
	"stepwell/internal/rsql/types"
	"stepwell/internal/service/redshiftdata"
	"stepwell/internal/service/redshiftserverless"
	"stepwell/internal/sqlerr"
	"stepwell/internal/warehouse"
)

// statements is the warehouse as the Data API sees it.
type statements struct {
	warehouse *warehouse.Warehouse
	bus       bus.Invoker // for the secrets of clusters that are elsewhere (bound.go)
}

func identity(t redshiftdata.Target) warehouse.Identity {
	if t.Namespace != "" {
		t.Cluster = redshiftserverless.Cluster(t.Namespace)
	}
	return warehouse.Identity{Account: t.Account, Region: t.Region, Cluster: t.Cluster, Database: t.Database, User: t.User}
}

func (s statements) Connect(ctx context.Context, t redshiftdata.Target) (redshiftdata.Session, error) {
	if t.Binding != "" {
		return s.connectBound(ctx, t)
	}
	session, err := s.warehouse.Session(ctx, identity(t), nil)
	if err != nil {
		e := *sqlerr.From(err)
		e.Severity = "FATAL"
		return nil, &e
	}
	return &statementSession{warehouse: s.warehouse, session: session}, nil
}

func (s statements) Committed(ctx context.Context, t redshiftdata.Target, mark string) (bool, error) {
	if t.Binding != "" {
		return s.committedBound(ctx, t, mark)
	}
	return s.warehouse.Committed(ctx, identity(t), mark)
}

// statementSession is a warehouse session that runs what the Data API asks.
type statementSession struct {
	warehouse *warehouse.Warehouse
	session   *warehouse.Session
}

func (s *statementSession) PID() int64 { return int64(s.session.PID()) }

func (s *statementSession) Close() error {
	s.session.Close()
	return nil
}

func (s *statementSession) Execute(ctx context.Context, x redshiftdata.Execution, sink redshiftdata.Sink) error {
	told := &toldSink{Sink: sink}
	err := s.execute(ctx, x, told)
	if told.prepared && warehouse.Lost(err) { // amid the commit, or after it
		return &redshiftdata.Undecided{Err: err}
	}
	return err
}

// toldSink knows whether the commit was about to begin.
type toldSink struct {
	redshiftdata.Sink
	prepared bool
}

func (s *toldSink) Prepared(wrote bool, mark string) error {
	s.prepared = true
	return s.Sink.Prepared(wrote, mark)
}

func (s *statementSession) execute(ctx context.Context, x redshiftdata.Execution, sink redshiftdata.Sink) error {
	if len(x.Statements) == 1 && !x.Transaction && !warehouse.Several(x.Statements[0].SQL) {
		return s.statement(ctx, x.Statements[0], &statementSink{to: sink, session: s.session, mark: x.Mark, last: s.session.Status() == 'I'})
	}
	// Several statements, of a batch or in one text, are one transaction.
	if err := s.session.Execute(ctx, "BEGIN", warehouse.Discard{}); err != nil {
		return err
	}
	err := s.batch(ctx, x, sink)
	if err != nil {
		// The failed block is open still; the session is of no use if this fails.
		_ = s.session.Execute(context.WithoutCancel(ctx), "ROLLBACK", warehouse.Discard{})
	}
	return err
}

func (s *statementSession) batch(ctx context.Context, x redshiftdata.Execution, sink redshiftdata.Sink) error {
	for i, st := range x.Statements {
		if err := s.statement(ctx, st, &statementSink{to: sink, session: s.session, index: i}); err != nil {
			return err
		}
	}
	if s.session.Status() == 'I' {
		return nil // a statement of the batch, TRUNCATE say, has committed
	}
	if err := sink.Prepared(s.session.Writing(), ""); err != nil {
		return err
	}
	s.session.SetMark(x.Mark)
	return s.session.Execute(ctx, "COMMIT", warehouse.Discard{})
}

func (s *statementSession) statement(ctx context.Context, st redshiftdata.Statement, sink *statementSink) error {
	if err := sink.to.Started(sink.index); err != nil {
		return err
	}
	if len(st.Args) == 0 {
		return s.session.Execute(ctx, st.SQL, sink)
	}
	prepared, err := s.session.Prepare(ctx, st.SQL, nil)
	if err != nil {
		return err
	}
	args := make([]any, len(st.Args))
	for i, a := range st.Args {
		args[i] = a
	}
	portal := s.session.Bind(prepared, args)
	if len(prepared.Columns) > 0 {
		if err := sink.Columns(prepared.Columns); err != nil {
			return err
		}
	}
	if _, err := portal.Run(ctx, 0, sink); err != nil {
		return err
	}
	return s.session.Sync(ctx)
}

// statementSink passes what one statement answers on to the Data API's sink.
type statementSink struct {
	to      redshiftdata.Sink
	session *warehouse.Session
	index   int
	last    bool // the commit follows when the statement is done
	mark    string
	columns []warehouse.Column
	rows    int64
	values  []any
}

func (s *statementSink) Columns(columns []warehouse.Column) error {
	if s.columns != nil {
		return nil
	}
	s.columns = columns
	described := make([]redshiftdata.Column, len(columns))
	for i, c := range columns {
		described[i] = describeColumn(c)
	}
	return s.to.Columns(s.index, described)
}

func (s *statementSink) Chunk(chunk *duck.Chunk) error {
	if s.values == nil {
		s.values = make([]any, chunk.Width())
	}
	format := s.session.FormatNow()
	for row := range chunk.Len() {
		for i := range s.values {
			s.values[i] = cell(chunk.Column(i), row, format)
		}
		if err := s.to.Row(s.index, s.values); err != nil {
			return err
		}
		s.rows++
	}
	return nil
}

// cell is a value in the Go type that the Data API wants for its column.
func cell(v *duck.Vector, row int, format duck.Format) any {
	if v.Null(row) {
		return nil
	}
	switch v.Type.Kind {
	case duck.Bool:
		return v.Bool(row)
	case duck.TinyInt, duck.SmallInt, duck.Integer, duck.BigInt, duck.UTinyInt, duck.USmallInt, duck.UInteger:
		return v.Int(row)
	case duck.Float, duck.Double:
		return v.Float(row)
	case duck.Blob:
		return append([]byte(nil), v.Bytes(row)...)
	}
	return string(v.AppendText(nil, row, format))
}

func (s *statementSink) Done(done warehouse.Done) error {
	rows := max(done.Rows, 0)
	if done.HasRows {
		rows = s.rows
	}
	if err := s.to.Done(s.index, redshiftdata.Outcome{Rows: rows, QueryID: done.QueryID}); err != nil {
		return err
	}
	s.columns, s.values, s.rows = nil, nil, 0 // a text may have more statements
	if s.last {
		s.session.SetMark(s.mark)
		return s.to.Prepared(s.session.Writing(), "")
	}
	return nil
}

func (s *statementSink) Notice(*sqlerr.Error) {}

func describeColumn(c warehouse.Column) redshiftdata.Column {
	return redshiftdata.Column{
		Name: c.Name, Type: shortType(c.Type), Precision: precision(c.Type), Scale: c.Type.Scale,
		NotNull: !c.Nullable, Schema: c.Schema, Table: c.Table,
	}
}

func precision(t types.Type) int {
	if t.Kind == types.Decimal {
		return t.Precision
	}
	return t.Length
}

// shortType is the name of a type as the Data API prints it.
func shortType(t types.Type) string {
	switch t.Kind {
	case types.Boolean:
		return "bool"
	case types.Smallint:
		return "int2"
	case types.Integer:
		return "int4"
	case types.Bigint:
		return "int8"
	case types.Real:
		return "float4"
	case types.Double:
		return "float8"
	case types.Char:
		return "bpchar"
	case types.Varchar, types.Unknown:
		return "varchar"
	case types.Time:
		return "time"
	case types.TimeTZ:
		return "timetz"
	case types.Timestamp:
		return "timestamp"
	case types.TimestampTZ:
		return "timestamptz"
	case types.Varbyte:
		return "varbyte"
	}
	return t.Base()
}

// table runs a query of the system tables and returns its rows as text.
func (s *statementSession) table(ctx context.Context, query string) ([][]string, error) {
	texts := &warehouse.Texts{Format: s.session.Format()}
	if err := s.session.Execute(ctx, query, texts); err != nil {
		return nil, err
	}
	last := texts.Results[len(texts.Results)-1]
	rows := make([][]string, len(last.Rows))
	for i, row := range last.Rows {
		for _, v := range row {
			rows[i] = append(rows[i], value(v))
		}
	}
	return rows, nil
}

func (s *statementSession) Databases(context.Context) ([]string, error) {
	return s.warehouse.Databases(s.session.Identity())
}

// quote writes a text as an SQL literal.
func quote(text string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", "''") + "'"
}

// like is a condition on a column; an empty pattern matches all.
func like(column, pattern string) string {
	if pattern == "" {
		return "true"
	}
	return column + " like " + quote(pattern)
}

// in returns a session of the database: this one, or one made for it.
func (s *statementSession) in(ctx context.Context, database string) (*statementSession, func(), error) {
	id := s.session.Identity()
	if database == "" || database == id.Database {
		return s, func() {}, nil
	}
	id.Database = database
	other, err := s.warehouse.Session(ctx, id, nil)
	if err != nil {
		return nil, nil, err
	}
	return &statementSession{warehouse: s.warehouse, session: other}, other.Close, nil
}

func (s *statementSession) Schemas(ctx context.Context, database, pattern string) ([]string, error) {
	in, done, err := s.in(ctx, database)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := in.table(ctx, "select nspname from pg_namespace where "+like("nspname", pattern)+" order by 1")
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row[0]
	}
	return names, err
}

func (s *statementSession) Tables(ctx context.Context, database, schemaPattern, tablePattern string) ([]redshiftdata.Table, error) {
	in, done, err := s.in(ctx, database)
	if err != nil {
		return nil, err
	}
	defer done()
	rows, err := in.table(ctx, "select schema_name, table_name, table_type from svv_all_tables where "+
		like("schema_name", schemaPattern)+" and "+like("table_name", tablePattern)+" order by 1, 2")
	list := make([]redshiftdata.Table, len(rows))
	for i, row := range rows {
		list[i] = redshiftdata.Table{Schema: row[0], Name: row[1], Type: row[2]}
	}
	return list, err
}

func (s *statementSession) Columns(ctx context.Context, database, schema, table string) ([]redshiftdata.Column, error) {
	in, done, err := s.in(ctx, database)
	if err != nil {
		return nil, err
	}
	defer done()
	place := "table_schema = " + quote(schema)
	if schema == "" {
		place = "table_schema = any (current_schemas(true))"
	}
	rows, err := in.table(ctx, `select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale,
		is_nullable, column_default, table_schema from svv_columns where `+place+" and table_name = "+quote(table)+" order by ordinal_position")
	list := make([]redshiftdata.Column, len(rows))
	for i, row := range rows {
		t, err := types.Parse(row[1], nil, "")
		if err != nil {
			return nil, err
		}
		list[i] = redshiftdata.Column{
			Name: row[0], Type: shortType(t), NotNull: row[5] == "NO", Default: row[6], Schema: row[7], Table: table,
		}
		if t.Kind == types.Decimal {
			list[i].Precision, list[i].Scale = number(row[3]), number(row[4])
		} else {
			list[i].Precision = number(row[2])
		}
	}
	return list, err
}

// number reads a count that the system tables printed; none is zero.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
