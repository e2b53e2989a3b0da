package warehouse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// loadError is a row of stl_load_errors.
type loadError struct {
	query    int64
	at       time.Time
	session  int32
	user     string
	table    int64
	filename string
	line     int64
	column   string
	typ      string
	length   string
	position int64
	rawLine  string
	rawField string
	code     int
	reason   string
}

// loadFailed is what a client sees of a load that failed.
func loadFailed(table string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InternalError, "Load into table '%s' failed.  Check 'stl_load_errors' system table for details.", table)
}

// csvLine finds the line in a message of DuckDB's CSV reader.
var csvLine = regexp.MustCompile(`(?s)CSV Error on Line: (\d+)\s*\nOriginal Line:\s?(.*?)\n(.*)`)

// explain turns the fault of a load into rows of stl_load_errors and the error
// that points there. Faults of another kind stay as they are.
func (l *load) explain(err error) error {
	e := sqlerr.From(err)
	switch e.Code {
	case sqlerr.QueryCanceled, sqlerr.SerializationFailure, sqlerr.NotNullViolation:
		if e.Code != sqlerr.NotNullViolation {
			return err
		}
	}
	if l.format == "PARQUET" {
		if e.Code == sqlerr.StringTooLong {
			return sqlerr.New(sqlerr.InternalError, "Spectrum Scan Error").WithDetail("%s", e.Message)
		}
		return err
	}
	if m := csvLine.FindStringSubmatch(e.Message); m != nil {
		line, _ := strconv.ParseInt(m[1], 10, 64)
		code, reason := 1202, "Extra column(s) found"
		switch {
		case strings.Contains(m[3], "unicode"):
			code, reason = 1216, "Invalid UTF8 sequence"
		case strings.Contains(m[3], "quote"):
			code, reason = 1214, "Invalid quote formatting for CSV"
		case strings.Contains(m[3], "Expected Number of Columns") && fewer(m[3]):
			code, reason = 1214, "Delimiter not found"
		}
		l.record(loadError{line: line, rawLine: m[2], code: code, reason: reason, filename: l.files[0].URI})
		return loadFailed(l.target.Name)
	}
	n, findErr := l.findBadRows(1)
	if findErr != nil || n == 0 {
		return err
	}
	return loadFailed(l.target.Name)
}

var columnCounts = regexp.MustCompile(`Expected Number of Columns: (\d+) Found: (\d+)`)

func fewer(message string) bool {
	m := columnCounts.FindStringSubmatch(message)
	if m == nil {
		return false
	}
	want, _ := strconv.Atoi(m[1])
	found, _ := strconv.Atoi(m[2])
	return found < want
}

// record adds a row to stl_load_errors.
func (l *load) record(e loadError) {
	s := l.run.session
	e.query, e.session, e.user = l.run.id, s.pid, s.identity.User
	e.at = s.cluster.w.clock.Now()
	if rel, ok := l.target.Handle.(*relation); ok {
		e.table = rel.oid
	}
	s.cluster.log.addLoadError(e)
}

// bad is the condition that a field does not fit its column.
func (l *load) bad(i int) emit.Expr {
	c := l.columns[i]
	field := &emit.Ref{Parts: []string{fileColumn(i)}}
	not := func(x emit.Expr) emit.Expr { return &emit.Postfix{X: x, Op: "IS NOT NULL"} }
	isNull := &emit.Postfix{X: l.value(fileColumn(i), c.Type, true), Op: "IS NULL"}
	var conds []emit.Expr
	switch {
	case c.Type.IsText():
		if !l.flags["TRUNCATECOLUMNS"] {
			length := &emit.Call{Name: "strlen", Args: []emit.Expr{&emit.Call{Name: "rtrim", Args: []emit.Expr{field}}}}
			conds = append(conds, &emit.Op{Op: ">", Args: []emit.Expr{length, &emit.Num{Text: strconv.Itoa(max(c.Type.Length, 1))}}})
		}
	default:
		filled := &emit.Op{Op: "<>", Args: []emit.Expr{&emit.Call{Name: "trim", Args: []emit.Expr{field}}, &emit.Str{}}}
		conds = append(conds, &emit.Op{Op: "AND", Args: []emit.Expr{not(field), filled, isNull}})
	}
	if c.NotNull {
		conds = append(conds, isNull)
	}
	switch len(conds) {
	case 0:
		return &emit.Word{Text: "FALSE"}
	case 1:
		return &emit.Call{Name: "coalesce", Args: []emit.Expr{conds[0], &emit.Word{Text: "FALSE"}}}
	}
	return &emit.Call{Name: "coalesce", Args: []emit.Expr{&emit.Op{Op: "OR", Args: conds}, &emit.Word{Text: "FALSE"}}}
}

// numbered reads the files as text with each row's number in its file.
func (l *load) numbered() *emit.Query {
	paths := &emit.List{}
	for _, f := range l.files {
		paths.Items = append(paths.Items, &emit.Str{Value: f.Path})
	}
	args := append(l.csvArguments(paths), named("filename", &emit.Str{Value: "file"}), named("parallel", &emit.Word{Text: "FALSE"}))
	over := &emit.Window{Partition: []emit.Expr{&emit.Ref{Parts: []string{"file"}}}}
	return &emit.Query{Body: &emit.Select{
		Items: []emit.Item{{X: &emit.Star{}}, {X: &emit.Call{Name: "row_number", Over: over}, As: "line"}},
		From:  []emit.Table{&emit.TableCall{Call: &emit.Call{Name: "read_csv", Args: args}}},
	}}
}

// findBadRows records up to limit faults and returns how many there are.
func (l *load) findBadRows(limit int) (int, error) {
	which := &emit.Case{Else: &emit.Num{Text: "-1"}}
	for i := range l.columns {
		which.Whens = append(which.Whens, emit.When{Cond: l.bad(i), Result: &emit.Num{Text: strconv.Itoa(i)}})
	}
	inner := &emit.Select{
		Items: []emit.Item{{X: &emit.Star{}}, {X: which, As: "bad"}},
		From:  []emit.Table{&emit.Derived{Query: l.numbered(), Alias: emit.Alias{Name: "n"}}},
	}
	outer := &emit.Select{
		Items: []emit.Item{{X: &emit.Ref{Parts: []string{"bad"}}}, {X: &emit.Ref{Parts: []string{"file"}}}, {X: &emit.Ref{Parts: []string{"line"}}}},
		From:  []emit.Table{&emit.Derived{Query: &emit.Query{Body: inner}, Alias: emit.Alias{Name: "b"}}},
		Where: &emit.Op{Op: ">=", Args: []emit.Expr{&emit.Ref{Parts: []string{"bad"}}, &emit.Num{Text: "0"}}},
	}
	for i := range l.columns {
		outer.Items = append(outer.Items, emit.Item{X: &emit.Ref{Parts: []string{fileColumn(i)}}})
	}
	sql := emit.SQL(&emit.Query{Body: outer, Limit: &emit.Num{Text: strconv.Itoa(limit)}})
	conn, err := l.run.session.cluster.engine.Connect() // the failed transaction is no use
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := l.run.session.prepareConn(l.run.ctx, conn); err != nil {
		return 0, err
	}
	found := 0
	err = eachRow(l.run.ctx, conn, func(c *duck.Chunk, row int) error {
		found++
		l.recordBad(c, row)
		return nil
	}, sql)
	return found, err
}

func (l *load) recordBad(c *duck.Chunk, row int) {
	i := int(c.Column(0).Int(row))
	col := l.columns[i]
	fields := make([]string, len(l.columns))
	for k := range fields {
		fields[k] = text(c, 3+k, row)
	}
	e := loadError{
		line: c.Column(2).Int(row) + int64(l.skip), column: col.Name, typ: shortType(col.Type), rawField: fields[i],
		rawLine: strings.Join(fields, l.delimiter), filename: text(c, 1, row),
	}
	for _, f := range l.files {
		if f.Path == e.filename {
			e.filename = f.URI
		}
	}
	if col.Type.Length > 0 {
		e.length = strconv.Itoa(col.Type.Length)
	}
	e.code, e.reason = badReason(col.Type, fields[i])
	if col.NotNull && c.Column(3+i).Null(row) {
		e.code, e.reason = 1213, "Missing data for not-null field"
	}
	l.record(e)
}

// badReason is the code and text Redshift gives for a field that does not
// convert ("Load error reference" of the Database Developer Guide).
func badReason(t types.Type, field string) (int, string) {
	first := "?"
	if field != "" {
		first = field[:1]
	}
	switch t.Kind {
	case types.Smallint, types.Integer, types.Bigint:
		return 1207, fmt.Sprintf("Invalid digit, Value '%s', Pos 0, Type: %s", first, map[types.Kind]string{types.Smallint: "Short", types.Integer: "Integer", types.Bigint: "Long"}[t.Kind])
	case types.Decimal:
		return 1207, fmt.Sprintf("Invalid digit, Value '%s', Pos 0, Type: Decimal", first)
	case types.Real, types.Double:
		return 1207, fmt.Sprintf("Invalid digit, Value '%s', Pos 0, Type: Double", first)
	case types.Date:
		return 1205, "Invalid Date Format - length must be 10 or more"
	case types.Timestamp, types.TimestampTZ:
		return 1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"
	case types.Boolean:
		return 1210, "Unknown boolean format"
	case types.Char, types.Varchar:
		return 1204, "String length exceeds DDL length"
	}
	return 1200, "Unknown error"
}

// shortType is the type as stl_load_errors names it.
func shortType(t types.Type) string {
	names := map[types.Kind]string{
		types.Smallint: "int2", types.Integer: "int4", types.Bigint: "int8", types.Decimal: "numeric", types.Real: "float4",
		types.Double: "float8", types.Varchar: "varchar", types.Char: "char", types.Boolean: "bool",
		types.Timestamp: "timestamp", types.TimestampTZ: "timestamptz", types.Date: "date",
	}
	if name, ok := names[t.Kind]; ok {
		return name
	}
	return t.Base()
}

// insertTolerant loads the rows that fit, as long as those that do not are
// fewer than MAXERROR.
func (l *load) insertTolerant() (int64, error) {
	bad, err := l.findBadRows(l.maxErrors)
	if err != nil {
		return 0, l.explain(err)
	}
	if bad >= l.maxErrors {
		return 0, loadFailed(l.target.Name)
	}
	source, err := l.source(true)
	if err != nil {
		return 0, err
	}
	good := make([]emit.Expr, len(l.columns))
	for i := range good {
		good[i] = &emit.Prefix{Op: "NOT", X: l.bad(i)}
	}
	source.Body.(*emit.Select).Where = &emit.Op{Op: "AND", Args: good}
	n, err := l.run.session.conn.Exec(l.run.ctx, l.insertSQL(source))
	if err == nil && bad > 0 {
		l.run.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("Load into table '%s' completed, %d record(s) could not be loaded.  Check 'stl_load_errors' system table for details.", l.target.Name, bad)})
	}
	return n, err
}
