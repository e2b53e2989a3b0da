package warehouse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stepwell/internal/lake"
	"stepwell/internal/records"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// load is one COPY under way: its target, its files and its options.
type load struct {
	run     *running
	stmt    *syntax.Copy
	target  *resolve.Relation
	columns []resolve.Column // those the files fill, in file order
	files   []lake.File
	lines   map[string]int64 // of the files surveyed, by path
	only    map[string]bool  // the keys to load; nil: all
	job     int64            // the COPY JOB that loads

	format      string // one of loadFormats
	mapping     string // what follows JSON, AVRO and FIXEDWIDTH
	delimiter   string
	quote       string
	null        string
	skip        int
	compression string // gzip, bzip2, lzop, zstd, none
	encoding    string
	replace     string // ACCEPTINVCHARS
	dateFormat  string
	timeFormat  string
	maxErrors   int
	flags       map[string]bool // the options without a value

	paths    [][]records.Step // of a JSONPaths file
	rejected int              // records that did not fit
	began    time.Time
}

func (r *running) copyFrom(t *syntax.Copy) (Done, error) {
	if job, ok := syntax.Find(t.Options, "JOB"); ok {
		return r.createCopyJob(t, job)
	}
	l := r.newLoad(t)
	n, err := l.execute()
	if err != nil {
		return Done{}, err
	}
	s := r.session
	s.wrote = true
	s.bulk += n
	s.lastCopy, s.lastCopyID = n, r.id
	text := fmt.Sprintf("Load into table '%s' completed, %d record(s) loaded successfully.", l.target.Name, n)
	if l.flags["NOLOAD"] {
		text = fmt.Sprintf("Load into table '%s' completed, %d record(s) could be loaded.  Use NOLOAD option to validate only.", l.target.Name, n)
	}
	r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: text})
	return Done{Tag: "COPY", Rows: n}, nil
}

func (r *running) newLoad(t *syntax.Copy) *load {
	return &load{
		run: r, stmt: t, format: "TEXT", null: `\N`, compression: "none", flags: map[string]bool{},
		lines: map[string]int64{}, began: r.session.cluster.w.clock.Now(),
	}
}

// execute loads the files and records what was loaded.
func (l *load) execute() (n int64, err error) {
	steps := []func() error{
		func() error { return l.options(l.stmt.Options) }, l.resolve, l.readPaths,
		func() error { return l.findFiles(l.run.ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return 0, err
		}
	}
	n, err = l.insert()
	l.record(n, err)
	return n, err
}

// columnar says that the files hold typed columns.
func (l *load) columnar() bool { return l.format == "PARQUET" || l.format == "ORC" }

// resolve finds the target and the columns to fill.
func (l *load) resolve() error {
	name := l.stmt.Table.Last().Name
	target, err := l.run.catalog.Relation(parts(l.stmt.Table))
	if err != nil {
		return err
	}
	if target == nil {
		return sqlerr.New(sqlerr.UndefinedTable, "Cannot COPY into nonexistent table %s", name)
	}
	if target.Kind != resolve.Table {
		return sqlerr.New(sqlerr.WrongObjectType, "cannot COPY to \"%s\": it is not a table", name)
	}
	l.target = target
	if err := l.run.orderRelation(target, appends); err != nil {
		return err
	}
	if len(l.stmt.Columns) == 0 {
		for _, c := range target.Columns {
			if c.Identity == resolve.IdentityNone || l.flags["EXPLICIT_IDS"] {
				l.columns = append(l.columns, c)
			}
		}
		return nil
	}
	for _, id := range l.stmt.Columns {
		i := slices.IndexFunc(target.Columns, func(c resolve.Column) bool { return c.Name == id.Name })
		if i < 0 {
			return sqlerr.New(sqlerr.UndefinedColumn, "column \"%s\" of relation \"%s\" does not exist", id.Name, name)
		}
		l.columns = append(l.columns, target.Columns[i])
	}
	return nil
}

// readPaths reads the JSONPaths file that JSON or AVRO names.
func (l *load) readPaths() error {
	if l.format != "JSON" && l.format != "AVRO" || !strings.HasPrefix(l.mapping, "s3://") {
		return nil
	}
	objects, err := l.objects()
	if err != nil {
		return err
	}
	bucket, key, err := lake.SplitURI(l.mapping)
	if err != nil {
		return sqlerr.New(sqlerr.InvalidParameterValue, "invalid JSONPaths file '%s'", l.mapping)
	}
	text, err := readObject(l.run.ctx, objects, bucket, key)
	if err != nil {
		return err
	}
	if l.paths, err = records.Paths(text); err != nil {
		return sqlerr.New(sqlerr.InternalError, "Invalid JSONPath format: %s", err.Error()).WithDetail("File: %s", l.mapping)
	}
	if len(l.paths) != len(l.columns) {
		return sqlerr.New(sqlerr.InternalError, "Number of jsonpaths and the number of columns should match. JSONPath size: %d, Number of columns in table or column list: %d", len(l.paths), len(l.columns))
	}
	return nil
}

// insert loads the files in one statement. A fault is looked up record by
// record afterwards, so that a load without faults pays nothing for it.
func (l *load) insert() (int64, error) {
	if len(l.files) == 0 {
		return 0, nil
	}
	odd, err := l.survey()
	if err != nil {
		return 0, err
	}
	if l.tolerant() {
		return l.insertTolerant()
	}
	native := !odd && l.native()
	n, err := l.insertOnce(native)
	if err == nil || !l.faulty(err) && !(native && l.compression != "none") {
		return n, err
	}
	if native && !l.columnar() && l.run.session.restart(l.run.ctx) == nil {
		// What DuckDB's reader refuses COPY may take.
		if n, err = l.insertOnce(false); err == nil || !l.faulty(err) {
			return n, err
		}
	}
	return 0, l.unlocal(l.explain(err))
}

// unlocal names files by their objects in an error.
func (l *load) unlocal(err error) error {
	e := sqlerr.From(err)
	for _, f := range l.files {
		if strings.Contains(e.Message+e.Detail, f.Path) {
			c := *e
			c.Message, c.Detail = strings.ReplaceAll(e.Message, f.Path, f.URI), strings.ReplaceAll(e.Detail, f.Path, f.URI)
			e = &c
		}
	}
	return e
}

func (l *load) insertOnce(native bool) (int64, error) {
	source, err := l.source(native)
	if err != nil {
		return 0, err
	}
	s := l.run.session
	if l.flags["NOLOAD"] {
		return queryInt(l.run.ctx, s.conn, "SELECT count(hash(v)) FROM ("+emit.SQL(source)+") AS v") // computes every column
	}
	return s.conn.Exec(l.run.ctx, l.insertSQL(source))
}

// faulty says that an error may come from the data.
func (l *load) faulty(err error) bool {
	e := sqlerr.From(err)
	switch e.Code {
	case sqlerr.QueryCanceled, "53100", "53200", "58030":
		return false
	}
	return e.Message != sqlerr.SerializationViolation
}

func (l *load) insertSQL(source *emit.Query) string {
	names := make([]string, len(l.columns))
	for i, c := range l.columns {
		names[i] = c.Name
	}
	return emit.SQL(&emit.Insert{Table: l.target.Duck, Columns: names, Query: source})
}
