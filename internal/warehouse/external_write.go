package warehouse

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// externalWrite is a query whose rows become files of an external table.
type externalWrite struct {
	run     *running
	ns      lake.Namespace
	svc     lake.Catalog
	table   lake.Table
	query   string
	columns []Column // of the query
}

// insertExternal executes INSERT INTO an external table; handled is false for
// other statements.
func (r *running) insertExternal(tree syntax.Statement) (done Done, handled bool, err error) {
	t, ok := tree.(*syntax.Insert)
	if !ok || len(t.Table.Parts) < 2 {
		return done, false, nil
	}
	found, err := (&catalog{ctx: r.ctx, session: r.session}).Relation(parts(t.Table))
	if err != nil || found == nil || found.Kind != resolve.External {
		return done, false, nil // the compiler reports it better
	}
	h, ok := found.Handle.(*externalHandle)
	if !ok || h.table == nil {
		return done, false, nil
	}
	done, err = r.intoExternal(h, t)
	return done, true, err
}

func (r *running) intoExternal(h *externalHandle, t *syntax.Insert) (Done, error) {
	switch {
	case r.session.state == block:
		return Done{}, sqlerr.New(sqlerr.ActiveTransaction, "INSERT (external table) cannot run inside a transaction block")
	case t.DefaultValues || len(t.Columns) > 0:
		return Done{}, sqlerr.New(sqlerr.FeatureNotSupported, "INSERT INTO an external table takes a SELECT statement without a column list")
	}
	if _, ok := t.Query.Body.(*syntax.Values); ok {
		return Done{}, sqlerr.New(sqlerr.FeatureNotSupported, "INSERT INTO an external table takes a SELECT statement, not VALUES")
	}
	svc, err := r.catalogService()
	if err != nil {
		return Done{}, err
	}
	x := &externalWrite{run: r, ns: h.ns, svc: svc, table: *h.table}
	if err := x.prepare(t.Query); err != nil {
		return Done{}, err
	}
	want := len(x.table.Columns) + len(x.table.PartitionKeys)
	if len(x.columns) != want {
		return Done{}, sqlerr.New(sqlerr.SyntaxError, "Number of columns in the query (%d) does not match the number of columns of the external table (%d)", len(x.columns), want)
	}
	n, err := x.execute()
	if err != nil {
		return Done{}, err
	}
	return Done{Tag: fmt.Sprintf("INSERT 0 %d", n), Command: "INSERT", Rows: n}, nil
}

// createExternalAs executes CREATE EXTERNAL TABLE AS.
func (r *running) createExternalAs(svc lake.Catalog, sch *schema, name string, t *syntax.CreateExternalTable) (Done, error) {
	done := Done{Tag: "CREATE EXTERNAL TABLE", Rows: -1}
	ns := r.session.cluster.namespace(sch.source)
	if _, err := svc.Table(r.ctx, ns, sch.source.Database, name); err == nil {
		if t.IfNotExists {
			return done, nil
		}
		return done, sqlerr.New(sqlerr.DuplicateTable, "AlreadyExistsException: Table already exists.")
	}
	x := &externalWrite{run: r, ns: ns, svc: svc}
	if err := x.prepare(t.As); err != nil {
		return done, err
	}
	plain := *t
	plain.As, plain.PartitionBy = nil, nil
	table, err := describeExternal(&plain)
	if err != nil {
		return done, err
	}
	if f := table.Storage.Format(); f != lake.Parquet && f != lake.Delimited {
		return done, sqlerr.New(sqlerr.FeatureNotSupported, "CREATE EXTERNAL TABLE AS supports PARQUET and TEXTFILE, not %s", f.String())
	}
	table.Database, table.Name, table.Owner = sch.source.Database, name, r.session.identity.User
	table.Created = r.session.cluster.w.clock.Now()
	table.Updated = table.Created
	if err := x.describe(table, t.PartitionBy); err != nil {
		return done, err
	}
	x.table = *table
	if err := svc.CreateTable(r.ctx, ns, x.table); err != nil {
		return done, catalogError(err)
	}
	n, err := x.execute()
	if err != nil {
		return done, errors.Join(err, svc.DeleteTable(r.ctx, ns, x.table.Database, x.table.Name))
	}
	done.Rows = n
	return done, nil
}

// prepare compiles the query.
func (x *externalWrite) prepare(q *syntax.Query) error {
	plan, err := x.run.compile(q)
	if err != nil {
		return err
	}
	x.query = plan.SQL[len(plan.SQL)-1]
	stmt, err := x.run.session.conn.Prepare(x.query)
	if err != nil {
		return err
	}
	defer stmt.Close()
	x.columns = resultColumns(plan, stmt.Columns())
	typeFromTables(x.columns, plan)
	return nil
}

// describe gives the table the query's columns, the partition columns, which
// must be the query's last, as its keys.
func (x *externalWrite) describe(table *lake.Table, keys []syntax.ExternalColumn) error {
	first := len(x.columns) - len(keys)
	for i, c := range x.columns {
		t := c.Type
		if t.Kind == types.Varchar && t.Length == 0 {
			t.Length = types.MaxVarchar
		}
		col := lake.Column{Name: strings.ToLower(c.Name), Type: lake.HiveType(t)}
		if i < first {
			table.Columns = append(table.Columns, col)
			continue
		}
		if name := strings.ToLower(keys[i-first].Name.Name); name != col.Name {
			return sqlerr.New(sqlerr.InvalidTableDefinition, "Partition column \"%s\" must be among the last columns of the query, in the order of PARTITIONED BY", name)
		}
		table.PartitionKeys = append(table.PartitionKeys, col)
	}
	if len(table.Columns) == 0 {
		return sqlerr.New(sqlerr.InvalidTableDefinition, "an external table needs a column that is not a partition column")
	}
	return nil
}

// execute writes the rows, publishes the files, and adds new partitions.
func (x *externalWrite) execute() (int64, error) {
	objects := x.run.session.cluster.w.options.Objects
	if objects == nil {
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "external tables need an object store, and none is configured")
	}
	bucket, prefix, err := lake.SplitURI(x.table.Storage.Location)
	if err != nil {
		return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid S3 path '%s'", x.table.Storage.Location)
	}
	e := &export{
		run: x.run, bucket: bucket, prefix: strings.TrimSuffix(prefix, "/") + "/", format: "PARQUET", parallel: true,
		stamp: fmt.Sprintf("%s_%d_", x.run.started.UTC().Format("20060102_150405_000000"), x.run.id),
	}
	sql, err := x.typed(e)
	if err != nil {
		return 0, err
	}
	n, files, err := e.place(objects, sql)
	if err != nil {
		return 0, err
	}
	return n, x.addPartitions(e, files)
}

// typed is the query with the columns' names and types, and the options of
// its files in e.
func (x *externalWrite) typed(e *export) (string, error) {
	if x.table.Storage.Format() == lake.Delimited {
		p := x.table.Storage.SerDeParams
		e.format, e.null = "TEXT", `\N`
		e.delimiter = lake.Delimiter(p)
		if v, ok := p["serialization.null.format"]; ok {
			e.null = v
		}
	} else if f := x.table.Storage.Format(); f != lake.Parquet {
		return "", sqlerr.New(sqlerr.FeatureNotSupported, "INSERT INTO external tables supports PARQUET and TEXTFILE, not %s", f.String())
	}
	sel := &emit.Select{}
	var aliases []string
	for i, c := range slices.Concat(x.table.Columns, x.table.PartitionKeys) {
		t, err := lake.TypeOf(c.Type)
		if err != nil {
			return "", err
		}
		var value emit.Expr = &emit.Ref{Parts: []string{fileColumn(i)}}
		switch {
		case t.IsText():
			value = call("rs_fit_varchar", value, num(int64(t.Length)))
		case e.format == "TEXT" && t.Kind == types.Boolean:
			value = &emit.Cast{X: value, Type: "VARCHAR"}
		default:
			value = &emit.Cast{X: value, Type: t.Duck()}
		}
		sel.Items = append(sel.Items, emit.Item{X: value, As: c.Name})
		aliases = append(aliases, fileColumn(i))
		if i >= len(x.table.Columns) {
			e.partitions = append(e.partitions, c.Name)
		}
	}
	return emit.SQL(&emit.Query{Body: sel}) + " FROM (" + x.query + ") AS q(" + strings.Join(aliases, ", ") + ")", nil
}

// addPartitions makes the folders that were written partitions of the table.
func (x *externalWrite) addPartitions(e *export, files []written) error {
	if len(e.partitions) == 0 {
		return nil
	}
	seen := map[string]bool{}
	for _, f := range files {
		folder := strings.TrimSuffix(f.key, filepath.Base(f.key))
		if seen[folder] {
			continue
		}
		seen[folder] = true
		var values []string
		for _, part := range strings.Split(strings.Trim(strings.TrimPrefix(folder, e.prefix), "/"), "/") {
			_, value, _ := strings.Cut(part, "=")
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			values = append(values, value)
		}
		storage := x.table.Storage
		storage.Location = "s3://" + e.bucket + "/" + folder
		err := x.svc.CreatePartitions(x.run.ctx, x.ns, x.table.Database, x.table.Name, []lake.Partition{{Values: values, Storage: storage, Created: x.run.session.cluster.w.clock.Now()}})
		if err != nil && !errors.Is(err, lake.ErrExists) {
			return catalogError(err)
		}
	}
	return nil
}

// place writes the rows of a DuckDB query as new objects under the prefix.
func (x *export) place(objects lake.Objects, sql string) (int64, []written, error) {
	dir, err := x.tempDir(objects)
	if err != nil {
		return 0, nil, err
	}
	defer removeAll(dir)
	out := filepath.Join(dir, "out")
	rows, err := x.run.session.conn.Exec(x.run.ctx, "COPY ("+sql+") TO "+duck.Literal(out)+" ("+strings.Join(x.copyOptions(nil, false), ", ")+")")
	if err != nil {
		return 0, nil, err
	}
	files, err := x.collect(dir)
	if errors.Is(err, fs.ErrNotExist) || rows == 0 {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	return rows, files, x.publish(objects, dir, rows, files)
}
