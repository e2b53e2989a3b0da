package warehouse

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// loadError is a row of stl_load_errors, as load_errors.jsonl has it.
type loadError struct {
	Query    int64     `json:"query"`
	At       time.Time `json:"at"`
	Session  int32     `json:"session"`
	User     string    `json:"user"`
	Table    int64     `json:"table"`
	Filename string    `json:"filename"`
	Line     int64     `json:"line"`
	Column   string    `json:"column,omitempty"`
	Type     string    `json:"type,omitempty"`
	Length   string    `json:"length,omitempty"`
	Position int64     `json:"position"`
	RawLine  string    `json:"rawLine"`
	RawField string    `json:"rawField,omitempty"`
	Code     int       `json:"code"`
	Reason   string    `json:"reason"`
}

// rawSize is how many bytes of a record and of a field stl_load_errors has.
const rawSize = 1024

// loadFailed is what a client sees of a load that failed.
func loadFailed(table string) *sqlerr.Error {
	return sqlerr.New(sqlerr.InternalError, "Load into table '%s' failed.  Check 'stl_load_errors' system table for details.", table)
}

// explain turns the fault of a load into a row of stl_load_errors and the error
// that points there. Faults of another kind stay as they are.
func (l *load) explain(err error) error {
	if l.columnar() {
		if e := sqlerr.From(err); l.faulty(err) && e.Message != "Spectrum Scan Error" {
			return scanError("%s", e.Message)
		}
		return err
	}
	n, findErr := l.findBadRows(1)
	if findErr != nil || n == 0 {
		return err
	}
	return loadFailed(l.target.Name)
}

// recordError adds a row to stl_load_errors.
func (l *load) recordError(e loadError) {
	s := l.run.session
	e.Query, e.Session, e.User = l.run.id, s.pid, s.identity.User
	e.At = s.cluster.w.clock.Now()
	if rel, ok := l.target.Handle.(*relation); ok {
		e.Table = rel.oid
	}
	e.RawLine, e.RawField = chunks(e.RawLine, rawSize)[0], chunks(e.RawField, rawSize)[0]
	s.cluster.log.addLoadError(e)
}

// bad is the condition that a field does not fit its column.
func (l *load) bad(i int) emit.Expr {
	c := l.columns[i]
	field := &emit.Ref{Parts: []string{fileColumn(i)}}
	not := func(x emit.Expr) emit.Expr { return &emit.Postfix{X: x, Op: "IS NOT NULL"} }
	value := l.value(fileColumn(i), c.Type, true)
	isNull := &emit.Postfix{X: value, Op: "IS NULL"}
	var conds []emit.Expr
	if c.Type.Kind == types.Char {
		conds = append(conds, &emit.Op{Op: "<>", Args: []emit.Expr{call("strlen", field), call("length", field)}})
	}
	switch {
	case c.Type.IsText():
		if !l.flags["TRUNCATECOLUMNS"] {
			length := call("strlen", call("rtrim", value))
			conds = append(conds, &emit.Op{Op: ">", Args: []emit.Expr{length, &emit.Num{Text: strconv.Itoa(max(c.Type.Length, 1))}}})
		}
	case l.flags["ACCEPTANYDATE"] && (c.Type.Kind == types.Date || c.Type.Kind == types.Timestamp || c.Type.Kind == types.TimestampTZ):
	default:
		filled := &emit.Op{Op: "<>", Args: []emit.Expr{call("trim", field), &emit.Str{}}}
		conds = append(conds, &emit.Op{Op: "AND", Args: []emit.Expr{not(field), filled, isNull}})
	}
	if c.NotNull {
		conds = append(conds, isNull)
	}
	switch len(conds) {
	case 0:
		return &emit.Word{Text: "FALSE"}
	case 1:
		return call("coalesce", conds[0], &emit.Word{Text: "FALSE"})
	}
	return call("coalesce", &emit.Op{Op: "OR", Args: conds}, &emit.Word{Text: "FALSE"})
}

// judged reads the files record by record, with where each stands, and in
// "bad" the number of the column that does not fit: -1 when all do, -2 when the
// record itself does not parse.
func (l *load) judged() (*emit.Select, error) {
	spec, err := l.spec()
	if err != nil {
		return nil, err
	}
	spec.Trace = true
	parsed := &emit.Op{Op: ">", Args: []emit.Expr{&emit.Ref{Parts: []string{"code"}}, &emit.Num{Text: "0"}}}
	which := &emit.Case{Else: &emit.Num{Text: "-1"}, Whens: []emit.When{{Cond: parsed, Result: &emit.Num{Text: "-2"}}}}
	for i := range l.columns {
		which.Whens = append(which.Whens, emit.When{Cond: l.bad(i), Result: &emit.Num{Text: strconv.Itoa(i)}})
	}
	return &emit.Select{
		Items: []emit.Item{{X: &emit.Star{}}, {X: which, As: "bad"}},
		From:  []emit.Table{lake.RecordsCall(spec)},
	}, nil
}

// judgedColumns are those of stl_load_errors that the records themselves tell.
var judgedColumns = []string{"bad", "file", "line", "raw", "code", "reason", "at", "pos"}

// findBadRows records up to limit faults and returns how many there are.
func (l *load) findBadRows(limit int) (int, error) {
	inner, err := l.judged()
	if err != nil {
		return 0, err
	}
	outer := &emit.Select{
		From:  []emit.Table{&emit.Derived{Query: &emit.Query{Body: inner}, Alias: emit.Alias{Name: "b"}}},
		Where: &emit.Op{Op: "<>", Args: []emit.Expr{&emit.Ref{Parts: []string{"bad"}}, &emit.Num{Text: "-1"}}},
	}
	for _, name := range judgedColumns {
		outer.Items = append(outer.Items, emit.Item{X: &emit.Ref{Parts: []string{name}}})
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
	l.rejected = 0
	err = eachRow(l.run.ctx, conn, func(c *duck.Chunk, row int) error {
		l.rejected++
		l.recordBad(c, row)
		return nil
	}, sql)
	return l.rejected, err
}

func (l *load) recordBad(c *duck.Chunk, row int) {
	e := loadError{
		Filename: l.files[c.Column(1).Int(row)].URI, Line: c.Column(2).Int(row), RawLine: text(c, 3, row),
		Code: int(c.Column(4).Int(row)), Reason: text(c, 5, row), Position: c.Column(7).Int(row),
	}
	i := int(c.Column(0).Int(row))
	if i == -2 {
		if i = int(c.Column(6).Int(row)); i >= 0 {
			l.describe(&e, i)
		}
		l.recordError(e)
		return
	}
	field := c.Column(len(judgedColumns) + i)
	l.describe(&e, i)
	e.RawField = text(c, len(judgedColumns)+i, row)
	e.Code, e.Reason = badReason(l.columns[i].Type, e.RawField)
	if l.columns[i].NotNull && (field.Null(row) || strings.TrimSpace(e.RawField) == "" && !l.columns[i].Type.IsText()) {
		e.Code, e.Reason = 1213, "Missing data for not-null field"
	}
	l.recordError(e)
}

// describe names the column of a fault.
func (l *load) describe(e *loadError, i int) {
	col := l.columns[min(i, len(l.columns)-1)]
	e.Column, e.Type = col.Name, shortType(col.Type)
	switch {
	case col.Type.IsText():
		e.Length = strconv.Itoa(col.Type.Length)
	case col.Type.Kind == types.Decimal:
		e.Length = fmt.Sprintf("%d, %d", col.Type.Precision, col.Type.Scale)
	}
}

// badReason is the code and text Redshift gives for a field that does not
// convert ("Load error reference" of the Database Developer Guide).
func badReason(t types.Type, field string) (int, string) {
	switch t.Kind {
	case types.Smallint, types.Integer, types.Bigint:
		name := map[types.Kind]string{types.Smallint: "Short", types.Integer: "Integer", types.Bigint: "Long"}[t.Kind]
		if c, at := badDigit(field, "+-"); at >= 0 {
			return 1207, fmt.Sprintf("Invalid digit, Value '%s', Pos %d, Type: %s", c, at, name)
		}
		return 1204, fmt.Sprintf("Overflow, Value '%s', Type: %s", strings.TrimSpace(field), name)
	case types.Decimal:
		if c, at := badDigit(field, "+-.eE"); at >= 0 {
			return 1207, fmt.Sprintf("Invalid digit, Value '%s', Pos %d, Type: Decimal", c, at)
		}
		return 1204, fmt.Sprintf("Overflow for NUMERIC(%d,%d)", t.Precision, t.Scale)
	case types.Real, types.Double:
		if c, at := badDigit(field, "+-.eE"); at >= 0 {
			return 1207, fmt.Sprintf("Invalid digit, Value '%s', Pos %d, Type: Double", c, at)
		}
		return 1208, "Invalid FLOAT format or value"
	case types.Date:
		if len(strings.TrimSpace(field)) < 10 {
			return 1205, "Invalid Date Format - length must be 10 or more"
		}
		return 1205, "Invalid Date Format [YYYY-MM-DD]"
	case types.Timestamp, types.TimestampTZ:
		return 1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"
	case types.Boolean:
		return 1210, "Unknown boolean format"
	case types.Char, types.Varchar:
		for i, r := range field {
			if t.Kind == types.Char && r >= utf8.RuneSelf {
				return 1220, fmt.Sprintf("Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: % x", field[i:i+utf8.RuneLen(r)])
			}
		}
		return 1204, "String length exceeds DDL length"
	case types.Super:
		return 1224, "Invalid JSON value for SUPER"
	}
	return 1200, "Unknown parse error"
}

// badDigit finds the first character that is neither a digit nor one of more.
func badDigit(field, more string) (string, int) {
	for i, r := range strings.TrimRight(field, " ") {
		if (r < '0' || r > '9') && !strings.ContainsRune(more, r) && r != ' ' {
			return string(r), i
		}
	}
	return "", -1
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

// tolerant says that records which do not fit may be left out.
func (l *load) tolerant() bool {
	return (l.maxErrors > 0 || l.flags["IGNOREALLERRORS"]) && !l.columnar()
}

// loadErrorLimit is how many faults of one load are looked for with
// IGNOREALLERRORS.
const loadErrorLimit = 100001

// insertTolerant loads the records that fit, as long as those that do not are
// fewer than MAXERROR.
func (l *load) insertTolerant() (int64, error) {
	limit := l.maxErrors
	if l.flags["IGNOREALLERRORS"] {
		limit = loadErrorLimit
	}
	bad, err := l.findBadRows(limit)
	if err != nil {
		return 0, err
	}
	if bad >= limit && !l.flags["IGNOREALLERRORS"] {
		return 0, loadFailed(l.target.Name)
	}
	inner, err := l.judged()
	if err != nil {
		return 0, err
	}
	good := &emit.Select{
		From:  []emit.Table{&emit.Derived{Query: &emit.Query{Body: inner}, Alias: emit.Alias{Name: "b"}}},
		Where: &emit.Op{Op: "=", Args: []emit.Expr{&emit.Ref{Parts: []string{"bad"}}, &emit.Num{Text: "-1"}}},
	}
	for i, c := range l.columns {
		good.Items = append(good.Items, emit.Item{X: l.value(fileColumn(i), c.Type, true)})
	}
	var n int64
	if l.flags["NOLOAD"] {
		n, err = queryInt(l.run.ctx, l.run.session.conn, "SELECT count(*) FROM ("+emit.SQL(&emit.Query{Body: good})+")")
	} else {
		n, err = l.run.session.conn.Exec(l.run.ctx, l.insertSQL(&emit.Query{Body: good}))
	}
	if err == nil && bad > 0 {
		l.run.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("Load into table '%s' completed, %d record(s) could not be loaded.  Check 'stl_load_errors' system table for details.", l.target.Name, bad)})
	}
	return n, err
}
