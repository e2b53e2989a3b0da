package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

// catalog answers the compiler's questions about names for one statement of
// one session.
type catalog struct {
	ctx     context.Context
	session *Session
	// asked says that user-defined functions were looked up.
	asked bool
	// scans are the external reads compiled so far, for the history.
	scans []scanned
}

// scanned says how much of an external table one scan reads.
type scanned struct {
	Table      string `json:"table"`
	Partitions int    `json:"partitions"`
	Total      int    `json:"total"`
	Files      int    `json:"files"`
	Bytes      int64  `json:"bytes"`
}

var _ resolve.Catalog = (*catalog)(nil)

// systemSchemas are found without naming them, pg_catalog first.
const (
	pgCatalog   = "pg_catalog"
	infoSchema  = "information_schema"
	tempSchema  = "pg_temp"
	duckTempDB  = "temp"
	duckMainSch = "main"
)

// Relation implements resolve.Catalog.
func (c *catalog) Relation(path []string) (*resolve.Relation, error) {
	s := c.session
	if len(path) == 1 {
		if r := s.temps[path[0]]; r != nil {
			return r.resolved(s.identity.Database), nil
		}
		if r, err := c.system(s.db, pgCatalog, path[0]); r != nil || err != nil {
			return r, err
		}
		for _, name := range s.searchPath() {
			r, err := c.find(s.db, name, path[0])
			if r != nil || err != nil {
				return r, err
			}
		}
		return nil, missingSystemTable(path[0])
	}
	db, schemaName, name, err := c.split(path)
	if err != nil {
		return nil, err
	}
	switch schemaName {
	case pgCatalog, infoSchema:
		r, err := c.system(db, schemaName, name)
		if r == nil && err == nil && schemaName == pgCatalog {
			err = missingSystemTable(name)
		}
		return r, err
	case tempSchema:
		if r := s.temps[name]; r != nil {
			return r.resolved(s.identity.Database), nil
		}
		return nil, nil
	}
	set, err := db.schemasFor(c.ctx, s)
	if err != nil {
		return nil, err
	}
	if set.schemas[schemaName] == nil {
		return nil, sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", schemaName)
	}
	return c.find(db, schemaName, name)
}

// split resolves the database and schema parts of a name of two or three.
func (c *catalog) split(path []string) (*database, string, string, error) {
	s := c.session
	if len(path) == 2 {
		return s.db, path[0], path[1], nil
	}
	if path[0] == s.db.name {
		return s.db, path[1], path[2], nil
	}
	db, err := s.cluster.database(c.ctx, path[0])
	return db, path[1], path[2], err
}

func (c *catalog) find(db *database, schemaName, name string) (*resolve.Relation, error) {
	set, err := db.schemasFor(c.ctx, c.session)
	if err != nil {
		return nil, err
	}
	if r := set.relations[[2]string{schemaName, name}]; r != nil {
		return r.resolved(db.name), nil
	}
	if sch := set.schemas[schemaName]; sch != nil && sch.source != nil {
		return c.external(db, sch, name)
	}
	return nil, nil
}

func (r *relation) resolved(database string) *resolve.Relation {
	out := &resolve.Relation{
		Database: database, Schema: r.schema, Name: r.name, Definition: r.definition, Handle: r,
		Duck: []string{database, r.schema, r.name},
	}
	if r.schema == tempSchema {
		out.Duck = []string{duckTempDB, duckMainSch, r.name}
	}
	switch r.kind {
	case "v":
		out.Kind = resolve.View
	case "l":
		out.Kind = resolve.LateView
	case "m":
		out.Kind = resolve.MaterializedView
	}
	for _, col := range r.columns {
		if col.encoding == lateEncoding {
			continue
		}
		rc := resolve.Column{Name: col.name, Type: col.typ, HasDefault: col.dflt != "", Default: col.dflt, NotNull: col.notNull}
		switch {
		case strings.HasPrefix(col.identity, "default:"):
			rc.Identity = resolve.IdentityByDefault
		case col.identity != "":
			rc.Identity = resolve.IdentityAlways
		}
		out.Columns = append(out.Columns, rc)
	}
	return out
}

// Target implements resolve.Catalog.
func (c *catalog) Target(path []string, temp bool) ([]string, error) {
	s := c.session
	name := path[len(path)-1]
	if temp {
		return []string{duckTempDB, duckMainSch, name}, nil
	}
	if len(path) == 1 {
		for _, schemaName := range s.searchPath() {
			set, err := s.db.schemasFor(c.ctx, s)
			if err != nil {
				return nil, err
			}
			if sch := set.schemas[schemaName]; sch != nil {
				return []string{s.db.name, schemaName, name}, nil
			}
		}
		return nil, sqlerr.New(sqlerr.UndefinedSchema, "no schema has been selected to create in")
	}
	db, schemaName, _, err := c.split(path)
	if err != nil {
		return nil, err
	}
	if db != s.db {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "cross-database reference to database \"%s\" is not supported", db.name)
	}
	set, err := db.schemasFor(c.ctx, s)
	if err != nil {
		return nil, err
	}
	if set.schemas[schemaName] == nil {
		return nil, sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", schemaName)
	}
	return []string{db.name, schemaName, name}, nil
}

// externalHandle is the Handle of an external relation.
type externalHandle struct {
	ns    lake.Namespace
	table *lake.Table
	live  func(ctx context.Context, s *Session) ([][]emit.Expr, error) // a system table kept in Go
}

func (c *catalog) external(db *database, sch *schema, name string) (*resolve.Relation, error) {
	if c.session.cluster.w.options.Catalog == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "external schema \"%s\" has no Data Catalog behind it", sch.name)
	}
	ns := c.session.cluster.namespace(sch.source)
	t, err := c.session.cluster.w.options.Catalog.Table(c.ctx, ns, sch.source.Database, name)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, catalogError(err)
	}
	out := &resolve.Relation{
		Database: db.name, Schema: sch.name, Name: name, Kind: resolve.External,
		Handle: &externalHandle{ns: ns, table: t},
	}
	for i, list := range [][]lake.Column{t.Columns, t.PartitionKeys} {
		for _, col := range list {
			typ, err := lake.TypeOf(col.Type)
			if err != nil {
				return nil, sqlerr.New(sqlerr.FeatureNotSupported, "column %s of external table %s has type %s, which is not supported", col.Name, name, col.Type)
			}
			typ.Insensitive = typ.IsText() && c.session.collation() == insensitive
			out.Columns = append(out.Columns, resolve.Column{Name: strings.ToLower(col.Name), Type: typ, Partition: i == 1})
		}
	}
	return out, nil
}

// Scan implements resolve.Catalog.
func (c *catalog) Scan(scan *resolve.Scan) (emit.Table, error) {
	h, ok := scan.Relation.Handle.(*externalHandle)
	if !ok {
		return nil, fmt.Errorf("cannot scan relation %q", scan.Relation.Name)
	}
	if h.live != nil {
		return c.liveTable(scan.Relation, h)
	}
	slices, total, err := c.slices(scan, h)
	if err != nil {
		return nil, err
	}
	done := scanned{Table: scan.Relation.Schema + "." + scan.Relation.Name, Partitions: len(slices), Total: total}
	for _, s := range slices {
		done.Files += len(s.Files)
		for _, f := range s.Files {
			done.Bytes += f.Size
		}
	}
	c.scans = append(c.scans, done)
	table, err := lake.Source(h.table, slices, scan.Columns)
	if err != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "%s", err.Error())
	}
	return table, nil
}

// liveTable is a relation of the rows a Go function gives now.
func (c *catalog) liveTable(r *resolve.Relation, h *externalHandle) (emit.Table, error) {
	rows, err := h.live(c.ctx, c.session)
	if err != nil {
		return nil, err
	}
	sel := &emit.Select{}
	names := make([]string, len(r.Columns))
	for i, col := range r.Columns {
		names[i] = fmt.Sprintf("c%d", i)
		sel.Items = append(sel.Items, emit.Item{X: &emit.Cast{X: &emit.Ref{Parts: []string{names[i]}}, Type: col.Type.Duck()}, As: col.Name})
	}
	if len(rows) == 0 {
		row := make([]emit.Expr, len(names))
		for i := range row {
			row[i] = &emit.Word{Text: "NULL"}
		}
		rows = [][]emit.Expr{row}
		sel.Where = &emit.Word{Text: "FALSE"}
	}
	sel.From = []emit.Table{&emit.Derived{Query: &emit.Query{Body: &emit.Values{Rows: rows}}, Alias: emit.Alias{Name: "v", Columns: names}}}
	return &emit.Derived{Query: &emit.Query{Body: sel}}, nil
}

// str, num and null build the cells of a live table.
func str(v string) emit.Expr { return &emit.Str{Value: v} }
func num(v int64) emit.Expr  { return &emit.Num{Text: fmt.Sprint(v)} }
func null() emit.Expr        { return &emit.Word{Text: "NULL"} }

// varchar is the type most columns of system tables have.
func varchar(n int) types.Type { return types.Type{Kind: types.Varchar, Length: n} }

func (s *Session) searchPath() []string {
	var out []string
	for _, name := range s.settings.list("search_path") {
		switch name {
		case "$user":
			name = s.user()
		case pgCatalog:
			continue
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
